package linear

import (
	"container/heap"
	"math/rand/v2"
)

// simEvent is a call, a return, the loss of a client's answer, or the moment
// the record of an unknown write is read.
type simEvent struct {
	at   int64
	what uint8
	op   *simOp
}

const (
	simCall uint8 = iota
	simTake       // it takes effect on the log
	simRet
	simLost
	simSeen
)

type simOp struct {
	Op
	lost   bool // its outcome never reaches the client
	taken  bool
	ticket int32
	past   Past
}

type simQueue []simEvent

func (q simQueue) Len() int           { return len(q) }
func (q simQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q simQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *simQueue) Push(x any)        { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

// simulate lets clients work on a perfect log and emits the events in the
// order of time, all at different times. A share of the produces has no known
// outcome; half of them take effect, perhaps late.
func simulate(r *rand.Rand, ops, clients int, unknown float64, emit func(what uint8, at int64, op *simOp)) {
	var q simQueue
	var length, index, tick int64
	next := int64(clients) // the process that follows a client that lost an answer
	wait := func(mean float64) int64 { return int64(r.ExpFloat64()*mean) + 1 }
	push := func(at int64, what uint8, op *simOp) {
		tick++
		heap.Push(&q, simEvent{at*int64(1<<10) + tick%(1<<10), what, op})
	}
	issued := 0
	call := func(process, now int64) {
		if issued == ops {
			return
		}
		issued++
		o := &simOp{Op: Op{Process: process, Value: -1, Kind: Produce}}
		if r.IntN(2) == 0 {
			o.Kind = End
			if r.IntN(2) == 0 {
				o.Kind = Fetch
			}
		}
		o.lost = o.Kind == Produce && r.Float64() < unknown
		push(now+wait(200), simCall, o)
	}
	for i := range clients {
		call(int64(i), 0)
	}
	for q.Len() > 0 {
		e := heap.Pop(&q).(simEvent)
		now, o := e.at/(1<<10), e.op
		switch e.what {
		case simCall:
			o.Call, o.Invoked = e.at, index
			index++
			if o.lost {
				push(now+wait(2000), simLost, o)
				if r.IntN(2) == 0 {
					push(now+wait(20000), simTake, o)
				}
			} else {
				push(now+wait(2000), simTake, o)
			}
			emit(simCall, e.at, o)
		case simTake:
			o.taken = true
			o.Lo, o.Hi = length, length
			if o.Kind == Produce {
				length += 1 + int64(r.IntN(4)/3*2)
				o.Lo = length
			}
			if o.lost {
				push(now+wait(20000), simSeen, o)
			} else {
				push(now+wait(2000), simRet, o)
			}
		case simRet:
			o.Ret, o.Index = e.at, index
			index++
			emit(simRet, e.at, o)
			call(o.Process, now)
		case simLost:
			emit(simLost, e.at, o)
			call(next, now)
			next++
		case simSeen:
			o.Ret, o.Index, o.Unknown = e.at, o.Invoked, true
			emit(simSeen, e.at, o)
		}
	}
}

// feeder gives simulated events to a log.
type feeder struct {
	flight *Flight
	log    *Log
	n      int64 // operations that returned or were seen
	found  []Violation
}

func newFeeder(cfg Config) *feeder {
	f := &feeder{flight: NewFlight()}
	f.log = NewLog(cfg, f.flight)
	return f
}

func (f *feeder) take(what uint8, at int64, o *simOp) {
	var v Violation
	bad := false
	switch what {
	case simCall:
		o.ticket = f.flight.Call(at)
		return
	case simLost:
		o.past = f.log.Past(o.Call, o.Process)
		f.flight.Return(o.ticket)
		return
	case simRet:
		v, bad = f.log.Return(o.Op)
		f.flight.Return(o.ticket)
	case simSeen:
		v, bad = f.log.Seen(o.Op, o.past)
	}
	f.n++
	if bad {
		f.found = append(f.found, v)
	}
}
