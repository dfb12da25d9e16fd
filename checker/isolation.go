package checker

import (
	"fmt"
	"strings"

	"github.com/ackproof/ackproof/checker/cycles"
	"github.com/ackproof/ackproof/histories"
)

// isolation looks for transactions that depend on each other in a circle.
//
// A step of a circle is a write that was read by a reader of committed records
// (wr), or real time: whoever completed before another was called comes before
// it. Each step puts a commit before a poll, or a poll before a later call, so
// such a circle has no order at all (Adya's G1c). What readers of everything see
// is no step: they may see a transaction before it is committed. Nor is a circle
// that needs the order of two writes (ww) a violation: Kafka interleaves what is
// open side by side, and a transaction's record may stand before those of one
// that was committed before it. Circles of ww alone (G0), and with them (G1c), are
// counted as informational.
//
// Without transactions only future reads make such circles, and those are found
// without a graph: nothing is kept until the first transaction is called.
type isolation struct {
	f       *Facts
	r       *Report
	iso     isolations
	began   bool
	tape    tape
	entries []uint32 // of the tape's entries: where they stand in the history
	acked   int64
	invoked processes[int64]
	graph   *logGraph
}

func newIsolation(e *Env, r *Report) Pass {
	return &isolation{f: e.Facts, r: r, iso: newIsolations(e)}
}

// Observe takes the next entry.
func (c *isolation) Observe(op *histories.Op) {
	if op.Process < 0 {
		return
	}
	c.began = c.began || op.F == histories.Txn
	if c.began && (op.F == histories.Txn || op.F == histories.Send || op.F == histories.Poll) {
		c.operation(op)
	}
	c.iso.observe(op)
}

func (c *isolation) operation(op *histories.Op) {
	at := c.invoked.at(op.Process)
	if op.Type == histories.Invoke {
		*at = c.acked
		return
	}
	sends, polls := false, len(op.Recs) > 0 && c.iso.committed(op.Process)
	for i := range op.Mops {
		sends = sends || op.Mops[i].Send
	}
	if !sends && !polls || op.Index > maxEntry {
		return
	}
	c.tape.completed(c.f, op, c.acked-*at, polls)
	c.entries = append(c.entries, uint32(op.Index))
	if certain(op.Type, sends) {
		c.acked++
	}
}

// maxEntry bounds the entries that are taken into the graph.
const maxEntry = 1<<32 - 1

// certain tells whether all that an operation did was done when it completed:
// what it read was read whatever became of it.
func certain(t histories.Type, sends bool) bool { return t == histories.OK || !sends }

// apart gives it facts to finish with beside the other passes.
func (c *isolation) apart(f *Facts) { c.f = f }

// Finish builds the graph and searches it.
func (c *isolation) Finish() {
	if !c.began {
		return
	}
	g := newLogGraph(c.f)
	g.Grow(c.tape.entries, c.tape.runs)
	c.graph = &g
	c.tape.finally(c.f, func(op *tapeOp) {
		v := g.Add(op.process, g.Now()-cycles.Barrier(op.since), certain(op.typ, len(op.sends) > 0))
		for _, s := range op.sends {
			g.wrote(v, s)
		}
		for i := range op.pieces {
			if s := &op.pieces[i]; s.n > 0 && !s.alone {
				g.Read(v, g.logs[s.log].number, s.from, s.from+s.n-1)
			}
		}
	})
	for _, found := range g.Components(cycles.WR | cycles.Realtime) {
		c.report(G1c, "", found, cycles.WR, cycles.Realtime)
	}
	for _, found := range g.Components(cycles.WW | cycles.WR) {
		switch {
		case g.Cyclic(found, cycles.WR): // reported
		case g.Cyclic(found, cycles.WW):
			c.report(G0, informational, found, cycles.WW, 0)
		default:
			c.report(G1c, informational, found, cycles.WW|cycles.WR, 0)
		}
	}
	c.graph = nil
}

// report files a component by its shortest cycle: by the first kinds of edges
// alone where they make one, else with the others.
func (c *isolation) report(kind Kind, allowed string, found cycles.Component, first, more cycles.Kind) {
	steps := c.graph.Shortest(found, first)
	if len(steps) == 0 {
		steps = c.graph.Shortest(found, first|more)
	}
	k := newCase(kind, -1)
	early := -1 // the step that is read first: too early, where the cycle is a violation
	for i, s := range steps {
		if i < len(k.Ops) {
			k.Ops[i] = int64(c.entries[s.From])
		}
		if s.Log < 0 {
			continue
		}
		if early < 0 || s.Kind == cycles.WR && s.To < steps[early].To {
			early = i
		}
	}
	for i, s := range steps {
		if s.Log < 0 {
			continue
		}
		l := c.f.logs[s.Log]
		t, ok := l.slots.find(s.A)
		switch {
		case ok && i == early:
			k.Log, k.Offset, k.Value = l.key, s.A, l.slots.value(t, s.A)
		case ok:
			k.Others = append(k.Others, l.slots.value(t, s.A))
		}
	}
	k.A, k.AllowedBy = int64(len(found.Vertices)), allowed
	k.Why = func(k *Case) string { return c.why(k, steps) }
	c.r.Add(k)
}

func (c *isolation) why(k *Case, steps []cycles.Step) string {
	var b strings.Builder
	switch {
	case k.Kind == G0:
		fmt.Fprintf(&b, "The records of operations side by side stand before and after each other, which nothing forbids (%d operations in all): ", k.A)
	case k.AllowedBy != "":
		fmt.Fprintf(&b, "Operations read one another, and the order of records closes the circle, which nothing forbids (%d operations in all): ", k.A)
	default:
		fmt.Fprintf(&b, "There is no order of %d operations, whoever commits first: ", k.A)
	}
	for i, s := range steps {
		if i > 0 {
			b.WriteString("; ")
		}
		c.step(&b, s)
	}
	b.WriteString(".")
	return b.String()
}

// step words a step of a cycle.
func (c *isolation) step(b *strings.Builder, s cycles.Step) {
	from, to := int64(c.entries[s.From]), int64(c.entries[s.To])
	if s.Log < 0 {
		fmt.Fprintf(b, "entry %d completed before entry %d was called", from, to)
		return
	}
	l := c.f.logs[s.Log]
	value := func(offset int64) int64 {
		t, _ := l.slots.find(offset)
		return l.slots.value(t, offset)
	}
	name := c.f.env.logName(l.key)
	if s.Kind == cycles.WW {
		fmt.Fprintf(b, "record %d of entry %d stands at offset %d of %s, before record %d of entry %d at offset %d", value(s.A), from, s.A, name, value(s.B), to, s.B)
		return
	}
	fmt.Fprintf(b, "entry %d sent record %d at offset %d of %s, which entry %d polled", from, value(s.A), s.A, name, to)
}
