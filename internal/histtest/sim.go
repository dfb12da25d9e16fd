package histtest

import (
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Source gives the workers of a simulated run their operations; T counts go,
// wait and done. A generator.Generator is one.
type Source[T ~uint8] interface {
	Next(now time.Duration, worker int, op *histories.Op) T
	Saw(worker int, op *histories.Op)
}

// Simulate runs the built-in workload against a perfect cluster and hands its
// history to emit, entry by entry in the order of time; entries are lent. The
// history is valid under a strict contract (a kafka one with StaleRate), and
// the same options make the same history. It takes four bytes of memory for a
// record and nothing else that grows.
func Simulate(o Options, emit func(*histories.Op)) Stats {
	o = o.withDefaults()
	if o.Txns {
		return simulate(o, newTxnMix(o).source(), newTxnFinals(o).source(), emit)
	}
	if o.Groups {
		return simulate(o, newGroupMix(o).source(), newGroupFinals(o).source(), emit)
	}
	return simulate(o, newMix(o).source(), newFinals(o).source(), emit)
}

// Drive runs a workload of the caller's against the same cluster: main has
// Clients workers and, unless NoTails, a tailing reader for each log; final
// has one worker for each log. The shares of Options do not matter.
func Drive[T ~uint8](o Options, main, final Source[T], emit func(*histories.Op)) Stats {
	o = o.withDefaults()
	return simulate(o, sourceOf(main), sourceOf(final), emit)
}

func sourceOf[T ~uint8](s Source[T]) source {
	return source{
		next: func(now time.Duration, worker int, op *histories.Op) uint8 { return uint8(s.Next(now, worker, op)) },
		saw:  s.Saw,
	}
}

func simulate(o Options, main, final source, emit func(*histories.Op)) Stats {
	e := newEngine(o, emit)
	e.stride = int64(o.workers())
	e.marks = phaseMarks(o.Ops, o.Faults)
	e.pass()
	e.run(main, o.workers(), o.Clients, o.Ops, 0)
	if !o.NoFinal {
		e.enter(histories.PhaseQuiet)
		e.land(drain)
		e.enter(histories.PhaseFinal)
		e.run(final, o.Logs, 0, -1, (e.top/e.stride+1)*e.stride)
		e.enter(histories.PhaseEnd)
	}
	e.stats.Elapsed = time.Duration(e.last)
	return *e.stats
}

// History is a history in memory.
type History struct {
	Header histories.Header
	Ops    []histories.Op
}

// Valid returns the whole history of a simulated run.
func Valid(o Options) History {
	h := History{Header: o.Header()}
	Simulate(o, h.Keep)
	return h
}

// Keep adds a copy of a lent entry.
func (h *History) Keep(op *histories.Op) {
	h.Ops = append(h.Ops, histories.Op{})
	op.CopyTo(&h.Ops[len(h.Ops)-1])
}

// Clone returns a history that shares nothing with h.
func (h History) Clone() History {
	c := History{Header: h.Header, Ops: make([]histories.Op, len(h.Ops))}
	c.Header.Logs = slices.Clone(h.Header.Logs)
	for i := range h.Ops {
		h.Ops[i].CopyTo(&c.Ops[i])
	}
	return c
}
