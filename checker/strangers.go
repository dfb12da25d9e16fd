package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// badRecord is a polled record whose payload is not what was sent to its log.
type badRecord struct {
	kind        Kind
	detail      string
	op, process int64
	value       int64
}

// sawBad notes a bad record; the first poll that returned it is the witness.
func (f *Facts) sawBad(op *histories.Op, b *histories.BadRec) {
	l := f.log(b.Key)
	at := point{l.index, b.Offset}
	if f.bad[at] != nil {
		return
	}
	kind := CorruptRecord
	switch b.Why {
	case histories.BadForeign:
		kind = PhantomRead
	case histories.BadLog:
		kind = MisroutedRecord
	}
	f.live.sees(kind, 1, "")
	if len(f.bad) >= maxCases {
		f.over[kind]++
		return
	}
	f.bad[at] = &badRecord{kind: kind, detail: b.Detail, op: op.Index, process: op.Process, value: valueAt(op, b)}
	if b.Offset >= 0 {
		l.slots.at(b.Offset).mark(slotBad)
	}
}

// valueAt returns the value that a bad record claims to have.
func valueAt(op *histories.Op, b *histories.BadRec) int64 {
	for _, run := range op.Runs {
		if run.Key != b.Key {
			continue
		}
		for _, r := range op.Recs[run.From:run.To] {
			if r.Offset == b.Offset {
				return r.Value
			}
		}
	}
	return histories.NoValue
}

// isBad tells whether a polled record is one of the operation's bad ones and
// so says nothing about the log's own records. A damaged record that can still
// be identified is not lost, so it counts as shown.
func (f *Facts) isBad(op *histories.Op, l *logFacts, r *histories.Rec) bool {
	for i := range op.Bad {
		if b := &op.Bad[i]; b.Key == l.key && b.Offset == r.Offset {
			if b.Why != histories.BadChecksum || r.Value == histories.NoValue {
				return true
			}
			rec, ok := f.recs.find(l.index, r.Value)
			return !ok || !rec.has(recSent)
		}
	}
	return false
}

// earlyRead is a value that was polled before anybody sent it.
type earlyRead struct {
	op, process, offset int64
}

func (f *Facts) sawEarly(op *histories.Op, l *logFacts, r *histories.Rec) {
	at := point{l.index, r.Value}
	if f.early[at] != nil {
		return
	}
	f.live.sees(PhantomRead, 1, "")
	if len(f.early) >= maxCases {
		f.over[PhantomRead]++
		return
	}
	f.early[at] = &earlyRead{op.Index, op.Process, r.Offset}
}

// strangersChecker reports polled records that nobody sent to the log.
type strangersChecker struct {
	after
	f *Facts
	r *Report
}

func (c *strangersChecker) Finish() {
	for at, b := range c.f.bad {
		k := newCase(b.kind, c.f.logs[at.log].key)
		k.Offset, k.Value = at.n, b.value
		k.Ops[0] = b.op
		k.A = b.process
		k.Why = func(k *Case) string { return c.whyBad(k, b) }
		c.r.file(k)
	}
	for at, e := range c.f.early {
		k := newCase(PhantomRead, c.f.logs[at.log].key)
		k.Offset, k.Value = e.offset, at.n
		k.Ops[0] = e.op
		k.A = e.process
		k.Why = c.whyNobody
		if home := c.home(at); home != nil {
			k.Kind = MisroutedRecord
			k.B = home.key
			k.Ops[1] = c.f.recs.at(home.index, at.n).sentAt()
			k.Why = c.whyMoved
		}
		c.r.file(k)
	}
	c.r.overflow(CorruptRecord, c.f)
	c.r.overflow(MisroutedRecord, c.f)
	c.r.overflow(PhantomRead, c.f)
}

// home finds the log that a value was sent to, where values are unique in the
// whole history; a history that numbers the values of each log by themselves
// cannot say so.
func (c *strangersChecker) home(at point) *logFacts {
	if c.f.recs.shared {
		return nil
	}
	for _, l := range c.f.logs {
		if l.index == at.log {
			continue
		}
		if rec, ok := c.f.recs.find(l.index, at.n); ok && rec.has(recSent) {
			return l
		}
	}
	return nil
}

func (c *strangersChecker) whyBad(k *Case, b *badRecord) string {
	where := fmt.Sprintf("A poll of process %d%s returned a record at offset %d of %s", b.process, c.f.entryText(b.op), k.Offset, c.f.env.logName(k.Log))
	switch k.Kind {
	case MisroutedRecord:
		return fmt.Sprintf("%s that %s: a record may only appear in the partition it was sent to.", where, detail(b, "was sent to another log"))
	case PhantomRead:
		return fmt.Sprintf("%s that nobody sent in this run (%s).", where, detail(b, "foreign payload"))
	}
	return fmt.Sprintf("%s whose bytes are not those that were sent (%s).", where, detail(b, "checksum mismatch"))
}

func detail(b *badRecord, otherwise string) string {
	if b.detail != "" {
		return b.detail
	}
	return otherwise
}

func (c *strangersChecker) whyNobody(k *Case) string {
	return fmt.Sprintf("A poll of process %d%s returned value %d at offset %d of %s, and no send of it is in the history: the broker shows a record that nobody wrote.",
		k.A, c.f.entryText(k.Ops[0]), k.Value, k.Offset, c.f.env.logName(k.Log))
}

func (c *strangersChecker) whyMoved(k *Case) string {
	return fmt.Sprintf("A poll of process %d%s returned value %d at offset %d of %s, but it was sent to %s%s: a record may only appear in the partition it was sent to.",
		k.A, c.f.entryText(k.Ops[0]), k.Value, k.Offset, c.f.env.logName(k.Log), c.f.env.logName(k.B), c.f.entryText(k.Ops[1]))
}
