package checker

import (
	"cmp"
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// work asks whether enough was done to call anything valid, and whether the
// run reached its end. A history without a header only has to hold an
// acknowledged or a read record for every log that was sent to.
type work struct {
	env    *Env
	r      *Report
	judged Judged
	ended  bool
	// stopped is the violation for which the main phase ended early.
	stopped string
}

func newWork(e *Env, r *Report) Pass { return &work{env: e, r: r} }

// Observe takes the next entry.
func (c *work) Observe(op *histories.Op) {
	c.judged.Entries++
	switch {
	case op.Process < 0:
		if op.F == histories.Phase && op.Event != nil {
			c.ended = c.ended || op.Event.Phase == histories.PhaseEnd
			if op.Event.Phase == histories.PhaseEvidence && c.stopped == "" {
				c.stopped = cmp.Or(op.Event.Why, "a violation")
			}
		}
	case op.F == histories.Other:
		c.judged.Ignored++
	case op.Type != histories.Invoke:
		c.judged.Ops++
	}
}

// incomplete tells whether the history ends before the run did.
func (c *work) incomplete() bool {
	return c.env.HasHeader && c.env.Header.FinalReads && !c.ended
}

// Finish counts what the verdict rests on.
func (c *work) Finish() {
	f := c.env.Facts
	read := int64(0)
	sent := make([]bool, len(f.logs))
	f.recs.each(len(f.logs), func(log int, rec record) {
		if rec.has(recSent) {
			sent[log] = true
			c.judged.Records++
		}
		if rec.has(recAcked) {
			c.judged.Acked++
		}
		if rec.has(recRead) {
			read++
		}
	})
	c.judged.Logs = int64(len(f.logs))
	if c.incomplete() {
		c.r.Unknown(IncompleteRun, "the history ends before the run did: without its final reads truncated-ack, lost-write and unseen cannot be judged")
	}
	if c.judged.Acked == 0 && read == 0 {
		c.r.Unknown(TooLittleWork, fmt.Sprintf("no record was acknowledged and none was read in %d entries: there is nothing to judge", c.judged.Entries))
		return
	}
	if !c.env.HasHeader {
		c.anyAck(sent)
	}
	if least := int64(c.env.Options.MinAcked); c.env.HasHeader && least > 0 {
		c.everyLog(least)
	}
}

// anyAck asks for a record, acknowledged or read, on every log that was sent to.
func (c *work) anyAck(sent []bool) {
	for i, l := range c.env.Facts.logs {
		if sent[i] && l.acked == 0 && !l.read {
			c.r.Unknown(TooLittleWork, fmt.Sprintf("no send to %s was acknowledged and nothing was read there: what the broker promised there cannot be judged", c.env.logName(l.key)))
			return
		}
	}
}

// everyLog asks for a number of acknowledged records on every log of the run.
func (c *work) everyLog(least int64) {
	short, first := 0, ""
	count := func(key int64) {
		n := int64(0)
		if l := c.env.Facts.byKey[key]; l != nil {
			n = l.acked
		}
		if n >= least {
			return
		}
		if short++; short == 1 {
			first = fmt.Sprintf("%s has %d acknowledged records, %d are needed", c.env.logName(key), n, least)
		}
	}
	for _, l := range c.env.Header.Logs {
		if !l.Added { // the others come and go
			count(l.Key)
		}
	}
	if len(c.env.Header.Logs) == 0 {
		for _, l := range c.env.Facts.logs {
			count(l.key)
		}
	}
	switch {
	case short > 1:
		first += fmt.Sprintf(" (and %d more logs)", short-1)
		fallthrough
	case short == 1:
		c.r.Unknown(TooLittleWork, first)
	}
}
