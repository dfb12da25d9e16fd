package checker

import (
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// resend is a value that was sent again while an earlier send of it may have
// written it. That it stands twice then says nothing about the broker.
type resend struct {
	op   int64 // the first send too many
	more int   // sends beside one that did not fail
}

// sawResent notes that a value that may be in the log is sent again.
func (f *Facts) sawResent(op *histories.Op, l *logFacts, value int64) {
	at := point{l.index, value}
	s, known := f.resent[at]
	if !known {
		if len(f.resent) >= maxCases {
			return
		}
		s.op = op.Index
	}
	s.more++
	f.resent[at] = s
}

// resendFailed takes one send of the value back, because it wrote nothing, and
// tells whether one is left.
func (f *Facts) resendFailed(l *logFacts, value int64) (once bool) {
	at := point{l.index, value}
	s := f.resent[at]
	if s.more--; s.more > 0 {
		f.resent[at] = s
		return false
	}
	delete(f.resent, at)
	return true
}

// sawDuplicate notes a further offset of a record that has one.
func (f *Facts) sawDuplicate(l *logFacts, rec record, s sighting) {
	at := point{l.index, rec.value}
	all := f.duplicates[at]
	if all == nil {
		if !rec.has(recResent) {
			f.live.sees(Duplicate, 1, f.env.DuplicateAllowed())
		}
		if len(f.duplicates) >= maxCases {
			f.over[Duplicate]++
			return
		}
		all = []sighting{f.placed(l, rec)}
		rec.mark(recDup)
	}
	f.duplicates[at] = see(all, s)
}

// placed returns what the record itself says of its offset.
func (f *Facts) placed(l *logFacts, rec record) sighting {
	s := sighting{offset: rec.offset(), value: rec.value, op: rec.readAt(), process: -1, polled: !rec.has(recAckPlace)}
	if t, ok := l.slots.find(s.offset); ok && l.slots.value(t, s.offset) == rec.value {
		s.polled, s.final = t.has(slotPolled), t.has(slotFinal)
	}
	if !s.polled {
		s.op, s.process = rec.sentAt(), rec.process()
	}
	return s
}

// offsetsOf returns every offset at which the record was shown, in order.
func (f *Facts) offsetsOf(l *logFacts, rec record) []int64 {
	if !rec.has(recDup) {
		if !rec.has(recPlaced) {
			return nil
		}
		return []int64{rec.offset()}
	}
	var out []int64
	for _, s := range f.duplicates[point{l.index, rec.value}] {
		out = append(out, s.offset)
	}
	slices.Sort(out)
	return out
}

// duplicatesChecker reports records that stand at several offsets.
type duplicatesChecker struct {
	after
	f *Facts
	r *Report
}

func (c *duplicatesChecker) Finish() {
	c.resent()
	for at, all := range c.f.duplicates {
		if rec, ok := c.f.recs.find(at.log, at.n); ok && rec.has(recResent) {
			continue
		}
		all = slices.Clone(all)
		slices.SortFunc(all, func(a, b sighting) int { return int(min(1, max(-1, a.offset-b.offset))) })
		k := newCase(Duplicate, c.f.logs[at.log].key)
		k.Value, k.Offset = at.n, all[len(all)-1].offset
		k.Ops = [3]int64{all[0].op, all[len(all)-1].op, -1}
		k.AllowedBy = c.f.env.DuplicateAllowed()
		k.Why = func(k *Case) string { return c.why(k, all) }
		c.r.file(k)
	}
	c.r.overflow(Duplicate, c.f)
}

// resent says that values were sent more than once.
func (c *duplicatesChecker) resent() {
	if len(c.f.resent) == 0 {
		return
	}
	first, where := resend{op: -1}, point{}
	for at, s := range c.f.resent {
		if first.op < 0 || s.op < first.op || s.op == first.op && at.n < where.n {
			first, where = s, at
		}
	}
	more := ""
	if n := len(c.f.resent); n > 1 {
		more = fmt.Sprintf(" (and %d more values)", n-1)
	}
	c.r.Unknown(MalformedHistory, fmt.Sprintf("entry %d sends value %d to %s again, although an earlier send of it did not fail%s: values have to be unique in a log, and duplicates of these cannot be judged",
		first.op, where.n, c.f.env.logName(c.f.logs[where.log].key), more))
}

func (c *duplicatesChecker) why(k *Case, all []sighting) string {
	s := fmt.Sprintf("Record %d of %s stands at %d offsets: ", k.Value, c.f.env.logName(k.Log), len(all))
	for i, a := range all {
		if i > 0 {
			s += ", "
		}
		how := "acknowledged there"
		if a.polled {
			how = "polled there"
		}
		s += fmt.Sprintf("%d (%s%s)", a.offset, how, c.f.entryText(a.op))
	}
	return s + ". It was sent once: the broker applied one send more than once, or acknowledged it at an offset that is not its own."
}
