package checker

import (
	"cmp"
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// loss looks for acknowledged records that are gone.
//
// Where the header promises final reads they decide: an acknowledged record
// that they do not return is gone. Where they did not reach a log's end, only
// a reader that passed over the record convicts, and the rest is unknown.
//
// A history without final reads is judged by Jepsen's rule: below the highest
// position that anybody read, everything acknowledged must have been read by
// somebody; what is acknowledged and was never read is unseen. A log of which
// nobody read anything is left out: nobody looked, so nothing is missed.
type loss struct {
	env   *Env
	f     *Facts
	r     *Report
	final finalReads
	ages  bool // some logs let records go by their age
	sends sendTimes
}

func newLoss(e *Env, r *Report) Pass {
	return &loss{env: e, f: e.Facts, r: r, ages: e.ages(), final: newFinalReads()}
}

// Observe takes the next entry.
func (c *loss) Observe(op *histories.Op) {
	c.final.observe(op)
	if c.ages {
		c.sends.observe(c.env, op)
	}
}

// lossRule is how a log's records are judged.
type lossRule struct {
	final  *finalLog // nil: by Jepsen's rule
	judged bool
	bound  int64 // Jepsen's rule: the highest position that was read, by its earliest place
	boundV int64 // the value there
}

// Finish judges every acknowledged record.
func (c *loss) Finish() {
	rules := make([]lossRule, len(c.f.logs))
	promised := c.env.HasHeader && c.env.Header.FinalReads
	var unread []*logFacts
	for i, l := range c.f.logs {
		switch {
		case l.topic >= 0:
			c.passedOver(l) // what was read before its topic was deleted still counts
		case !promised && !l.read:
			if l.acked > 0 {
				unread = append(unread, l)
			}
		case !promised:
			rules[i] = c.bound(l)
		case c.final.ended && c.final.logs[l.key].complete():
			rules[i] = lossRule{judged: true, final: c.final.logs[l.key]}
		default:
			c.incomplete(l)
			c.passedOver(l)
		}
	}
	c.nobodyRead(unread)
	c.f.recs.each(len(rules), func(log int, rec record) {
		if !rec.has(recAcked|recProven) || !rules[log].judged {
			return
		}
		if rules[log].final != nil {
			c.byFinalReads(c.f.logs[log], rec, rules[log].final)
		} else {
			c.byBound(c.f.logs[log], rec, &rules[log])
		}
	})
}

// incomplete says that a log was not read to its end.
func (c *loss) incomplete(l *logFacts) {
	if !c.final.ended && c.final.logs[l.key] == nil {
		return // the run did not get there, which is told once for all logs
	}
	end, covered := int64(-1), int64(0)
	if f := c.final.logs[l.key]; f != nil {
		end, covered = f.end, f.covered
	}
	why := fmt.Sprintf("the final reads of %s got to offset %d of %d", c.env.logName(l.key), covered, end)
	if end < 0 {
		why = fmt.Sprintf("the final reads of %s list no end", c.env.logName(l.key))
	}
	c.r.Unknown(IncompleteRun, why+": truncated-ack, lost-write and unseen cannot be judged there")
}

// nobodyRead says which logs have acknowledged records and no reader.
func (c *loss) nobodyRead(logs []*logFacts) {
	if len(logs) == 0 {
		return
	}
	more := ""
	if len(logs) > 1 {
		more = fmt.Sprintf(" (and %d more logs)", len(logs)-1)
	}
	c.r.Unknown(IncompleteRun, fmt.Sprintf("nobody read a record of %s%s: whether its %d acknowledged records stay cannot be judged",
		c.env.logName(logs[0].key), more, logs[0].acked))
}

// byFinalReads judges a record of a log that was read to its end.
func (c *loss) byFinalReads(l *logFacts, rec record, final *finalLog) {
	if rec.has(recFinal) || !rec.has(recAcked) {
		return
	}
	offsets := c.f.offsetsOf(l, rec)
	if len(offsets) == 0 {
		if !rec.has(recPolled) && !final.behind(-1, rec.sentAt()) {
			c.r.Add(c.gone(Unseen, l, rec, -1, final.endOp, final.end, c.whyFinal))
		}
		return
	}
	offset := offsets[len(offsets)-1]
	if final.behind(offset, rec.sentAt()) && !rec.has(recPolled) {
		return
	}
	if l.compacted && c.compacted(l, rec, offset, final) {
		return
	}
	if offset < l.start && !l.compacted {
		if by, early := c.early(l, rec, offset); early {
			c.r.Add(c.deleted(l, rec, offset, by))
		}
		return
	}
	reuse := c.reused(l, rec, offsets)
	kind := LostWrite
	switch {
	case l.compacted && reuse == nil && rec.has(recPolled) && offset < final.end:
		kind = CompactedLatest
	case rec.has(recPolled) || reuse != nil:
		kind = TruncatedAck
	case offset >= final.end:
		kind = Unseen
	}
	witness := final.lastOp
	if offset >= final.end {
		witness = final.endOp
	}
	k := c.gone(kind, l, rec, offset, witness, final.end, c.whyFinal)
	if reuse != nil {
		k.Ops[1] = reuse.op
		k.Others = []int64{reuse.value}
	} else if rec.has(recPolled) {
		k.Ops[1] = rec.readAt()
	}
	c.r.Add(k)
}

// compacted tells whether a record that the final reads do not return may have
// been compacted away: a later record of its key replaces it, or it is a
// tombstone that has stood for long enough.
func (c *loss) compacted(l *logFacts, rec record, offset int64, final *finalLog) bool {
	return l.compactedFinally(rec.value, offset) || c.f.tombstoneOver(l, rec, final.lastOp)
}

// reused returns another value that was polled at one of the record's offsets.
func (c *loss) reused(l *logFacts, rec record, offsets []int64) *sighting {
	for _, offset := range offsets {
		for _, s := range c.f.conflicts[point{l.index, offset}] {
			if s.value != rec.value && s.polled {
				return &s
			}
		}
	}
	return nil
}

// bound prepares Jepsen's rule for a log.
func (c *loss) bound(l *logFacts) lossRule {
	rule := lossRule{judged: true, bound: -1}
	for i := len(l.pages) - 1; i >= 0; i-- {
		p := l.slots.pages.get(l.pages[i])
		for j := pageLen - 1; j >= 0; j-- {
			offset := l.pages[i]<<pageBits | int64(j)
			if offset <= rule.bound {
				return rule
			}
			t := slot{p, j}
			if !t.has(slotHas) {
				continue
			}
			c.raise(&rule, l, t, offset)
		}
	}
	return rule
}

// raise raises the bound to the earliest place of a value at the offset that
// was read.
func (c *loss) raise(rule *lossRule, l *logFacts, t slot, offset int64) {
	values := []int64{l.slots.value(t, offset)}
	for _, s := range c.f.conflicts[point{l.index, offset}] {
		values = append(values, s.value)
	}
	for _, v := range values {
		rec, ok := c.f.recs.find(l.index, v)
		if !ok || !rec.has(recRead) {
			continue
		}
		if first := c.f.offsetsOf(l, rec)[0]; first > rule.bound {
			rule.bound, rule.boundV = first, v
		}
	}
}

// byBound judges a record by Jepsen's rule.
func (c *loss) byBound(l *logFacts, rec record, rule *lossRule) {
	if rec.has(recRead) {
		return
	}
	offsets := c.f.offsetsOf(l, rec)
	if n := len(offsets); n > 0 && (l.compacted || l.mayBeDeleted(offsets[n-1], int64(1)<<62)) {
		return // nobody read to the end, where it can be told what stays
	}
	if len(offsets) > 0 && offsets[len(offsets)-1] <= rule.bound {
		kind := LostWrite
		reuse := c.reused(l, rec, offsets)
		if reuse != nil && rec.has(recAcked) {
			kind = TruncatedAck
		}
		witness := int64(-1)
		if top, ok := c.f.recs.find(l.index, rule.boundV); ok {
			witness = top.readAt()
		}
		k := c.gone(kind, l, rec, offsets[len(offsets)-1], witness, rule.bound, c.whyBound)
		if reuse != nil {
			k.Ops[1] = reuse.op
			k.Others = []int64{reuse.value}
		}
		c.r.Add(k)
	}
	if rec.has(recAcked) {
		c.r.Add(c.gone(Unseen, l, rec, rec.offset(), -1, -1, c.whyUnseen))
	}
}

// passedOver convicts without final reads: a record that nobody ever polled
// and that a reader passed over.
func (c *loss) passedOver(l *logFacts) {
	told := map[int64]bool{}
	l.gaps.each(func(g *gap) {
		l.slots.between(l.pages, g.from+1, g.to-1, func(offset int64, t slot) bool {
			v := l.slots.value(t, offset)
			rec, ok := c.f.recs.find(l.index, v)
			if ok && t.has(slotHas) && rec.has(recAcked) && !rec.has(recPolled) && !rec.has(recDup) && !told[v] &&
				!l.mayBeDeleted(offset, g.op) && !c.f.compactedAway(l, v, offset, g.op) {
				told[v] = true
				c.r.Add(c.gone(LostWrite, l, rec, offset, g.op, g.to, c.whyPassed))
			}
			return len(told) < maxSkipped
		})
	})
}

// gone makes the case of a record that is gone; witness is the entry that shows it.
func (c *loss) gone(kind Kind, l *logFacts, rec record, offset, witness, end int64, why func(*Case) string) Case {
	k := newCase(kind, l.key)
	k.Offset, k.Value = offset, rec.value
	k.Ops = [3]int64{rec.sentAt(), -1, witness}
	k.AllowedBy = cmp.Or(c.env.LossAllowed(), c.f.crashes.clause(l.key, rec.sentAt(), witness))
	k.A, k.B = rec.process(), end
	k.Why = why
	return k
}
