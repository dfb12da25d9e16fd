package checker

import (
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// holding is a log that a member owns.
type holding struct {
	process int64
	entry   int64 // that told of it
	// since and until enclose a time, in ns, in which the member owned the log
	// for certain. until is open while no entry tells of its end.
	since, until int64
	first, last  int64 // generations of the group in which it did
}

// ownerPair is two members that may own one log at once.
type ownerPair struct {
	group *consumerGroup
	log   int64
	a, b  *holding
}

// rebalanced notes what became of a member's share.
func (c *groups) rebalanced(op *histories.Op, m *member) {
	for i := range op.Rebalances {
		e := &op.Rebalances[i]
		m.group.stats.Rebalances++
		for _, key := range e.Keys {
			if e.What == histories.Assigned {
				c.assigned(op, m, key, e.Generation)
				continue
			}
			m.release(key, m.quiet)
			m.from[key] = m.quiet
		}
		for _, h := range m.owned { // what it keeps it has in this generation too
			h.last = max(h.last, e.Generation)
		}
	}
}

func (c *groups) assigned(op *histories.Op, m *member, key, generation int64) {
	m.release(key, m.quiet) // told of again, it need not have had it in between
	if generation < 0 {
		return
	}
	h := &holding{process: op.Process, entry: op.Index, since: int64(op.Time), until: forever, first: generation, last: generation}
	m.owned[key] = h
	l := m.group.log(key)
	l.owners = slices.DeleteFunc(l.owners, func(o *holding) bool { return o.until < h.since })
	for _, o := range l.owners {
		if len(c.pairs) < maxCases {
			c.pairs = append(c.pairs, ownerPair{m.group, key, o, h})
		}
	}
	l.owners = append(l.owners, h)
}

// release ends the ownership of a log, which was there until then.
func (m *member) release(key, until int64) {
	if h := m.owned[key]; h != nil {
		h.until = until
		delete(m.owned, key)
	}
}

// end ends whatever the member owns.
func (m *member) end(until int64) {
	for key := range m.owned {
		m.release(key, until)
	}
}

// bothOwn tells whether two holdings that last until then have a generation and a
// time in common.
func bothOwn(a, b *holding, untilA, untilB int64) bool {
	return max(a.first, b.first) <= min(a.last, b.last) && max(a.since, b.since) <= min(untilA, untilB)
}

// ownersAllowed is the clause that allows two owners: a coordinator that lost the
// group counts its generations anew.
func (c *groups) ownersAllowed(a, b *holding) string {
	return c.crashes.groupsClause(min(a.entry, b.entry), max(a.entry, b.entry))
}

// twoOwners judges the pairs: the same log, a generation in common, and a time
// in which both owned it. A member that was expelled and does not know it is in
// an older generation; one that gave a log up had done so before the next one
// got it.
func (c *groups) twoOwners() {
	for _, p := range c.members.all() {
		m := c.members.at(p)
		m.end(m.quiet)
	}
	for _, p := range c.pairs {
		a, b := p.a, p.b
		if a.process == b.process || !bothOwn(a, b, a.until, b.until) {
			continue
		}
		k := newCase(TwoOwners, p.log)
		k.Group = p.group.Name
		k.Ops = [3]int64{a.entry, b.entry, -1}
		k.A = max(a.first, b.first)
		k.AllowedBy = c.ownersAllowed(a, b)
		k.Why = func(k *Case) string {
			return fmt.Sprintf("In generation %d of group %s both process %d%s and process %d%s own %s: in a generation a log has one owner.",
				k.A, p.group.Name, a.process, c.f.entryText(k.Ops[0]), b.process, c.f.entryText(k.Ops[1]), c.env.logName(k.Log))
		}
		c.r.Add(k)
	}
}
