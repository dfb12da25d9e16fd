package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// logStart holds the start of each log to moving up only: an answer to
// start-offsets is never below one that was given before the question was
// asked. Under the session model only a process's own answers count.
type logStart struct {
	env   *Env
	r     *Report
	best  map[int64]startAnswer
	asked processes[startQuestion]
}

// startAnswer is the highest start that was listed.
type startAnswer struct{ offset, op int64 }

// startQuestion is what had been listed when a process asked.
type startQuestion struct {
	known map[int64]startAnswer
}

func newLogStart(e *Env, r *Report) Pass {
	return &logStart{env: e, r: r, best: map[int64]startAnswer{}}
}

// Observe takes the next entry.
func (c *logStart) Observe(op *histories.Op) {
	if op.F != histories.StartOffsets || op.Process < 0 {
		return
	}
	q := c.asked.at(op.Process)
	if q.known == nil {
		q.known = map[int64]startAnswer{}
	}
	switch {
	case op.Type == histories.Invoke && c.env.Model != Session:
		for _, key := range op.Keys {
			if best, ok := c.best[key]; ok {
				q.known[key] = best
			}
		}
	case op.Type == histories.OK:
		for _, o := range op.Offsets {
			if o.Offset >= 0 {
				c.answer(op, q, o)
			}
		}
	}
	if c.env.retires(op) {
		c.asked.drop(op.Process)
	}
}

func (c *logStart) answer(op *histories.Op, q *startQuestion, o histories.KeyOffset) {
	now := startAnswer{o.Offset, op.Index}
	if best, ok := c.best[o.Key]; !ok || now.offset > best.offset {
		c.best[o.Key] = now
	}
	was, ok := q.known[o.Key]
	if !ok || now.offset >= was.offset {
		q.known[o.Key] = now
		return
	}
	k := newCase(LogStartRegression, o.Key)
	k.Offset = now.offset
	k.From, k.To = now.offset, was.offset-1
	k.Ops = [3]int64{was.op, op.Index, -1}
	k.A, k.B = was.offset, op.Process
	k.Why = c.why
	c.r.Add(k)
}

// Finish does nothing.
func (c *logStart) Finish() {}

func (c *logStart) why(k *Case) string {
	return fmt.Sprintf("Process %d was told that %s starts at offset %d%s, after the start had been listed as %d%s: what was deleted does not come back.",
		k.B, c.env.logName(k.Log), k.Offset, c.env.Facts.entryText(k.Ops[1]), k.A, c.env.Facts.entryText(k.Ops[0]))
}
