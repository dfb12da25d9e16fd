package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// logStart holds the start of each log to moving up only. Where a log was told
// to begin, by an answer to start-offsets or by an acknowledged delete-records,
// no later question is answered below, and no record below is shown again.
//
// Under a strict model that holds between all processes. Under the others a
// leader that was deposed may not know of it yet: what a process was told itself
// counts, and in the final reads what anybody was. Even that is firm only where
// the deletion was acknowledged, for then every replica that is up knows of it;
// what retention does, each replica does by itself.
type logStart struct {
	env     *Env
	r       *Report
	crashes *crashes
	told    map[int64]*stairs // by log: what anybody was told
	acked   map[int64]int64   // by log: the highest start of an acknowledged delete-records
	asked   map[int64]bool    // by log: somebody asked to delete records
	procs   processes[startKnower]
	final   bool
}

// startKnower is what one process knows.
type startKnower struct {
	since int64 // the invocation under way
	own   map[int64]stair
}

func newLogStart(e *Env, r *Report) Pass {
	return &logStart{env: e, r: r, crashes: newCrashes(e), told: map[int64]*stairs{}, acked: map[int64]int64{}, asked: map[int64]bool{}}
}

// Observe takes the next entry.
func (c *logStart) Observe(op *histories.Op) {
	c.crashes.observe(op)
	if op.Process < 0 {
		if op.F == histories.Phase && op.Event != nil {
			c.final = op.Event.Phase == histories.PhaseFinal
		}
		return
	}
	switch op.F {
	case histories.StartOffsets, histories.DeleteRecords, histories.Poll:
	default:
		if c.env.retires(op) {
			c.procs.drop(op.Process)
		}
		return
	}
	p := c.procs.at(op.Process)
	switch {
	case op.Type == histories.Invoke:
		p.since = op.Index
		if op.F == histories.DeleteRecords {
			for _, o := range op.Offsets {
				c.asked[o.Key] = true
			}
		}
	case op.F == histories.Poll:
		c.polled(op, p)
	case op.Type == histories.OK:
		for _, o := range op.Offsets {
			if o.Offset >= 0 {
				c.answer(op, p, o)
			}
		}
	}
	if c.env.retires(op) {
		c.procs.drop(op.Process)
	}
}

// answer judges where a process was told that a log begins, and remembers it.
func (c *logStart) answer(op *histories.Op, p *startKnower, o histories.KeyOffset) {
	if was := c.known(p, o.Key); was.to > o.Offset {
		k := newCase(LogStartRegression, o.Key)
		k.Offset = o.Offset
		k.From, k.To = o.Offset, was.to-1
		k.Ops = [3]int64{was.op, op.Index, -1}
		k.A, k.B = was.to, op.Process
		k.AllowedBy = c.allowed(o.Key, was.op, op.Index)
		k.Why = c.why
		c.r.Add(k)
		return
	}
	if op.F == histories.DeleteRecords {
		c.acked[o.Key] = max(c.acked[o.Key], o.Offset)
	}
	if !c.firm(o) {
		return
	}
	if c.told[o.Key] == nil {
		c.told[o.Key] = &stairs{}
	}
	c.told[o.Key].raise(op.Index, o.Offset)
	if p.own == nil {
		p.own = map[int64]stair{}
	}
	p.own[o.Key] = stair{op.Index, o.Offset}
}

// firm tells whether a start that was told holds for whoever leads the log later.
func (c *logStart) firm(o histories.KeyOffset) bool {
	if c.env.Model == Strict {
		return true
	}
	if r := c.env.retention(o.Key); r != "none" && r != "" {
		return false
	}
	return !c.asked[o.Key] || o.Offset <= c.acked[o.Key]
}

// known returns what the process is held to: what had been told before it asked.
func (c *logStart) known(p *startKnower, key int64) stair {
	if told := c.told[key]; told != nil && (c.final || c.env.Model == Strict) {
		return told.before(p.since)
	}
	if own, ok := p.own[key]; ok {
		return own
	}
	return stair{-1, -1}
}

// polled looks for records below where the log was told to begin.
func (c *logStart) polled(op *histories.Op, p *startKnower) {
	for _, run := range op.Runs {
		if run.From == run.To {
			continue
		}
		was := c.known(p, run.Key)
		if was.to <= 0 {
			continue
		}
		for _, r := range op.Recs[run.From:run.To] {
			if r.Offset < 0 || r.Offset >= was.to {
				continue
			}
			k := newCase(DeletedRecordRead, run.Key)
			k.Offset, k.Value = r.Offset, r.Value
			k.Ops = [3]int64{was.op, op.Index, -1}
			k.A, k.B = was.to, op.Process
			k.AllowedBy = c.allowed(run.Key, was.op, op.Index)
			k.Why = c.whyRead
			c.r.Add(k)
		}
	}
}

// allowed returns the clause under which a deletion may be undone: after an
// unclean election, or where every in-sync replica crashed. Log starts are
// written to disk now and then only (log-start-offset-checkpoint).
func (c *logStart) allowed(log, from, to int64) string {
	if u := c.env.Contract.UncleanElection; u != nil && *u {
		return "unclean_election=true"
	}
	return c.crashes.clause(log, from, to)
}

// Finish does nothing.
func (c *logStart) Finish() {}

func (c *logStart) why(k *Case) string {
	return fmt.Sprintf("Process %d was told that %s starts at offset %d%s, after the start had been told as %d%s: what was deleted does not come back.",
		k.B, c.env.logName(k.Log), k.Offset, c.env.Facts.entryText(k.Ops[1]), k.A, c.env.Facts.entryText(k.Ops[0]))
}

func (c *logStart) whyRead(k *Case) string {
	return fmt.Sprintf("A poll of process %d%s returned record %d at offset %d of %s, after the log had been told to begin at offset %d%s: what was deleted does not come back.",
		k.B, c.env.Facts.entryText(k.Ops[1]), k.Value, k.Offset, c.env.logName(k.Log), k.A, c.env.Facts.entryText(k.Ops[0]))
}
