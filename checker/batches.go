package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// batches holds the broker to appending a record batch whole, at consecutive
// offsets. Only sends of which the contract says that each is one batch in one
// request (attempts=single) can tell: other clients may cut them up.
//
// A batch whose records were acknowledged or read with others in between was
// torn. So was one of unknown outcome of which the final reads return a part:
// it was appended, or it was not. An acknowledged batch of which a part is gone
// is told by what became of those records.
type batches struct {
	env     *Env
	f       *Facts
	r       *Report
	final   finalReads
	unknown []sentBatch
	values  []int64 // of unknown
}

// sentBatch is a send whose records have to be compared with the polls:
// batches.values[from:to].
type sentBatch struct {
	log         *logFacts
	from, to    int32
	op, process int64
}

func newBatches(e *Env, r *Report) Pass {
	return &batches{env: e, f: e.Facts, r: r, final: newFinalReads()}
}

// Observe takes the next entry.
func (c *batches) Observe(op *histories.Op) {
	if c.env.Contract.Attempts != "single" {
		return
	}
	c.final.observe(op)
	if op.Process < 0 || op.F != histories.Send || len(op.Mops) < 2 {
		return
	}
	switch op.Type {
	case histories.OK:
		c.acknowledged(op)
	case histories.Info:
		c.keep(op)
	}
}

func (c *batches) acknowledged(op *histories.Op) {
	apart := 0 // the first record behind a gap
	for i := 1; i < len(op.Mops); i++ {
		a, b := &op.Mops[i-1], &op.Mops[i]
		switch {
		case a.Key != b.Key || a.Offset < 0 || b.Offset <= a.Offset:
			return // out of order, which is another matter
		case b.Offset > a.Offset+1 && apart == 0:
			apart = i
		}
	}
	if apart > 0 {
		a, b := &op.Mops[apart-1], &op.Mops[apart]
		c.torn(c.f.log(b.Key), b.Value, a.Value, b.Offset, a.Offset, op.Process, [3]int64{op.Index, -1, -1})
	}
}

// keep remembers a batch of unknown outcome.
func (c *batches) keep(op *histories.Op) {
	if len(c.unknown) >= maxCases {
		return
	}
	from := int32(len(c.values))
	for i := range op.Mops {
		if op.Mops[i].Key != op.Mops[0].Key {
			c.values = c.values[:from]
			return // not one batch
		}
		c.values = append(c.values, op.Mops[i].Value)
	}
	c.unknown = append(c.unknown, sentBatch{c.f.log(op.Mops[0].Key), from, int32(len(c.values)), op.Index, op.Process})
}

// Finish looks at what was read of the batches of unknown outcome.
func (c *batches) Finish() {
	for _, b := range c.unknown {
		c.judge(b, c.values[b.from:b.to])
	}
}

func (c *batches) judge(b sentBatch, values []int64) {
	complete := c.final.ended && c.final.logs[b.log.key].complete() && !b.log.compacted && b.log.topic < 0
	last, seen := -1, 0 // the record seen last
	stands := false     // the final reads return a part
	var prev record
	if !c.ordered(b.log, values) {
		return
	}
	for i, v := range values {
		rec, ok := c.f.recs.find(b.log.index, v)
		if !ok || !rec.has(recPolled) || !rec.has(recPlaced) {
			continue
		}
		apart := int64(i - last)
		if seen > 0 && rec.offset() > prev.offset()+apart {
			c.torn(b.log, v, prev.value, rec.offset(), prev.offset(), b.process, [3]int64{b.op, prev.readAt(), rec.readAt()})
			return
		}
		prev, last = rec, i
		seen++
		stands = stands || rec.has(recFinal)
	}
	if !complete || !stands || seen == len(values) {
		return
	}
	for i, v := range values {
		rec, ok := c.f.recs.find(b.log.index, v)
		if ok && rec.has(recPolled) {
			continue
		}
		offset := prev.offset() + int64(i-last) // where it would stand
		if offset >= 0 && b.log.mayBeDeleted(offset, int64(1)<<62) {
			return // what is missing was deleted
		}
		if prev.offset()-int64(last) >= c.final.logs[b.log.key].end {
			return // all of it landed behind what was to be read
		}
		k := newCase(TornBatch, b.log.key)
		k.Value, k.Offset = v, max(offset, -1)
		if t, ok := b.log.slots.find(k.Offset); ok && t.has(slotHas) {
			k.Offset = -1 // somebody else's place
		}
		k.Others = []int64{prev.value}
		k.Ops = [3]int64{b.op, prev.readAt(), c.final.logs[b.log.key].lastOp}
		k.A, k.B = b.process, int64(len(values)-seen)
		k.Why = func(k *Case) string { return c.whyPart(k, len(values)) }
		c.r.Add(k)
		return
	}
}

// ordered tells whether the records that were read keep the batch's order.
// Where they do not, that is another matter.
func (c *batches) ordered(l *logFacts, values []int64) bool {
	last := int64(-1)
	for _, v := range values {
		if rec, ok := c.f.recs.find(l.index, v); ok && rec.has(recPolled) && rec.has(recPlaced) {
			if rec.has(recDup) || rec.offset() <= last {
				return false
			}
			last = rec.offset()
		}
	}
	return true
}

func (c *batches) torn(l *logFacts, value, before, offset, was, process int64, ops [3]int64) {
	k := newCase(TornBatch, l.key)
	k.Value, k.Offset, k.Others = value, offset, []int64{before}
	k.Ops = ops
	k.A, k.B = process, was
	k.Why = c.whyApart
	c.r.Add(k)
}

func (c *batches) whyApart(k *Case) string {
	return fmt.Sprintf("Process %d sent records %d and %d to %s in one batch%s, but they stand at offsets %d and %d: the records of a batch have consecutive offsets.",
		k.A, k.Others[0], k.Value, c.env.logName(k.Log), c.f.entryText(k.Ops[0]), k.B, k.Offset)
}

func (c *batches) whyPart(k *Case, n int) string {
	return fmt.Sprintf("Process %d sent %d records to %s in one batch%s without learning its outcome. Record %d of it was read%s, but %d others, first record %d, are not there when the log is read to its end%s: a batch is appended whole or not at all.",
		k.A, n, c.env.logName(k.Log), c.f.entryText(k.Ops[0]), k.Others[0], c.f.entryText(k.Ops[1]), k.B, k.Value, c.f.entryText(k.Ops[2]))
}
