package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// futureRead is a value that was polled before its send was invoked.
type futureRead struct {
	log          *logFacts
	value        int64
	read         earlyRead
	sent, sender int64
}

// sawFuture notes that a value that was polled is sent only now.
func (f *Facts) sawFuture(op *histories.Op, l *logFacts, value int64) {
	at := point{l.index, value}
	e := f.early[at]
	if e == nil {
		return
	}
	delete(f.early, at)
	f.live.add(PhantomRead, -1)
	f.live.sees(FutureRead, 1, "")
	if len(f.future) >= maxCases {
		f.over[FutureRead]++
		return
	}
	f.future = append(f.future, futureRead{l, value, *e, op.Index, op.Process})
}

// futureChecker reports records that were read before their send began.
type futureChecker struct {
	after
	f *Facts
	r *Report
}

func (c *futureChecker) Finish() {
	for _, v := range c.f.future {
		k := newCase(FutureRead, v.log.key)
		k.Offset, k.Value = v.read.offset, v.value
		k.Ops = [3]int64{v.read.op, v.sent, -1}
		k.A, k.B = v.read.process, v.sender
		k.Why = c.why
		c.r.file(k)
	}
	c.r.overflow(FutureRead, c.f)
}

func (c *futureChecker) why(k *Case) string {
	return fmt.Sprintf("A poll of process %d%s returned record %d at offset %d of %s before process %d began to send it%s: no order of events explains that.",
		k.A, c.f.entryText(k.Ops[0]), k.Value, k.Offset, c.f.env.logName(k.Log), k.B, c.f.entryText(k.Ops[1]))
}
