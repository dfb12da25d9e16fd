package checker

import (
	"github.com/ackproof/ackproof/checker/cycles"
	"github.com/ackproof/ackproof/histories"
)

// jepsenGraph is the dependency graph of jepsen.tests.kafka: the completions of
// sends, polls and transactions of any outcome, with ww edges between neighbours
// of a log, wr edges to whoever polled a value, and real time.
type jepsenGraph struct {
	logGraph
	alone map[point]int // by value: its place in the log of values read out of place
	extra []int32       // the writers of alone
}

func newJepsenGraph(c *jepsenRules, alone map[point]int) *jepsenGraph {
	g := &jepsenGraph{logGraph: newLogGraph(c.f), alone: alone, extra: make([]int32, 2*len(alone))}
	for i := range g.extra {
		g.extra[i] = cycles.None
	}
	g.Grow(c.tape.entries, c.tape.runs)
	extra := g.AddLog(count(len(g.extra)), g.extra)
	c.tape.finally(c.f, func(op *tapeOp) {
		if !op.assign {
			g.add(op, extra)
		}
	})
	return g
}

func count(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

// add adds a completion, makes it the writer of what it sent, and a reader of what
// it polled.
func (g *jepsenGraph) add(op *tapeOp, extra int) {
	v := g.Add(op.process, g.Now()-cycles.Barrier(op.since), op.typ == histories.OK)
	for _, s := range op.sends {
		if i, ok := g.alone[point{s.log, s.value}]; ok {
			g.extra[2*i+1] = v
		}
		g.wrote(v, s)
	}
	for i := range op.pieces {
		s := &op.pieces[i]
		switch {
		case s.alone:
			n := int64(2*g.alone[point{int(s.log), s.v}] + 1)
			g.Read(v, extra, n, n)
		case s.n > 0:
			g.Read(v, g.logs[s.log].number, s.from, s.from+s.n-1)
		}
	}
}

// judge counts the strongly connected components by what is in them.
func (g *jepsenGraph) judge(noWW bool, counts map[string]int64) {
	ww := cycles.WW
	if noWW {
		ww = 0
	}
	if !g.HasEdges(ww | cycles.WR | cycles.Realtime) {
		counts[jepsenEmptyGraph]++
		return
	}
	for _, c := range g.Judge(noWW) {
		switch {
		case c.A:
			counts[jepsenPL1]++
			counts[jepsenG0]++
			continue
		case c.B:
			counts[jepsenPL2]++
			counts[jepsenG1c]++
		}
		switch {
		case c.S:
			counts[jepsenStrongPL1]++
			counts[g.label(c.Component, ww|cycles.Realtime, ww)]++
		case !c.B:
			counts[jepsenStrongPL2]++
			counts[g.label(c.Component, ww|cycles.WR|cycles.Realtime, ww)]++
		}
	}
}

// label names a shortest cycle. As in Elle, a step counts as the first of ww,
// wr and realtime that relates its operations, whatever it was found by.
func (g *jepsenGraph) label(c cycles.Component, mask, ww cycles.Kind) string {
	var kinds cycles.Kind
	for _, s := range g.Shortest(c, mask) {
		all := g.Between(s.From, s.To, ww|cycles.WR) | s.Kind
		switch {
		case all&cycles.WW != 0:
			kinds |= cycles.WW
		case all&cycles.WR != 0:
			kinds |= cycles.WR
		default:
			kinds |= cycles.Realtime
		}
	}
	switch {
	case kinds&cycles.Realtime == 0 && kinds&cycles.WR != 0:
		return jepsenG1c
	case kinds&cycles.Realtime == 0:
		return jepsenG0
	case kinds&cycles.WR != 0:
		return jepsenG1cRealtime
	}
	return jepsenG0Realtime
}
