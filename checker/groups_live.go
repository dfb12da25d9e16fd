package checker

import (
	"time"

	"github.com/ackproof/ackproof/checker/linear"
)

const (
	// lookEvery is how often, in the history's own clock, a pass looks whether what
	// it judges at the end convicts already.
	lookEvery = 500 * time.Millisecond
	// lookBack is how many of a register's last operations are looked at: a
	// contradiction is between neighbours in time, and what is further apart is
	// found at the end.
	lookBack = 2048
)

// groupLooks is when to look, and what owners are still to be looked at.
type groupLooks struct {
	every time.Duration // 0: lookEvery
	last  time.Duration
	pairs int   // of the groups' pairs, those before it have been seen
	open  []int // of them, those of which more may become known
}

// due tells whether it is time to look.
func (l *groupLooks) due(now time.Duration) bool {
	every := l.every
	if every == 0 {
		every = lookEvery
	}
	if now-l.last < every {
		return false
	}
	l.last = now
	return true
}

// look counts what is certain by now of what Finish judges.
func (c *groups) look() {
	for _, g := range c.list {
		for _, l := range g.logs {
			for p, n := range l.fresh {
				if n > 0 && !l.noticed {
					c.lookAtRegister(g, l, p)
				}
				l.fresh[p] = 0
			}
		}
	}
	c.lookAtOwners()
}

// lookAtRegister judges the last operations on a register. A part of a history
// with the commits that its answers name shows no contradiction that the whole
// does not have: each commit is current for longer in the whole.
func (c *groups) lookAtRegister(g *consumerGroup, l *groupLog, process int64) {
	all := l.register[process]
	ops := all[max(0, len(all)-lookBack):]
	writes, here := map[int64]registerOp{}, map[int64]bool{}
	for _, o := range ops {
		here[o.Value] = here[o.Value] || o.Write
	}
	var earlier []registerOp
	for _, o := range ops {
		if w, known := l.writes[o.Value]; known && o.Value >= 0 {
			writes[o.Value] = w
			if !here[o.Value] && c.env.Model != Session { // under that model it may be another process's
				here[o.Value] = true
				earlier = append(earlier, w)
			}
		}
	}
	found := func(k Case) {
		if !l.noticed {
			l.noticed = true
			c.r.notice(k.Kind, k.AllowedBy)
		}
	}
	r := registerJudge{c: c, g: g, l: l, add: found, writes: writes, read: map[int64]bool{}, own: map[int64]bool{}}
	ops = append(earlier, ops...)
	sound, stale := r.answers(ops)
	if stale {
		sound = r.relaxed(ops, sound)
	}
	for _, v := range linear.Zones(sound) {
		r.pair(v)
	}
}

// lookAtOwners counts the pairs that own a log at once for certain. What is open
// is known as far as its member's last operation.
func (c *groups) lookAtOwners() {
	for ; c.looks.pairs < len(c.pairs); c.looks.pairs++ {
		c.looks.open = append(c.looks.open, c.looks.pairs)
	}
	open := c.looks.open[:0]
	for _, i := range c.looks.open {
		a, b := c.pairs[i].a, c.pairs[i].b
		switch {
		case a.process == b.process:
		case bothOwn(a, b, c.known(a), c.known(b)):
			c.r.notice(TwoOwners, c.ownersAllowed(a, b))
		case a.until == forever || b.until == forever:
			open = append(open, i)
		}
	}
	c.looks.open = open
}

// known is until when a log is known to be a member's.
func (c *groups) known(h *holding) int64 {
	if h.until == forever {
		return c.members.at(h.process).quiet
	}
	return h.until
}
