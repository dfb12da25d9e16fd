package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// sendOrder holds each producer to its own order: what it sends later gets a
// higher offset, within a request and from request to request. As in Jepsen's
// checker, an unknown send takes part with the offset that polls give it, and
// a failed one does not count between requests. Other than there, an
// assignment, which concerns the consumer, changes nothing.
type sendOrder struct {
	env   *Env
	f     *Facts
	r     *Report
	procs processes[producer]
	later []sendPair
	apart []sendPair // of one request, not at consecutive offsets
}

// producer is what one process sent last to each log.
type producer struct{ sends []lastSend }

type lastSend struct {
	log *logFacts
	sendPlace
}

// sendPlace is a record that was sent, with its offset where it was acknowledged.
type sendPlace struct{ value, offset, op int64 }

// sendPair is two neighbours of which one has no offset yet.
type sendPair struct {
	log      *logFacts
	a, b     sendPlace
	process  int64
	internal bool
}

func newSendOrder(e *Env, r *Report) Pass { return &sendOrder{env: e, f: e.Facts, r: r} }

// Observe takes the next entry.
func (c *sendOrder) Observe(op *histories.Op) {
	if op.Process < 0 {
		return
	}
	if op.Type != histories.Invoke && (op.F == histories.Send || op.F == histories.Txn) {
		c.sends(op)
	}
	if c.env.retires(op) {
		c.procs.drop(op.Process)
	}
}

func (c *sendOrder) sends(op *histories.Op) {
	p := c.procs.at(op.Process)
	for i := range op.Mops {
		m := &op.Mops[i]
		if !m.Send {
			continue
		}
		place := sendPlace{m.Value, -1, op.Index}
		if op.Type == histories.OK {
			place.offset = max(m.Offset, -1)
		}
		if prev := before(op.Mops[:i], m.Key); prev != nil {
			a := sendPlace{prev.Value, -1, op.Index}
			if op.Type == histories.OK {
				a.offset = max(prev.Offset, -1)
			}
			c.compare(sendPair{c.f.log(m.Key), a, place, op.Process, true})
		} else if op.Type != histories.Fail {
			if last := p.last(c.f.log(m.Key)); last.log != nil {
				c.compare(sendPair{last.log, last.sendPlace, place, op.Process, false})
			}
		}
		if op.Type != histories.Fail {
			l := c.f.log(m.Key)
			*p.last(l) = lastSend{l, place}
		}
	}
}

// before returns the last send to the log among the micro-operations.
func before(mops []histories.Mop, key int64) *histories.Mop {
	for i := len(mops) - 1; i >= 0; i-- {
		if mops[i].Send && mops[i].Key == key {
			return &mops[i]
		}
	}
	return nil
}

// last returns the place of the process's last send to the log; its log is nil
// where there was none.
func (p *producer) last(l *logFacts) *lastSend {
	for i := range p.sends {
		if p.sends[i].log == l {
			return &p.sends[i]
		}
	}
	p.sends = append(p.sends, lastSend{})
	return &p.sends[len(p.sends)-1]
}

func (c *sendOrder) compare(s sendPair) {
	if s.a.offset >= 0 && s.b.offset >= 0 {
		c.judge(s)
	} else if len(c.later) < maxCases {
		c.later = append(c.later, s)
	}
}

// Finish compares the records that had no offset when they were sent.
func (c *sendOrder) Finish() {
	for _, s := range c.later {
		s.a.offset, s.b.offset = c.placeOf(s.log, s.a), c.placeOf(s.log, s.b)
		if s.a.offset >= 0 && s.b.offset >= 0 {
			c.judge(s)
		}
	}
	c.finishSkips()
}

func (c *sendOrder) placeOf(l *logFacts, s sendPlace) int64 {
	if s.offset >= 0 {
		return s.offset
	}
	if rec, ok := c.f.recs.find(l.index, s.value); ok {
		return rec.offset()
	}
	return -1
}

func (c *sendOrder) judge(s sendPair) {
	if s.b.offset > s.a.offset {
		if s.internal && s.b.offset > s.a.offset+1 {
			c.skips(s)
		}
		return
	}
	k := newCase(NonmonotonicSend, s.log.key)
	k.Ops = [3]int64{s.a.op, s.b.op, -1}
	if s.internal {
		k.Kind = IntNonmonotonicSend
		k.Ops[1] = -1
	}
	k.Offset, k.Value = s.b.offset, s.b.value
	k.From, k.To = s.b.offset, s.a.offset
	k.Others = []int64{s.a.value}
	k.A, k.B = s.a.offset, s.process
	k.Why = c.why
	c.r.Add(k)
}

func (c *sendOrder) why(k *Case) string {
	name := c.env.logName(k.Log)
	if k.Kind == IntNonmonotonicSend {
		return fmt.Sprintf("Process %d sent record %d before record %d to %s in one request%s, but they stand at offsets %d and %d: the records of a request keep their order.",
			k.B, k.Others[0], k.Value, name, c.f.entryText(k.Ops[0]), k.A, k.Offset)
	}
	return fmt.Sprintf("Process %d sent record %d to %s%s and later record %d%s, but they stand at offsets %d and %d: the records of one producer keep the order in which it sent them.",
		k.B, k.Others[0], name, c.f.entryText(k.Ops[0]), k.Value, c.f.entryText(k.Ops[1]), k.A, k.Offset)
}
