package checker

import (
	"math"
	"slices"

	"github.com/ackproof/ackproof/checker/cycles"
	"github.com/ackproof/ackproof/histories"
)

// jepsenGraph is the dependency graph of jepsen.tests.kafka: the completions of
// sends, polls and transactions of any outcome, with ww edges between neighbours
// of a log, wr edges to whoever polled a value, and real time.
type jepsenGraph struct {
	*cycles.Graph
	f     *Facts
	alone map[point]int // by value: its place in the log of values read out of place
	logs  []graphLog    // by log
	extra []int32       // the writers of alone
}

// graphLog is a log as the graph has it.
type graphLog struct {
	offsets []int64
	writers []int32
	number  int
}

func newJepsenGraph(c *jepsenRules, alone map[point]int) *jepsenGraph {
	g := &jepsenGraph{Graph: &cycles.Graph{}, f: c.f, alone: alone, extra: make([]int32, 2*len(alone))}
	for i := range g.extra {
		g.extra[i] = cycles.None
	}
	for _, l := range c.f.logs {
		g.logs = append(g.logs, g.positions(l))
	}
	c.tape.play(g.add)
	for i := range g.logs {
		g.logs[i].number = g.AddLog(g.logs[i].offsets, g.logs[i].writers)
	}
	extra := g.AddLog(count(len(g.extra)), g.extra)
	vertex := int32(0)
	c.tape.play(func(op *tapeOp) {
		if op.assign {
			return
		}
		for _, s := range op.pieces {
			switch {
			case s.alone:
				n := int64(2*g.alone[point{s.log, s.v}] + 1)
				g.Read(vertex, extra, n, n)
			case s.n > 0:
				g.Read(vertex, g.logs[s.log].number, s.from, s.from+s.n-1)
			}
		}
		vertex++
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

// positions lists the offsets of a log that show a value. A value that stands
// again later comes after nobody here: its place is the later one.
func (g *jepsenGraph) positions(l *logFacts) graphLog {
	var out graphLog
	l.slots.between(l.pages, 0, math.MaxInt64, func(offset int64, t slot) bool {
		if !t.has(slotHas) {
			return true
		}
		if rec, ok := g.f.recs.find(l.index, l.slots.value(t, offset)); ok && rec.has(recDup) && lastPlace(g.f, l, rec) != offset {
			out.offsets = append(out.offsets, offset)
		}
		out.offsets = append(out.offsets, offset)
		return true
	})
	out.writers = make([]int32, len(out.offsets))
	for i := range out.writers {
		out.writers[i] = cycles.None
	}
	return out
}

// add adds a completion, and makes it the writer of what it sent.
func (g *jepsenGraph) add(op *tapeOp) {
	if op.assign {
		return
	}
	v := g.Add(op.process, g.Now()-cycles.Barrier(op.since), op.typ == histories.OK)
	for _, s := range op.sends {
		if i, ok := g.alone[point{s.log, s.value}]; ok {
			g.extra[2*i+1] = v
		}
		l := g.f.logs[s.log]
		rec, ok := g.f.recs.find(s.log, s.value)
		if !ok {
			continue
		}
		for _, offset := range g.f.offsetsOf(l, rec) {
			if t, ok := l.slots.find(offset); ok && t.has(slotHas) && l.slots.value(t, offset) == s.value {
				g.logs[s.log].wrote(offset, v)
			}
		}
	}
}

// wrote makes a vertex the writer at an offset.
func (l *graphLog) wrote(offset int64, v int32) {
	i, ok := slices.BinarySearch(l.offsets, offset)
	if !ok {
		return
	}
	if i+1 < len(l.offsets) && l.offsets[i+1] == offset {
		i++
	}
	l.writers[i] = v
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
