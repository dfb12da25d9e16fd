// Package linear decides whether the operations on one log fit one order.
//
// Every operation is put in bound form: what it says about L, the length of
// the log. A produce of n records at base b moves L from b to b+n. A read says
// that at an instant between its call and its return lo ≤ L ≤ hi.
//
// The rule: produces that do not overlap and reads whose bounds do not lie
// inside a batch fit one order that extends "B before A" exactly when
// lo_B ≤ hi_A for every such pair. (Only if: L never shrinks. If: place each
// produce at its base and each read at the greatest lo before it, which is at
// most its hi; order by L, the reads at a length before the produce that
// leaves it.) So two operations are always enough to prove a violation.
//
// Log applies the rule while operations return, in memory that depends on the
// operations in flight and not on the length of the run. It also cuts the
// operations into windows of log positions that are judged a second time, by
// porcupine; both must agree.
package linear

import "math"

// Inf is later than any time and beyond any offset.
const Inf = int64(math.MaxInt64 / 4)

// Kind is what an operation does to the log.
type Kind uint8

// The kinds. A filler stands for appends of which nothing else is known; a
// bound stands for the operations of other windows.
const (
	Produce Kind = iota
	Fetch
	End // a read of the log's end by the leader
	filler
	bound
)

// Op is an operation on one log in bound form. Times are in nanoseconds; an
// operation that never returned has Ret Inf.
type Op struct {
	Call, Ret int64
	// Lo and Hi are the least and the greatest length that the operation
	// allows. A produce has Hi = base < Lo = base+n: it is the last operation
	// at length Hi and the first at length Lo.
	Lo, Hi  int64
	Process int64
	Invoked int64 // index of the invocation's entry, -1: none
	Index   int64 // index of the completion's entry, -1: none
	Value   int64 // the first value of a produce, -1: none
	Kind    Kind
	// Unknown marks a produce whose outcome its client never learned, and
	// which was seen at its offset.
	Unknown bool
	// Suspect marks a produce that was seen at another offset than the one it
	// was acknowledged with. It is judged, but it is no evidence against others.
	Suspect bool

	violates bool // it was found to contradict an earlier operation
}

// writes tells whether the operation moves the log's end.
func (o *Op) writes() bool { return o.Lo > o.Hi }

// Real tells whether somebody asked for the operation: it is neither a filler
// nor a sentinel.
func (o *Op) Real() bool { return o.Kind < filler }

// same tells whether two values are the same operation.
func (o *Op) same(p *Op) bool {
	return o.Index == p.Index && o.Lo == p.Lo && o.Hi == p.Hi && o.Kind == p.Kind && o.Call == p.Call
}

// Model says which operations are ordered.
type Model uint8

// The models, strongest first.
const (
	// Strict orders B before A when B returned before A was called.
	Strict Model = iota
	// Kafka does so where A is a produce or a read of the log's end. A fetch
	// may return an older state, but never a later one, and not an older one
	// than an earlier fetch of its session.
	Kafka
	// Session orders only the operations of one session, by their calls.
	Session
)

// Violation is a pair of operations that contradict each other: B comes before
// A and proves a length that A denies. In a torn batch, A is a read that ends
// inside batch B.
type Violation struct {
	A, B Op
	Torn bool
}
