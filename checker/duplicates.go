package checker

import (
	"fmt"
	"slices"
)

// sawDuplicate notes a further offset of a record that has one.
func (f *Facts) sawDuplicate(l *logFacts, rec record, s sighting) {
	at := point{l.index, rec.value}
	all := f.duplicates[at]
	if all == nil {
		f.live.add(Duplicate, 1)
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
	s := sighting{offset: rec.offset(), value: rec.value, op: rec.readAt(), process: -1, polled: true}
	if rec.has(recAckPlace) {
		s.op, s.process, s.polled = rec.sentAt(), rec.process(), false
	}
	if t, ok := l.slots.find(s.offset); ok && l.slots.value(t, s.offset) == rec.value {
		s.polled, s.final = t.has(slotPolled), t.has(slotFinal)
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
	for at, all := range c.f.duplicates {
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
