package checker

import (
	"math"
	"slices"

	"github.com/ackproof/ackproof/checker/cycles"
)

// logGraph is a dependency graph over what the facts know of the logs.
type logGraph struct {
	*cycles.Graph
	f    *Facts
	logs []graphLog // by log
}

// graphLog is a log as the graph has it.
type graphLog struct {
	offsets []int64
	writers []int32
	number  int
}

func newLogGraph(f *Facts) logGraph {
	g := logGraph{Graph: &cycles.Graph{}, f: f}
	for _, l := range f.logs {
		p := g.positions(l)
		p.number = g.AddLog(p.offsets, p.writers)
		g.logs = append(g.logs, p)
	}
	return g
}

// positions lists the offsets of a log that show a value. A value that stands
// again later comes after nobody here: its place is the later one.
func (g *logGraph) positions(l *logFacts) graphLog {
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

// wrote makes a vertex the writer of what it sent, wherever that stands.
func (g *logGraph) wrote(v int32, s tapeSend) {
	l := g.f.logs[s.log]
	rec, ok := g.f.recs.find(s.log, s.value)
	if !ok {
		return
	}
	for _, offset := range g.f.offsetsOf(l, rec) {
		if t, ok := l.slots.find(offset); ok && t.has(slotHas) && l.slots.value(t, offset) == s.value {
			g.logs[s.log].wrote(offset, v)
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
