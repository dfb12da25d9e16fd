package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// wholeAgain looks for a cluster that does not become whole after the heal.
// Where a fault is not proven to be gone the cluster is not to blame.
type wholeAgain struct {
	r     *Report
	clock clock
	heal  int64        // the last proof of a heal
	gone  map[int]bool // faults injected, by id: proven to be gone
}

func newWholeAgain(_ *Env, r *Report) Pass {
	return &wholeAgain{r: r, heal: -1, gone: map[int]bool{}}
}

// Observe takes the next entry.
func (c *wholeAgain) Observe(op *histories.Op) {
	c.clock.observe(op.Index, op.Time)
	if op.Process >= 0 || op.Event == nil {
		return
	}
	switch op.F {
	case histories.Inject:
		c.gone[op.Event.ID] = false
	case histories.Healed:
		c.heal = op.Index
		c.gone[op.Event.ID] = gone(op.Event)
	case histories.Whole:
		c.judge(op)
	}
}

// gone tells whether a fault is taken for gone after its heal. The heal of
// everything is left open where a broker does not answer: that is for the broker
// to answer for.
func gone(e *histories.Event) bool {
	held := proof(e)
	return held == Valid || held == Unknown && e.ID < 0
}

// judge judges one statement about the whole cluster.
func (c *wholeAgain) judge(op *histories.Op) {
	if proof(op.Event) != Invalid || c.heal < 0 {
		return
	}
	for _, gone := range c.gone {
		if !gone {
			return
		}
	}
	k := newCase(NoRecovery, -1)
	k.Ops = [3]int64{c.heal, op.Index, -1}
	waited, why := op.Event.Args["waited_ms"], op.Event.Why
	k.Why = func(k *Case) string {
		return fmt.Sprintf("Everything was healed at %s (entry %d), and %.0f ms later the cluster was not whole (entry %d)%s.",
			seconds(c.clock.at(k.Ops[0])), k.Ops[0], waited, k.Ops[1], because(why))
	}
	c.r.Add(k)
}

// Finish does nothing.
func (c *wholeAgain) Finish() {}
