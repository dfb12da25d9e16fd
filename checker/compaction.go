package checker

import (
	"cmp"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// keyedLog knows the keys of the records of a compacted log, by their values.
// It costs 16 bytes a value and is there for such logs only.
type keyedLog struct {
	pages  paged[keyPage]
	chains map[int64]*keyChain // by record key, once everything was observed
}

type keyPage struct {
	key     [pageLen]int64
	invoked [pageLen]int64 // entry that sent it, and 1; 0: no key is known
}

// tombstoneBit marks a tombstone's entry in keyPage.invoked.
const tombstoneBit = 1 << 62

// keyChain are the records of one key, in the order of the log.
type keyChain struct {
	records []keyedRecord
	// loose is the first send of the key of which nobody knows the offset, and
	// that may be in the log; -1: none. tombstone: one of those is a tombstone.
	loose     int64
	tombstone bool
}

type keyedRecord struct {
	offset int64
	// invoked is the first entry that sent this record or one behind it: what
	// stands before it may be gone from then on.
	invoked int64
}

// sentKeyed notes the key of a record that is about to be sent.
func (l *logFacts) sentKeyed(op *histories.Op, value int64, key histories.RecordKey) {
	if l.keyed == nil {
		l.keyed = &keyedLog{}
	}
	p := l.keyed.pages.make(value >> pageBits)
	i := value & pageMask
	if p.invoked[i] != 0 {
		return // the first send of a value is the one that counts
	}
	p.key[i], p.invoked[i] = key.Key, op.Index+1
	if key.Tombstone {
		p.invoked[i] |= tombstoneBit
	}
}

// of returns what is known of a value's key.
func (k *keyedLog) of(value int64) (key, invoked int64, tombstone, ok bool) {
	if k == nil {
		return 0, 0, false, false
	}
	p := k.pages.get(value >> pageBits)
	if p == nil || p.invoked[value&pageMask] == 0 {
		return 0, 0, false, false
	}
	n := p.invoked[value&pageMask]
	return p.key[value&pageMask], n&^tombstoneBit - 1, n&tombstoneBit != 0, true
}

// chain puts the records of compacted logs in the order of their keys.
func (f *Facts) chain() {
	if !slices.ContainsFunc(f.logs, func(l *logFacts) bool { return l.keyed != nil }) {
		return
	}
	f.recs.each(len(f.logs), func(log int, rec record) {
		l := f.logs[log]
		key, invoked, tombstone, ok := l.keyed.of(rec.value)
		if !ok || rec.has(recFailed) && !rec.has(recPolled) {
			return
		}
		if l.keyed.chains == nil {
			l.keyed.chains = map[int64]*keyChain{}
		}
		c := l.keyed.chains[key]
		if c == nil {
			c = &keyChain{loose: -1}
			l.keyed.chains[key] = c
		}
		if rec.has(recPlaced) {
			offsets := f.offsetsOf(l, rec)
			c.records = append(c.records, keyedRecord{offsets[len(offsets)-1], invoked})
			return
		}
		if c.loose < 0 || invoked < c.loose {
			c.loose = invoked
		}
		c.tombstone = c.tombstone || tombstone
	})
	for _, l := range f.logs {
		if l.keyed == nil {
			continue
		}
		for _, c := range l.keyed.chains {
			slices.SortFunc(c.records, func(a, b keyedRecord) int { return cmp.Compare(a.offset, b.offset) })
			for i := len(c.records) - 2; i >= 0; i-- {
				c.records[i].invoked = min(c.records[i].invoked, c.records[i+1].invoked)
			}
		}
	}
}

// later returns the entry that sent the first record of the same key behind
// this one; false where there is none.
func (c *keyChain) later(offset int64) (invoked int64, ok bool) {
	i, _ := slices.BinarySearchFunc(c.records, offset, func(r keyedRecord, offset int64) int {
		if r.offset <= offset {
			return -1
		}
		return 1
	})
	if i == len(c.records) {
		return 0, false
	}
	return c.records[i].invoked, true
}

// compactedBy tells whether compaction may have removed a record when an entry
// was written: a later record of its key was on its way. A record of which no
// key is known is not held against the broker.
func (l *logFacts) compactedBy(value, offset, entry int64) bool {
	key, _, _, ok := l.keyed.of(value)
	if !ok {
		return true
	}
	c := l.keyed.chains[key]
	if c == nil {
		return true
	}
	if invoked, ok := c.later(offset); ok && invoked < entry {
		return true
	}
	return c.loose >= 0 && c.loose < entry
}

// compactedAway tells whether a record may have been compacted away when an
// entry was written. Of logs that are not compacted, none is.
func (f *Facts) compactedAway(l *logFacts, value, offset, entry int64) bool {
	if !l.compacted || l.compactedBy(value, offset, entry) {
		return l.compacted
	}
	rec, ok := f.recs.find(l.index, value)
	return ok && f.tombstoneOver(l, rec, entry)
}

// tombstoneOver tells whether a record is a tombstone that may have stood for as
// long as the log keeps them. It may have been appended as soon as it was sent,
// long before the answer.
func (f *Facts) tombstoneOver(l *logFacts, rec record, entry int64) bool {
	_, invoked, tombstone, _ := l.keyed.of(rec.value)
	if !tombstone {
		return false
	}
	keep, stated := f.env.tombstones(l.key)
	return !stated || f.clock.at(entry)-f.clock.at(invoked)+retentionMargin >= keep
}

// compactedFinally tells whether compaction may have removed a record that is
// gone at the end. Unlike on the way there, whatever replaced it must be there,
// unless it was a tombstone that nobody saw.
func (l *logFacts) compactedFinally(value, offset int64) bool {
	key, _, _, ok := l.keyed.of(value)
	if !ok {
		return true
	}
	c := l.keyed.chains[key]
	if c == nil || c.loose >= 0 && c.tombstone {
		return true
	}
	_, replaced := c.later(offset)
	return replaced
}
