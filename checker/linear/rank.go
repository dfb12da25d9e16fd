package linear

import (
	"context"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

// The plain model of a log lets porcupine try every order of the reads that
// are concurrent, which are exponentially many. The reads of a class can
// always be brought into one order without breaking a linearization:
//
//   - exact reads of one length, by their calls;
//   - reads with a lower bound only, by their returns: each may as well be
//     placed as late as it can;
//   - reads with an upper bound only, by their calls: each may as well be
//     placed as early as it can.
//
// So the model demands that order: a state has at most four successors, and
// the search is polynomial in the number of operations in flight. A produce is
// only taken when the exact reads at its base and the upper bounds that it
// would break have been. A read with two different bounds is split, which
// loses nothing, because the length never shrinks.

// class is what the model does with an operation.
type class uint8

const (
	write class = iota
	exact
	lower
	upper
)

// move is an operation, or one half of a read, as the model sees it.
type move struct {
	op        *Op
	call, ret int64
	lo, hi    int32 // indexes of lengths
	class     class
	rank      int32 // its place in its class
	exacts    int32 // write: so many exact reads at its base come first
	uppers    int32 // write: so many upper bounds come first
	id        int   // its place in moves
}

// state is the length's index and the number of exact reads taken at it, of
// lower and of upper bounds taken: 16 bits each.
type state uint64

const maxMoves = 1<<16 - 1

func (s state) length() int32 { return int32(s >> 48) }
func (s state) exacts() int32 { return int32(s >> 32 & maxMoves) }
func (s state) lowers() int32 { return int32(s >> 16 & maxMoves) }
func (s state) uppers() int32 { return int32(s & maxMoves) }

// step applies a move, if it is allowed.
func (s state) step(m *move) (state, bool) {
	switch m.class {
	case write:
		if s.length() != m.hi || s.exacts() != m.exacts || s.uppers() < m.uppers {
			return s, false
		}
		return state(m.lo)<<48 | s&(maxMoves<<16|maxMoves), true
	case exact:
		return s + 1<<32, s.length() == m.lo && s.exacts() == m.rank
	case lower:
		return s + 1<<16, s.length() >= m.lo && s.lowers() == m.rank
	}
	return s + 1, s.length() <= m.hi && s.uppers() == m.rank
}

// model returns the model for porcupine; its inputs are moves of r, its states
// point into r.states.
func (r *ranked) model() porcupine.Model {
	keep := func(s state) any {
		if len(r.states) == cap(r.states) {
			r.states = make([]state, 0, max(1<<10, 2*cap(r.states))) // the old ones are pointed to
		}
		r.states = append(r.states, s)
		return &r.states[len(r.states)-1]
	}
	return porcupine.Model{
		Init: func() any {
			r.states = r.states[:0]
			return keep(0)
		},
		StepContext: func(_ context.Context, s, in, _ any) (bool, any) {
			next, ok := s.(*state).step(in.(*move))
			if !ok {
				return false, s
			}
			return true, keep(next)
		},
		Equal:             func(a, b any) bool { return *a.(*state) == *b.(*state) },
		DescribeOperation: func(in, _ any) string { return in.(*move).describe() },
		DescribeState:     func(s any) string { return fmt.Sprint("end = ", r.lengths[s.(*state).length()]) },
	}
}

// ranked turns a window into moves and keeps the memory for the next one.
type ranked struct {
	shape
	moves  []move
	byRet  []int32
	byCall []int32
	exactN []int32 // exact reads at each length
	upperN []int32 // upper bounds that a write at each length would break
	early  []int64 // scratch of tighten
	late   []int64
	events []porcupine.Event
	states []state
}

// rank makes the moves of the refined window, tightened or not. It returns
// false where there are more than a state can count.
func (r *ranked) rank(tight bool) bool {
	r.moves = r.moves[:0]
	for i := range r.ops {
		m := move{op: &r.ops[i], call: r.ops[i].Call, ret: r.ops[i].Ret, lo: r.lo[i], hi: r.hi[i]}
		switch {
		case m.op.writes():
			m.class = write
		case m.lo == m.hi:
			m.class = exact
		default:
			// The lower half of a read, unless it says nothing; then the upper.
			if m.lo > 0 {
				m.class = lower
				r.moves = append(r.moves, m)
			}
			if int(m.hi) == len(r.lengths) {
				continue
			}
			m.class = upper
		}
		r.moves = append(r.moves, m)
	}
	if len(r.moves) > maxMoves {
		return false
	}
	if tight {
		r.tighten()
	}
	r.order()
	r.number()
	return true
}

// order sorts the moves by return and by call. Among calls at the same time
// those that can be taken earlier come first: porcupine tries them first.
func (r *ranked) order() {
	r.byRet, r.byCall = r.byRet[:0], r.byCall[:0]
	for i := range r.moves {
		r.moves[i].id = i
		r.byRet, r.byCall = append(r.byRet, int32(i)), append(r.byCall, int32(i))
	}
	slices.SortFunc(r.byRet, func(i, j int32) int {
		a, b := &r.moves[i], &r.moves[j]
		if a.ret != b.ret {
			return less(a.ret < b.ret)
		}
		return int(i - j)
	})
	slices.SortFunc(r.byCall, func(i, j int32) int {
		a, b := &r.moves[i], &r.moves[j]
		switch {
		case a.call != b.call:
			return less(a.call < b.call)
		case a.key() != b.key():
			return less(a.key() < b.key())
		}
		return int(i - j)
	})
}

func less(is bool) int {
	if is {
		return -1
	}
	return 1
}

// key orders moves by the length at which they are taken at the earliest,
// reads before the write that leaves it.
func (m *move) key() int32 {
	if m.class == write {
		return 2*m.hi + 1
	}
	if m.class == upper {
		return 0
	}
	return 2 * m.lo
}

// number ranks the reads in their classes and tells the writes how many of
// them come first.
func (r *ranked) number() {
	r.exactN = zeros(r.exactN, len(r.lengths))
	r.upperN = zeros(r.upperN, len(r.lengths))
	uppers := int32(0)
	for _, i := range r.byCall {
		switch m := &r.moves[i]; m.class {
		case exact:
			m.rank = r.exactN[m.lo]
			r.exactN[m.lo]++
		case upper:
			m.rank = uppers
			uppers++
			r.upperN[m.hi] = uppers
		}
	}
	lowers := int32(0)
	for _, i := range r.byRet {
		if m := &r.moves[i]; m.class == lower {
			m.rank = lowers
			lowers++
		}
	}
	for i := 1; i < len(r.upperN); i++ {
		r.upperN[i] = max(r.upperN[i], r.upperN[i-1])
	}
	for i := range r.moves {
		if m := &r.moves[i]; m.class == write {
			m.exacts, m.uppers = r.exactN[m.hi], r.upperN[m.hi]
		}
	}
}

func zeros(x []int32, n int) []int32 {
	x = slices.Grow(x[:0], n)[:n]
	clear(x)
	return x
}

// history merges calls and returns in the order of time, calls first at the
// same time. Every call has a return, an operation that never returned has it
// at the end: porcupine takes a missing one for an immediate one.
func (r *ranked) history() []porcupine.Event {
	r.events = slices.Grow(r.events[:0], 2*len(r.moves))
	next := 0
	for _, i := range r.byCall {
		m := &r.moves[i]
		for ; r.moves[r.byRet[next]].ret < m.call; next++ {
			r.events = append(r.events, porcupine.Event{Kind: porcupine.ReturnEvent, Id: int(r.byRet[next])})
		}
		r.events = append(r.events, porcupine.Event{Kind: porcupine.CallEvent, Id: int(i), Value: m})
	}
	for ; next < len(r.byRet); next++ {
		r.events = append(r.events, porcupine.Event{Kind: porcupine.ReturnEvent, Id: int(r.byRet[next])})
	}
	return r.events
}

// describe says for people what a move does.
func (m *move) describe() string {
	o := m.op
	switch {
	case o.Kind == filler:
		return fmt.Sprintf("unknown append of [%d, %d)", o.Hi, o.Lo)
	case m.class == write:
		return fmt.Sprintf("append [%d, %d)", o.Hi, o.Lo)
	case m.class == exact:
		return fmt.Sprintf("end = %d", o.Lo)
	case m.class == lower:
		return fmt.Sprintf("end ≥ %d", o.Lo)
	}
	return fmt.Sprintf("end ≤ %d", o.Hi)
}
