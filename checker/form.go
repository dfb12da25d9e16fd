package checker

import (
	"fmt"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// form tells whether the history can be a record of what was asked at all:
// indexes and times ascend, operations are paired, dead processes stay dead.
// Where it cannot, what was found before stands and nothing is called valid.
//
// It goes ahead of the passes: the judge asks it about each batch.
type form struct {
	env      *Env
	r        *Report
	rules    histories.Validator
	problems []malformation // by rule, in the order of their first appearance
}

// malformation is how often a rule was broken, and first by what.
type malformation struct {
	first histories.Problem
	n     int64
}

func newForm(e *Env, r *Report) Pass {
	return &form{env: e, r: r, rules: histories.Validator{Gapless: ours(&e.Header)}}
}

// ours tells whether our recorder wrote the history: it counts without gaps.
func ours(h *histories.Header) bool { return strings.HasPrefix(h.Tool, "ackproof") }

// Observe has nothing to do: see sound.
func (c *form) Observe(*histories.Op) {}

func (c *form) observesNothing() {}

// sound takes the next entries and tells how many of them belong to a history
// that a run can have recorded.
func (c *form) sound(ops []histories.Op) int {
	n := len(ops)
	for i := range ops {
		for _, p := range c.rules.Observe(&ops[i]) {
			c.problem(p)
		}
		if len(c.problems) > 0 {
			n = min(n, i)
		}
	}
	return n
}

func (c *form) problem(p histories.Problem) {
	if p.What == histories.ProcessReused && !c.env.HasHeader {
		return // other tools may go on with a process after an unknown outcome
	}
	for i := range c.problems {
		if c.problems[i].first.What == p.What {
			c.problems[i].n++
			return
		}
	}
	c.problems = append(c.problems, malformation{p, 1})
}

// Finish reports each broken rule once.
func (c *form) Finish() {
	for _, m := range c.problems {
		more := ""
		if m.n > 1 {
			more = fmt.Sprintf(" (and %d more of this sort)", m.n-1)
		}
		c.r.Unknown(MalformedHistory, fmt.Sprintf("%s: %s%s", m.first.What, m.first.Why, more))
	}
	if len(c.problems) > 0 {
		c.r.Unknown(IncompleteRun, fmt.Sprintf("nothing is judged from entry %d on, and no record before it is called a phantom-read, because its send may be what is missing", c.problems[0].first.Index))
	}
}
