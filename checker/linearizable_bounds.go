package checker

import (
	"github.com/ackproof/ackproof/checker/linear"
	"github.com/ackproof/ackproof/histories"
)

// farthest is the greatest offset that is taken for one: lengths beyond it
// leave no room to compute with.
const farthest = linear.Inf / 2

func plausible(offset int64) bool { return offset >= 0 && offset < farthest }

// base returns what all operations of an entry have in common. An operation
// that never completed is known by its invocation.
func (c *linearizable) base(index, process int64, call *opening) linear.Op {
	if index < 0 {
		index = call.index
	}
	return linear.Op{Call: call.call, Ret: c.now, Process: process, Invoked: call.index, Index: index, Value: -1}
}

// acked takes sends that were acknowledged. Records of one request at
// consecutive offsets are one produce.
func (c *linearizable) acked(op *histories.Op, call *opening) {
	for i := 0; i < len(op.Mops); {
		m := &op.Mops[i]
		if !m.Send {
			i++
			continue
		}
		n := run(op.Mops[i:])
		l := c.log(m.Key)
		if plausible(m.Offset) {
			l.acked(c.base(op.Index, op.Process, call), op.Mops[i:i+n])
		} else {
			l.unsure(c.base(op.Index, op.Process, call), op.Mops[i:i+n])
		}
		i += n
	}
}

// run is the number of sends at the front that are one produce: to one log, at
// consecutive offsets or all without one.
func run(mops []histories.Mop) int {
	first := &mops[0]
	for n := 1; n < len(mops); n++ {
		m := &mops[n]
		if !m.Send || m.Key != first.Key || plausible(first.Offset) != plausible(m.Offset) ||
			plausible(first.Offset) && m.Offset != first.Offset+int64(n) {
			return n
		}
	}
	return len(mops)
}

// unsure takes sends whose outcome nobody knows.
func (c *linearizable) unsure(index, process int64, sends []histories.Mop, call *opening) {
	for i := 0; i < len(sends); {
		if !sends[i].Send {
			i++
			continue
		}
		n := 1
		for i+n < len(sends) && sends[i+n].Send && sends[i+n].Key == sends[i].Key {
			n++
		}
		c.log(sends[i].Key).unsure(c.base(index, process, call), sends[i:i+n])
		i += n
	}
}

// failed takes sends that did not happen. Where their values show up all the
// same, they are nobody's.
func (c *linearizable) failed(op *histories.Op) {
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send {
			delete(c.log(m.Key).early, m.Value)
		}
	}
}

// listed takes answers about the ends of logs.
func (c *linearizable) listed(op *histories.Op, call *opening) {
	for _, o := range op.Offsets {
		if !plausible(o.Offset) {
			continue
		}
		r := c.base(op.Index, op.Process, call)
		r.Kind, r.Lo, r.Hi = linear.End, o.Offset, o.Offset
		if c.iso.contract {
			r.Kind, r.Hi = linear.Fetch, linear.Inf // the last stable offset, at or below the end
		}
		l := c.log(o.Key)
		if c.env.Model == Kafka && r.Kind == linear.End {
			r = l.deposed(r)
		}
		l.judge(r)
	}
}

// byDeposed is the clause under which an end may be older than what others know.
const byDeposed = "reads=kafka"

// deposed takes an end under Kafka's reads. A leader that was cut off, or that
// stood still, goes on answering until it learns that it was deposed; KIP-207
// makes a new leader wait, and not the old one stop. An end that is older than
// what was proven before its call is reported as allowed, and only what it
// proves is used.
func (l *orderedLog) deposed(op linear.Op) linear.Op {
	age, by := l.order.Age(op.Call, op.Lo)
	if age == 0 {
		return op
	}
	if age > l.oldest {
		l.oldest, l.oldestOp = age, op.Index
	}
	v := linear.Violation{A: op, B: by}
	k := kindOf(&v)
	if limit := l.c.env.Contract.StalenessMillis; limit > 0 && age > limit*1e6 {
		k = StaleRead
	}
	l.c.found(k, l, v)
	op.Hi = linear.Inf
	return op
}

// polled takes what a poll returned: one read for each log, or one for each
// fetch where it fetched a log several times.
func (c *linearizable) polled(op *histories.Op, call *opening) {
	c.touched = c.touched[:0]
	c.committed = c.iso.stable(op.Process)
	for i := range op.Runs {
		run := &op.Runs[i]
		l := c.touch(run.Key)
		for _, r := range op.Recs[run.From:run.To] {
			if plausible(r.Offset) {
				l.read.end = max(l.read.end, r.Offset+1)
				l.seen(r.Offset, r.Value, op.Index)
			}
		}
	}
	for _, f := range op.Fetched {
		l := c.touch(f.Key)
		l.read.fetches++
		l.read.position, l.read.watermark = f.Position, f.HighWatermark
		if l.read.watermark > farthest {
			l.read.watermark = -1
		}
	}
	for _, l := range c.touched {
		l.fetched(c.base(op.Index, op.Process, call))
		l.read = logRead{}
	}
}

// touch returns a log and notes that the poll read it.
func (c *linearizable) touch(key int64) *orderedLog {
	l := c.log(key)
	if !l.read.touched {
		l.read = logRead{touched: true, position: -1, watermark: -1}
		c.touched = append(c.touched, l)
	}
	return l
}

// logRead is what one poll says of one log.
type logRead struct {
	touched   bool
	fetches   int
	end       int64 // one past the last record
	position  int64 // of the last fetch, -1: unknown
	watermark int64 // of the last fetch, -1: unknown
}

// fetched makes a read of what a poll says of the log.
//
// Its records prove a length. What it denies depends on the model: under a
// strict one the high watermark is the length at that moment; under the others
// only an empty answer denies anything, that there was more in the state it
// was answered from, because a new leader's watermark may lag behind what the
// old one showed. A watermark below the records it came with proves nothing,
// and neither do several fetches in one poll, of which nobody knows which
// returned what.
func (l *orderedLog) fetched(op linear.Op) {
	r := &l.read
	op.Kind, op.Lo, op.Hi = linear.Fetch, r.end, linear.Inf
	newest := linear.Inf // the length of the state that it showed, where known
	if r.fetches == 1 && !l.c.committed {
		switch {
		case r.watermark >= r.end && r.watermark >= 0:
			newest = r.watermark
		case r.watermark < 0 && r.end == 0 && r.position >= 0:
			newest = r.position
		}
		switch {
		case l.c.env.Model == Strict && r.watermark >= r.end && r.watermark >= 0:
			op.Lo, op.Hi = r.watermark, r.watermark
		case r.end == 0 && r.position >= 0:
			op.Hi = max(r.position, r.watermark)
		}
	}
	if newest < linear.Inf && l.c.env.Model == Kafka {
		l.aged(op, newest)
	}
	l.judge(op)
}

// aged notes how old the state was that a fetch showed, and holds it to the
// contract's bound.
func (l *orderedLog) aged(op linear.Op, length int64) {
	age, by := l.order.Age(op.Call, length)
	if age > l.oldest {
		l.oldest, l.oldestOp = age, op.Index
	}
	if limit := l.c.env.Contract.StalenessMillis; limit > 0 && age > limit*1e6 {
		op.Hi = length
		l.c.found(StaleRead, l, linear.Violation{A: op, B: by})
	}
}
