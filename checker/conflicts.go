package checker

import (
	"fmt"
	"slices"
)

// sawConflict notes a further value at an offset that has one.
func (f *Facts) sawConflict(l *logFacts, t slot, s sighting) {
	at := point{l.index, s.offset}
	all := f.conflicts[at]
	if all == nil {
		f.live.sees(InconsistentOffset, 1, "")
		if len(f.conflicts) >= maxCases {
			f.over[InconsistentOffset]++
			t.mark(slotConflict)
			return
		}
		all = []sighting{f.first(l, t, s.offset)}
		t.mark(slotConflict)
	}
	f.conflicts[at] = see(all, s)
}

// maxSightings bounds the values kept of one offset, and the offsets of one value.
const maxSightings = 64

// see adds a sighting to those of one offset or of one value, where it is new;
// otherwise it strengthens the one that is there.
func see(all []sighting, s sighting) []sighting {
	for i := range all {
		if a := &all[i]; a.value == s.value && a.offset == s.offset {
			if s.polled && !a.polled {
				a.polled, a.op, a.process = true, s.op, s.process
			}
			a.final = a.final || s.final
			return all
		}
	}
	if len(all) >= maxSightings {
		return all
	}
	return append(all, s)
}

// first returns what the slot itself says of its value.
func (f *Facts) first(l *logFacts, t slot, offset int64) sighting {
	v := l.slots.value(t, offset)
	rec := f.recs.at(l.index, v)
	s := sighting{offset: offset, value: v, op: rec.sentAt(), process: rec.process(), polled: t.has(slotPolled), final: t.has(slotFinal)}
	if s.polled && rec.readAt() >= 0 {
		s.op, s.process = rec.readAt(), -1
	}
	return s
}

// offsetsChecker reports offsets that name two values.
//
// What such an offset is called depends on what became of its records: where a
// value that was only acknowledged here is gone, and another one holds its
// offset, the record was truncated (see loss) and this is the consequence.
type offsetsChecker struct {
	after
	f *Facts
	r *Report
}

func (c *offsetsChecker) Finish() {
	for at, all := range c.f.conflicts {
		liar := c.convicted(all)
		rest := slices.DeleteFunc(slices.Clone(all), func(s sighting) bool { return s.value == liar.value })
		k := newCase(InconsistentOffset, c.f.logs[at.log].key)
		k.Offset, k.Value = at.n, liar.value
		k.Ops = [3]int64{rest[0].op, liar.op, -1}
		polled := 0
		for _, s := range all {
			if s.polled {
				polled++
			}
		}
		k.AllowedBy, k.weak = c.allowed(polled), polled < 2
		if k.AllowedBy == "" {
			k.AllowedBy = c.f.crashes.clause(k.Log, min(rest[0].op, liar.op), max(rest[0].op, liar.op))
		}
		for _, s := range rest {
			k.Others = append(k.Others, s.value)
		}
		k.Why = func(k *Case) string { return c.why(k, rest, liar) }
		c.r.file(k)
	}
	c.r.overflow(InconsistentOffset, c.f)
}

// convicted picks the value that has the weaker claim to the offset: one that
// was only acknowledged there before one that was polled there, one that the
// final reads do not return before one that they do, the later one in the end.
func (c *offsetsChecker) convicted(all []sighting) sighting {
	claim := func(s sighting) int {
		n := 0
		if s.polled {
			n++
		}
		if s.final {
			n += 2
		}
		return n
	}
	worst := all[len(all)-1]
	for _, s := range slices.Backward(all) {
		if claim(s) < claim(worst) {
			worst = s
		}
	}
	return worst
}

// allowed returns the clause under which an offset may be used twice. After an
// unclean election that holds even for records that consumers have read.
func (c *offsetsChecker) allowed(polled int) string {
	if u := c.f.env.Contract.UncleanElection; u != nil && *u {
		return "unclean_election=true"
	}
	if polled < 2 {
		return c.f.env.LossAllowed()
	}
	return ""
}

func (c *offsetsChecker) why(k *Case, rest []sighting, liar sighting) string {
	s := fmt.Sprintf("Offset %d of %s names %d values: %s", k.Offset, c.f.env.logName(k.Log), len(rest)+1, c.f.told(liar))
	for _, other := range rest {
		s += ", but " + c.f.told(other)
	}
	return s + ". An offset names one record for ever: consumers that read at different times disagree about what the log contains."
}

// told says how a value was shown.
func (f *Facts) told(s sighting) string {
	who := ""
	if s.process >= 0 {
		who = fmt.Sprintf(" to process %d", s.process)
	}
	what := "acknowledged"
	if s.polled {
		what = "returned by a poll"
	}
	return fmt.Sprintf("record %d was %s%s%s", s.value, what, who, f.entryText(s.op))
}

// entryText says where and when an entry stands.
func (f *Facts) entryText(op int64) string {
	if op < 0 {
		return ""
	}
	return fmt.Sprintf(" (entry %d, %s)", op, seconds(f.clock.at(op)))
}
