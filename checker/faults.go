package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// faults holds the harness to its own promises: a fault without proof of bite
// and of heal proves nothing, and neither does one beside which nobody worked.
// What it finds makes the verdict unknown, never invalid.
type faults struct {
	env    *Env
	r      *Report
	events []*faultEvent // in the order of their injection
	ops    int64         // operations completed so far
	acked  int64         // acknowledged sends so far
}

// faultEvent is one fault of the plan.
type faultEvent struct {
	FaultResult
	injected, healing, healed          bool
	opsAtInject, opsAtHeal, opsAtClean int64
	ackedAtClean                       int64
	biteProof, healProof               []histories.Probe
}

func newFaults(e *Env, r *Report) Pass { return &faults{env: e, r: r} }

// Observe takes the next entry.
func (c *faults) Observe(op *histories.Op) {
	if op.Process >= 0 {
		if op.Type == histories.Invoke {
			return
		}
		c.ops++
		if op.Type == histories.OK && (op.F == histories.Send || op.F == histories.Txn) {
			c.acked++
		}
		return
	}
	if op.Event == nil {
		return
	}
	switch op.F {
	case histories.Inject:
		e := c.event(op.Event)
		e.injected, e.opsAtInject = true, c.ops
		e.Begin = int64(op.Time)
	case histories.Bite:
		e := c.event(op.Event)
		if held := proof(op.Event); held != Unknown || e.Bit == Unknown {
			if e.Bit != Valid { // one proof is enough
				e.Bit, e.Why = held, op.Event.Why
				e.biteProof = slices.Clone(op.Event.Proof)
			}
		}
	case histories.Heal:
		e := c.event(op.Event)
		if !e.healing {
			e.healing, e.opsAtHeal = true, c.ops
		}
	case histories.Healed:
		c.wasHealed(op)
	case histories.Note:
		c.note(op.Event.Why)
	}
}

func (c *faults) wasHealed(op *histories.Op) {
	e := c.event(op.Event)
	e.Healed, e.healProof = proof(op.Event), slices.Clone(op.Event.Proof)
	e.healed, e.End = true, int64(op.Time)
	e.opsAtClean, e.ackedAtClean = c.ops, c.acked
	if e.Healed != Valid && op.Event.Why != "" {
		e.Why = op.Event.Why
	}
}

// note takes up a remark that begins with the name of a harness kind.
func (c *faults) note(why string) {
	name, rest, ok := strings.Cut(why, ": ")
	if i, known := rank[Kind(name)]; ok && known && Kinds[i].Group == GroupHarness {
		c.r.Unknown(Kind(name), rest)
	}
}

// proof is what an event says of its own success.
func proof(e *histories.Event) Validity {
	switch {
	case e.Held == nil:
		return Unknown
	case *e.Held:
		return Valid
	}
	return Invalid
}

// event returns the fault of the plan that the entry speaks of.
func (c *faults) event(e *histories.Event) *faultEvent {
	for _, f := range slices.Backward(c.events) {
		if f.ID == e.ID && f.Fault == e.Fault {
			return f
		}
	}
	f := &faultEvent{FaultResult: FaultResult{ID: e.ID, Fault: e.Fault, On: slices.Clone(e.On)}}
	c.events = append(c.events, f)
	return f
}

// Finish says which faults prove nothing.
func (c *faults) Finish() {
	if !c.env.HasHeader {
		return // a foreign history's faults carry no proofs of ours
	}
	c.bites()
	for _, e := range c.events {
		if !e.injected {
			continue
		}
		name := fmt.Sprintf("fault %d (%s on %s)", e.ID, e.Fault, strings.Join(e.On, ", "))
		if e.Healed != Valid {
			c.r.Unknown(HealDidNotHold, name+" is not proven to be gone"+because(e.Why))
			continue
		}
		c.work(name, e)
	}
}

// bites looks for kinds of fault that never acted. One event that is not
// proven is listed with the faults; that is enough where its kind is proven
// by another one.
func (c *faults) bites() {
	proven, told := map[string]bool{}, map[string]bool{}
	for _, e := range c.events {
		proven[e.Fault] = proven[e.Fault] || e.Bit == Valid
	}
	for _, e := range c.events {
		if e.injected && !proven[e.Fault] && !told[e.Fault] {
			told[e.Fault] = true
			c.r.Unknown(FaultDidNotBite, fmt.Sprintf("%s was injected and is not proven to have acted on %s%s", e.Fault, strings.Join(e.On, ", "), because(e.Why)))
		}
	}
}

// work asks whether clients were at work during the fault and after its heal.
func (c *faults) work(name string, e *faultEvent) {
	least := int64(c.env.Options.MinOpsPerFault)
	if least <= 0 {
		return
	}
	end := e.opsAtHeal
	if !e.healing {
		end = e.opsAtClean
	}
	if n := end - e.opsAtInject; n < least {
		c.r.Unknown(TooLittleWork, fmt.Sprintf("%d operations completed during %s, %d are needed to say anything of it", n, name, least))
	}
	if n := c.ops - e.opsAtClean; n < least {
		c.r.Unknown(TooLittleWork, fmt.Sprintf("%d operations completed after the heal of %s, %d are needed", n, name, least))
	}
	if c.acked == e.ackedAtClean {
		c.r.Unknown(TooLittleWork, "no send was acknowledged after the heal of "+name)
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// results lists the faults for the verdict. A proven one says what proves it,
// any other why it is not.
func (c *faults) results() []FaultResult {
	out := []FaultResult{}
	for _, e := range c.events {
		if !e.injected {
			continue
		}
		f := e.FaultResult
		if f.Why == "" && f.Bit == Valid && f.Healed == Valid {
			f.Why = describeProof(f.On, e.biteProof, e.healProof)
		}
		out = append(out, f)
	}
	return out
}
