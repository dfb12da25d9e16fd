package histories

import "fmt"

// Problem is a rule of histories that an entry breaks. A history with problems
// is judged as far as it is sound, and never valid.
type Problem struct {
	Index int64 // of the entry
	What  Malformation
	Why   string // one sentence
}

// Malformation is the kind of a Problem.
type Malformation string

// What can be wrong with the order of entries.
const (
	DuplicateIndex    Malformation = "duplicate-index"         // the entry before has the same
	IndexGoesBack     Malformation = "index-goes-back"         // the entry before has a higher one
	TimeGoesBack      Malformation = "time-goes-back"          // the entry before is later
	WithoutInvocation Malformation = "completion-without-call" // nothing of the process is open
	SecondInvocation  Malformation = "second-call"             // the process has one open already
	OtherOperation    Malformation = "other-operation"         // it completes another one than was invoked
	ProcessReused     Malformation = "process-reused"          // the process ended with an info before
	MissingEntries    Malformation = "missing-entries"         // the recorder counts without gaps, and here is one
)

// Validator checks entries, in order, against the rules of histories. Its
// memory is bounded by the operations in flight, and a bit for each process
// that ended. The zero Validator is ready.
type Validator struct {
	// Gapless says that the history's recorder counts its entries from 0
	// without a gap, as ours does: what is missing was taken out.
	Gapless bool

	any   bool
	index int64              // the highest so far
	time  int64              // ns, the latest so far
	near  []inFlight         // by process, where its number is small
	open  map[int64]inFlight // the others'
	busy  int                // operations in flight
	ended map[int64]uint64   // by process / 64, a bit for each that ended
	found []Problem
}

// inFlight is what an invocation says of its completion.
type inFlight struct {
	index int64
	sends uint64 // a sum over the records sent
	f     F
	busy  bool
}

// maxNear bounds the processes whose operations are found without a map.
const maxNear = 1 << 12

// call returns what the process has in flight.
func (v *Validator) call(process int64) inFlight {
	if process >= 0 && process < int64(len(v.near)) {
		return v.near[process]
	}
	return v.open[process]
}

// set notes what the process has in flight from here on.
func (v *Validator) set(process int64, c inFlight) {
	switch {
	case process >= 0 && process < maxNear:
		for int64(len(v.near)) <= process {
			v.near = append(v.near, inFlight{})
		}
		v.near[process] = c
	case c.busy:
		v.open[process] = c
	default:
		delete(v.open, process)
	}
}

// Observe returns the problems of the next entry, most often none. The slice is
// lent until the next call.
func (v *Validator) Observe(op *Op) []Problem {
	v.found = v.found[:0]
	if v.any {
		switch {
		case op.Index == v.index:
			v.add(op, DuplicateIndex, "index %d stands twice", op.Index)
		case op.Index < v.index:
			v.add(op, IndexGoesBack, "index %d follows index %d", op.Index, v.index)
		case v.Gapless && op.Index > v.index+1:
			v.add(op, MissingEntries, "index %d follows index %d: %d entries are missing", op.Index, v.index, op.Index-v.index-1)
		}
		if int64(op.Time) < v.time {
			v.add(op, TimeGoesBack, "entry %d is %d ns earlier than the entry before it", op.Index, v.time-int64(op.Time))
		}
	}
	if !v.any && v.Gapless && op.Index > 0 {
		v.add(op, MissingEntries, "the history begins with index %d: %d entries are missing", op.Index, op.Index)
	}
	v.any = true
	v.index = max(v.index, op.Index)
	v.time = max(v.time, int64(op.Time))
	if op.Process != Nemesis {
		v.pair(op)
	}
	return v.found
}

// InFlight is the number of operations invoked and not completed.
func (v *Validator) InFlight() int { return v.busy }

// pair holds a client's entry against the one that the process has open.
func (v *Validator) pair(op *Op) {
	if v.open == nil {
		v.open, v.ended = make(map[int64]inFlight), make(map[int64]uint64)
	}
	call := v.call(op.Process)
	if op.Type == Invoke {
		if call.busy {
			v.add(op, SecondInvocation, "process %d invokes entry %d while entry %d has no completion", op.Process, op.Index, call.index)
		}
		if v.hasEnded(op.Process) {
			v.add(op, ProcessReused, "process %d goes on with entry %d, but it ended with an unknown outcome", op.Process, op.Index)
		}
		if !call.busy {
			v.busy++
		}
		v.set(op.Process, inFlight{op.Index, sumSends(op), op.F, true})
		return
	}
	if call.busy {
		v.busy--
		v.set(op.Process, inFlight{})
	}
	if op.Type == Info {
		v.ended[op.Process>>6] |= 1 << (op.Process & 63)
	}
	switch {
	case !call.busy:
		v.add(op, WithoutInvocation, "entry %d completes an operation that process %d did not invoke", op.Index, op.Process)
	case call.f != op.F:
		v.add(op, OtherOperation, "entry %d completes a %s, but entry %d of process %d invokes a %s", op.Index, op.F, call.index, op.Process, call.f)
	case len(op.Mops) > 0 && call.sends != sumSends(op):
		v.add(op, OtherOperation, "entry %d completes other records than entry %d of process %d sends", op.Index, call.index, op.Process)
	}
}

func (v *Validator) hasEnded(process int64) bool {
	if len(v.ended) == 0 {
		return false
	}
	return v.ended[process>>6]&(1<<(process&63)) != 0
}

// sumSends tells apart what two operations send: logs, values and their order.
func sumSends(op *Op) uint64 {
	var sum uint64
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send {
			sum = (sum ^ uint64(m.Key)) * 0x9E3779B97F4A7C15
			sum = (sum ^ uint64(m.Value)) * 0xBF58476D1CE4E5B9
			sum ^= sum >> 31
		}
	}
	return sum
}

func (v *Validator) add(op *Op, what Malformation, format string, args ...any) {
	v.found = append(v.found, Problem{op.Index, what, fmt.Sprintf(format, args...)})
}
