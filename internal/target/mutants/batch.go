package mutants

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// batch is a record batch of magic 2 (KIP-98) as it goes over the wire. The
// checksum covers everything from the attributes on: base offset and leader
// epoch may be changed without it.
type batch []byte

// Where the fields stand, in bytes.
const (
	atLength    = 8
	atMagic     = 16
	atCRC       = 17
	atAttrs     = 21
	atDelta     = 23 // of the last offset
	atProducer  = 43
	atEpoch     = 51
	atProducerE = 57 // the end of producer id, epoch and base sequence
	atCount     = 57
	atRecords   = 61
	lengthFrom  = 12 // the length counts from here on
)

// Bits of the attributes.
const (
	attrCodec         = 0x07
	attrTransactional = 0x10
	attrControl       = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// whole tells whether this is exactly one batch of the known format.
func (b batch) whole() bool {
	return len(b) >= atRecords && b[atMagic] == 2 && int(int32(binary.BigEndian.Uint32(b[atLength:])))+lengthFrom == len(b)
}

func (b batch) base() int64         { return int64(binary.BigEndian.Uint64(b)) }
func (b batch) count() int32        { return int32(binary.BigEndian.Uint32(b[atCount:])) }
func (b batch) end() int64          { return b.base() + int64(int32(binary.BigEndian.Uint32(b[atDelta:]))) + 1 }
func (b batch) crc() uint32         { return binary.BigEndian.Uint32(b[atCRC:]) }
func (b batch) attrs() uint16       { return binary.BigEndian.Uint16(b[atAttrs:]) }
func (b batch) transactional() bool { return b.attrs()&attrTransactional != 0 }
func (b batch) idempotent() bool    { return int64(binary.BigEndian.Uint64(b[atProducer:])) >= 0 }
func (b batch) clone() batch        { return append(batch(nil), b...) }

// sealed sets length and checksum, in place.
func (b batch) sealed() batch {
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-lengthFrom))
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttrs:], castagnoli))
	return b
}

// rebased returns a copy at another base offset, with the header fields that
// the broker sets taken from like.
func (b batch) rebased(like batch) batch {
	out := b.clone()
	copy(out[:atLength], like[:atLength])
	copy(out[lengthFrom:atMagic], like[lengthFrom:atMagic]) // leader epoch
	return out
}

// unowned returns a copy without its producer: the cluster does not take it
// for a repetition.
func (b batch) unowned() batch {
	out := b.clone()
	for i := atProducer; i < atProducerE; i++ {
		out[i] = 0xff
	}
	return out.sealed()
}

// emptied returns a copy without records that keeps its offsets, as compaction
// leaves one behind: readers go past it.
func (b batch) emptied() batch {
	out := append(batch(nil), b[:atRecords]...)
	binary.BigEndian.PutUint16(out[atAttrs:], out.attrs()&^attrCodec)
	binary.BigEndian.PutUint32(out[atCount:], 0)
	return out.sealed()
}

// records decodes the batch.
func (b batch) records() ([]kmsg.Record, error) {
	var rb kmsg.RecordBatch
	if err := rb.ReadFrom(b); err != nil {
		return nil, fmt.Errorf("decode a record batch: %w", err)
	}
	return kfake.BatchRecords(rb)
}

// of returns a batch, not compressed, with the header of b and these records.
// It keeps the offsets that b takes up.
func (b batch) of(records []kmsg.Record) batch {
	out := append(batch(nil), b[:atRecords]...)
	binary.BigEndian.PutUint16(out[atAttrs:], out.attrs()&^attrCodec)
	binary.BigEndian.PutUint32(out[atCount:], uint32(len(records)))
	for _, r := range records {
		r.Length = 0
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 takes one byte
		out = r.AppendTo(out)
	}
	return out.sealed()
}

// alone returns a batch of one record with this value, without a producer.
func (b batch) alone(value []byte) batch {
	out := b.unowned()
	binary.BigEndian.PutUint32(out[atCount:], 1)
	binary.BigEndian.PutUint32(out[atDelta:], 0)
	r := kmsg.NewRecord()
	r.Value = value
	return out.of([]kmsg.Record{r})
}

// split cuts what a fetch returned into its whole batches; rest is what is
// left, a batch that the broker cut off.
func split(data []byte) (batches []batch, rest []byte) {
	for len(data) >= atRecords {
		n := int64(int32(binary.BigEndian.Uint32(data[atLength:]))) + lengthFrom
		if n < atRecords || n > int64(len(data)) || data[atMagic] != 2 {
			break
		}
		batches = append(batches, batch(data[:n:n]))
		data = data[n:]
	}
	return batches, data
}

// join is the inverse of split.
func join(batches []batch, rest []byte) []byte {
	out := []byte{}
	for _, b := range batches {
		out = append(out, b...)
	}
	return append(out, rest...)
}

// values returns the values of a batch's records by the broker's reader, -1
// where one is not known.
func (b *Broker) values(in batch) []int64 {
	out := make([]int64, max(in.count(), 0))
	for i := range out {
		out[i] = -1
	}
	if b.opts.Value == nil {
		return out
	}
	records, err := in.records()
	if err != nil {
		return out
	}
	for i, r := range records {
		if i < len(out) {
			out[i] = max(b.opts.Value(r.Value), -1)
		}
	}
	return out
}

// producer is the producer's id, -1 for none.
func (b batch) producer() int64 { return int64(binary.BigEndian.Uint64(b[atProducer:])) }

// epoch is the producer's epoch.
func (b batch) epoch() int16 { return int16(binary.BigEndian.Uint16(b[atEpoch:])) }

// control tells whether the batch is a transaction's marker.
func (b batch) control() bool { return b.attrs()&attrControl != 0 }

// ofEpoch returns a copy by the same producer in another epoch.
func (b batch) ofEpoch(epoch int16) batch {
	out := b.clone()
	binary.BigEndian.PutUint16(out[atEpoch:], uint16(epoch))
	return out.sealed()
}
