package checker

import (
	"slices"

	"github.com/ackproof/ackproof/checker/linear"
	"github.com/ackproof/ackproof/histories"
)

// linearizableChecker holds the operations of each log to one order, in real
// time as far as the model demands.
//
// What a broken broker looks like here:
//
//   - It appends less than it acknowledges, or drops its tail: what comes next
//     is acknowledged, read or listed below what was acknowledged before. Those
//     pairs are convicted, with the lost record on one side, so that they stand
//     behind its loss. Two claims on one offset are left out of the windows.
//   - It acknowledges a wrong offset: too low, it contradicts many others and is
//     convicted; too high, the others contradict it, and after two of them it is
//     believed no more. Where its record was polled elsewhere before the
//     acknowledgement came, it is no evidence from the start.
//   - It acknowledges without an offset: the send is placed where it is polled.
//   - It answers a fetch or an end from an old state: convicted under a strict
//     model; under a kafka model an old end is reported as allowed.
//   - It writes twice, swaps, skips, corrupts or misroutes records, or appends
//     what it refuses: lengths and real time still fit, offsets of which nothing
//     is known are filled by appends of nobody. The facts convict those.
var linearizableChecker = Checker{
	Name: "linearizable", Doc: "The operations of a log fit one order in real time, by the sweep and by porcupine.",
	Kinds: []Kind{NonlinearizableLog, OffsetRegression, EndOffsetRegression, StaleRead, CheckerTimeout, CheckerDisagreement},
	Alone: true,
	New:   func(e *Env, r *Report) Pass { return newLinearizable(e, r) },
}

// linearizable turns entries into operations in bound form.
type linearizable struct {
	env       *Env
	report    *Report
	iso       isolations
	committed bool // the poll that is being taken stops at the last stable offset
	flight    *linear.Flight
	opens     processes[opening]
	logs      map[int64]*orderedLog
	keys      []int64 // of logs, in the order of their first operation
	now       int64   // the latest time seen, ns
	touched   []*orderedLog
	pool      *linear.Pool
	windows   windowTally
	crashes   *crashes
	pages     pages
	faults    faultMarks
}

// opening is the operation that a process has in flight.
type opening struct {
	open   bool
	ticket int32
	call   int64
	index  int64
	sends  []histories.Mop
}

func newLinearizable(e *Env, r *Report) *linearizable {
	c := &linearizable{
		env: e, report: r,
		iso:    newIsolations(e),
		flight: linear.NewFlight(), crashes: newCrashes(e),
		logs: make(map[int64]*orderedLog),
	}
	c.pages = pages{dir: e.Options.WindowDir}
	c.windows.reported = make(map[logEntry]bool)
	c.pool = linear.NewPool(0, e.Options.WindowTimeout, c.windows.take)
	return c
}

// log returns what is known of a log.
func (c *linearizable) log(key int64) *orderedLog {
	l := c.logs[key]
	if l == nil {
		l = newOrderedLog(c, key)
		c.logs[key] = l
		c.keys = append(c.keys, key)
	}
	return l
}

// Observe takes the next entry.
func (c *linearizable) Observe(op *histories.Op) {
	c.iso.observe(op)
	if op.Process == histories.Nemesis {
		c.faults.observe(op)
		c.crashes.observe(op)
		return
	}
	// A clock that goes back makes operations longer, never shorter: a return
	// counts as late as the latest entry before it.
	c.now = max(c.now, int64(op.Time))
	if op.Type == histories.Invoke {
		c.invoke(op)
		return
	}
	o := c.opens.at(op.Process)
	call := opening{call: 0, index: -1} // a completion of nothing may have begun at any time
	if o.open {
		call = *o
	}
	switch op.Type {
	case histories.OK:
		c.ok(op, &call)
	case histories.Fail:
		c.failed(op)
	case histories.Info:
		c.unsure(op.Index, op.Process, sendsOf(op.Mops, call.sends), &call)
		c.retire(op.Process)
	}
	if o.open {
		o.open = false
		c.flight.Return(o.ticket)
	}
	if op.Type == histories.Info && c.env.retires(op) {
		c.opens.drop(op.Process)
	}
}

// invoke takes a call.
func (c *linearizable) invoke(op *histories.Op) {
	switch op.F {
	case histories.Send, histories.Poll, histories.Txn, histories.EndOffsets:
	default:
		return
	}
	o := c.opens.at(op.Process)
	if o.open { // the process never heard of its last one
		c.unsure(-1, op.Process, o.sends, o)
		c.flight.Return(o.ticket)
	}
	t := int64(op.Time)
	o.open, o.call, o.index, o.ticket = true, t, op.Index, c.flight.Call(t)
	o.sends = o.sends[:0]
	for i := range op.Mops {
		if op.Mops[i].Send {
			o.sends = append(o.sends, op.Mops[i])
		}
	}
}

// sendsOf returns the records that were sent, from the completion if it says.
func sendsOf(done, invoked []histories.Mop) []histories.Mop {
	for i := range done {
		if done[i].Send {
			return done
		}
	}
	return invoked
}

// ok takes a completion that says what happened.
func (c *linearizable) ok(op *histories.Op, call *opening) {
	switch op.F {
	case histories.Send, histories.Txn:
		c.acked(op, call)
		if op.F == histories.Txn {
			c.polled(op, call)
		}
	case histories.Poll:
		c.polled(op, call)
	case histories.EndOffsets:
		c.listed(op, call)
	case histories.Assign, histories.Subscribe:
		if c.env.Model == Kafka {
			// Whoever is told to read elsewhere may be served by another
			// replica; nothing is promised across that.
			c.retire(op.Process)
		}
	}
}

// retire ends the session of a process.
func (c *linearizable) retire(process int64) {
	if c.env.Model == Strict {
		return
	}
	for _, key := range c.keys {
		c.logs[key].order.EndSession(process)
	}
}

// Finish judges what is left. Sends in flight are unknown for ever.
func (c *linearizable) Finish() {
	for _, process := range c.opens.all() {
		if o := c.opens.at(process); o.open {
			c.unsure(-1, process, o.sends, o)
		}
	}
	slices.Sort(c.keys)
	for _, key := range c.keys {
		c.logs[key].order.Finish()
	}
	c.pool.Wait()
	c.summary()
}

// all returns the processes that something is kept for, in order.
func (p *processes[T]) all() []int64 {
	var out []int64
	for i, t := range p.near {
		if t != nil {
			out = append(out, int64(i))
		}
	}
	for i := range p.far {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// windowTally adds up what the pool says. The pool calls take one at a time;
// all else is for the pass, and the results for after the pool has ended.
type windowTally struct {
	decided   int64
	ops       int64
	closed    int64
	left      int64 // of those closed: not put into any window
	undecided int64
	excluded  int64
	results   []linear.Result // those with something to say
	reported  map[logEntry]bool
}

// logEntry is an operation on one log, by its completion.
type logEntry struct{ log, entry int64 }

// maxResults bounds the windows that are kept because something is wrong in them.
const maxResults = 1 << 10

func (t *windowTally) take(res linear.Result) {
	w := &res.Window
	t.closed += int64(w.Closed + w.Left)
	t.left += int64(w.Left)
	t.excluded += int64(len(res.Excluded))
	if res.Decided {
		t.decided++
		t.ops += int64(w.Closed - len(res.Excluded))
	} else {
		t.undecided++
	}
	if (len(res.Violations) > 0 || res.Disagree || res.Panic != nil) && len(t.results) < maxResults {
		if !res.Disagree {
			res.Window.Ops = nil
		}
		t.results = append(t.results, res)
	}
}
