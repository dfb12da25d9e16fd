package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// beyond looks for commits of what no member had been given. A group that
// begins at the end of its logs may commit where it began.
func (c *groups) beyond(g *consumerGroup, l *groupLog) {
	if g.Reset != histories.ResetEarliest || g.Commits == histories.CommitsAuto && g.blind {
		return
	}
	start := c.f.log(l.key).start
	for _, a := range l.ahead {
		if a.offset <= start {
			continue
		}
		k := newCase(CommitBeyondConsumed, l.key)
		k.Offset, k.Group = a.offset, g.Name
		k.Ops[0] = a.entry
		k.From, k.To = max(a.high, start), a.offset-1
		k.Why = func(k *Case) string {
			how := "committed"
			if a.told {
				how = "was told that it has committed"
			}
			return fmt.Sprintf("Group %s %s offset %d of %s%s, when its members had been given the records below offset %d: a group commits what its members were given.",
				g.Name, how, k.Offset, c.env.logName(k.Log), c.f.entryText(k.Ops[0]), k.From)
		}
		c.r.Add(k)
	}
}

// skipped looks for records that the group has committed over although no
// member was ever given them. The group owes them from where it began; one that
// begins at the end of its logs does so again wherever nothing is committed yet,
// and owes them from its first commit.
func (c *groups) skipped(g *consumerGroup, l *groupLog) {
	if l.top.offset < 0 || g.Commits == histories.CommitsAuto && g.blind {
		return
	}
	f := c.f.log(l.key)
	first := f.start
	if g.Reset != histories.ResetEarliest {
		began, ok := l.delivered.begin()
		if !ok {
			return
		}
		first = max(first, began, l.first)
	}
	l.delivered.gaps(first, l.top.offset, func(from, to int64) { c.skip(g, l, f, from, to) })
}

// skip judges one range of offsets that no member was given.
func (c *groups) skip(g *consumerGroup, l *groupLog, f *logFacts, from, to int64) {
	n, first, last := int64(0), int64(-1), int64(-1)
	f.slots.between(f.pages, from, to-1, func(offset int64, t slot) bool {
		if !c.owed(f, offset, t) || f.mayBeDeleted(offset, l.top.entry) || c.f.compactedAway(f, f.slots.value(t, offset), offset, l.top.entry) {
			return true
		}
		if first < 0 {
			first = offset
		}
		last = offset
		n++
		return n < maxSkipped
	})
	if n == 0 {
		return
	}
	t, _ := f.slots.find(first)
	k := newCase(SkippedByGroup, l.key)
	k.Offset, k.Value, k.Group = first, f.slots.value(t, first), g.Name
	k.From, k.To = first, last
	k.A, k.B = l.top.offset, n
	k.Ops[0] = l.top.entry
	if rec, ok := c.f.recs.find(f.index, k.Value); ok {
		k.Ops[1] = rec.readAt()
	}
	k.Why = func(k *Case) string {
		more := ""
		if k.B > 1 {
			more = fmt.Sprintf(" and %d more", k.B-1)
		}
		return fmt.Sprintf("Group %s has committed offset %d of %s%s, and none of its members was ever given record %d at offset %d%s, which others polled%s: a group gets every record that it commits over.",
			g.Name, k.A, c.env.logName(k.Log), c.f.entryText(k.Ops[0]), k.Value, k.Offset, more, c.f.entryText(k.Ops[1]))
	}
	c.r.Add(k)
}

// owed tells whether what stands at an offset is a record that a consumer gets:
// somebody was given it.
func (c *groups) owed(f *logFacts, offset int64, t slot) bool {
	if !t.has(slotRead) || t.has(slotConflict|slotBad) {
		return false
	}
	rec, ok := c.f.recs.find(f.index, f.slots.value(t, offset))
	return ok && (!rec.has(recTxn) || rec.has(recCommittedRead))
}
