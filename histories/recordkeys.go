package histories

import (
	"fmt"
	"strconv"
	"strings"
)

// RecordKey is the key of a record that is sent: what compaction goes by. A
// tombstone has the key and no value of its own; it deletes the key (Kafka
// documentation, 4.8 Log Compaction).
type RecordKey struct {
	Key       int64
	Tombstone bool
}

// appendJSONRecordKeys writes [[7],[8,null]]; null is a tombstone's value.
func appendJSONRecordKeys(b []byte, o *Op) []byte {
	if len(o.RecordKeys) == 0 {
		return b
	}
	b = append(b, `,"record-keys":[`...)
	for i, k := range o.RecordKeys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(append(b, '['), k.Key)
		if k.Tombstone {
			b = append(b, ",null"...)
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendEDNRecordKeys writes them as EDN.
func appendEDNRecordKeys(b []byte, o *Op) []byte {
	if len(o.RecordKeys) == 0 {
		return b
	}
	b = append(b, `, :record-keys [`...)
	for i, k := range o.RecordKeys {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendInt(append(b, '['), k.Key)
		if k.Tombstone {
			b = append(b, " nil"...)
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendTextRecordKeys writes keys=7,8:null.
func appendTextRecordKeys(b []byte, o *Op) []byte {
	for i, k := range o.RecordKeys {
		if i == 0 {
			b = append(b, " keys="...)
		} else {
			b = append(b, ',')
		}
		b = appendInt(b, k.Key)
		if k.Tombstone {
			b = append(b, ":null"...)
		}
	}
	return b
}

// recordKeys reads what appendTextRecordKeys writes.
func (p *textParser) recordKeys(v string) error {
	for s := range strings.SplitSeq(v, ",") {
		n, null := strings.CutSuffix(s, ":null")
		key, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return fmt.Errorf("keys=%s: want keys=7,8:null, the key of each record that is sent, with :null for a tombstone", v)
		}
		p.op.RecordKeys = append(p.op.RecordKeys, RecordKey{key, null})
	}
	return nil
}

// recordKeys reads [[key], [key, null], …].
func (d *decoder) recordKeys(o *Op) {
	o.RecordKeys = o.RecordKeys[:0]
	if d.null() {
		return
	}
	shut := d.list()
	for n := 0; d.next(shut, n); n++ {
		inner := d.list()
		k := RecordKey{Key: d.int()}
		if d.next(inner, 1) { // otherwise it ends here
			if !d.null() {
				d.fail("want null for a tombstone, or nothing")
				return
			}
			k.Tombstone = true
			d.shut(inner)
		}
		o.RecordKeys = append(o.RecordKeys, k)
	}
}

// KeyOfSend returns the key of the n-th record that the operation sends, from
// 0; false where its records have none.
func (o *Op) KeyOfSend(n int) (RecordKey, bool) {
	if n >= len(o.RecordKeys) {
		return RecordKey{}, false
	}
	return o.RecordKeys[n], true
}
