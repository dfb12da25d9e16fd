package linear

// Flight is the set of operations in flight, ordered by the time of their
// call. The logs of a run share one, because a poll does not tell at its call
// which logs it will read.
type Flight struct {
	slots []slot // slots[0] is the head of the ring, its time is Inf
	free  []int32
	open  int
}

type slot struct {
	call       int64
	prev, next int32
}

// NewFlight returns an empty set.
func NewFlight() *Flight { return &Flight{slots: []slot{{call: Inf}}} }

// Call adds an operation and returns the ticket to take it out with.
func (f *Flight) Call(t int64) (ticket int32) {
	if n := len(f.free); n > 0 {
		ticket = f.free[n-1]
		f.free = f.free[:n-1]
	} else {
		ticket = int32(len(f.slots))
		f.slots = append(f.slots, slot{})
	}
	// Calls come in the order of time; a history whose clock went back is
	// still kept in order.
	at := f.slots[0].prev
	for at != 0 && f.slots[at].call > t {
		at = f.slots[at].prev
	}
	next := f.slots[at].next
	f.slots[ticket] = slot{call: t, prev: at, next: next}
	f.slots[at].next = ticket
	f.slots[next].prev = ticket
	f.open++
	return ticket
}

// Return takes an operation out.
func (f *Flight) Return(ticket int32) {
	s := f.slots[ticket]
	f.slots[s.prev].next = s.next
	f.slots[s.next].prev = s.prev
	f.free = append(f.free, ticket)
	f.open--
}

// Len is the number of operations in flight.
func (f *Flight) Len() int { return f.open }

// Oldest is the time of the oldest call, Inf where nothing is in flight.
func (f *Flight) Oldest() int64 { return f.slots[f.slots[0].next].call }

// each visits the times of the calls, oldest first.
func (f *Flight) each(visit func(call int64)) {
	for i := f.slots[0].next; i != 0; i = f.slots[i].next {
		visit(f.slots[i].call)
	}
}
