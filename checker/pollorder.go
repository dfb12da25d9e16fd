package checker

import (
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// pollOrder holds each consumer to the order of the log: it gets every record,
// once, in the order of the offsets, within a poll and from poll to poll, as
// long as it does not seek.
//
// As in Jepsen's checker, a poll that failed is compared with what the process
// read before but does not move its position: the client rewinds. Other than
// there, an empty poll does not erase the position, and where the client tells
// the position that it asked for, that counts as well: records between it and
// the first one returned were skipped. A client that begins anew because the
// broker said that its offset was out of range has been told so.
type pollOrder struct {
	iso   isolations
	env   *Env
	f     *Facts
	r     *Report
	procs processes[consumer]
	tick  int64 // counts operations
	over  map[Kind]int64
}

// consumer is one process's reading.
type consumer struct {
	reads  []reading
	seeked bool // the assignment under way says where to begin
	group  bool // its last assignment came by a subscription
}

// reading is how far a process has read a log.
type reading struct {
	log  *logFacts
	last mark // by ok polls, or where it was told to begin
	now  mark // within the operation under way
	inOp int64
	anew bool // the broker said that the position was out of range
}

// mark is the record that was read last.
type mark struct {
	known  bool
	record bool // false: only a position, the record after it is next
	offset int64
	value  int64
	op     int64
}

func newPollOrder(e *Env, r *Report) Pass {
	return &pollOrder{env: e, f: e.Facts, r: r, over: map[Kind]int64{}, iso: newIsolations(e)}
}

// Observe takes the next entry.
func (c *pollOrder) Observe(op *histories.Op) {
	c.iso.observe(op)
	if op.Process < 0 {
		return
	}
	switch op.F {
	case histories.Assign, histories.Subscribe:
		c.assign(op)
	case histories.Poll, histories.Txn:
		if op.Type != histories.Invoke {
			c.poll(op)
		}
	}
	if c.env.retires(op) {
		c.procs.drop(op.Process)
	}
}

// assign drops the positions of logs that are no longer assigned, and of all
// logs where the assignment says where to begin.
func (c *pollOrder) assign(op *histories.Op) {
	p := c.procs.at(op.Process)
	seek := op.Seek.To != histories.SeekResume
	switch op.Type {
	case histories.Invoke:
		p.seeked = seek || len(op.Offsets) > 0
		return
	case histories.Fail:
		return
	}
	p.group = op.F == histories.Subscribe
	seek = seek || p.seeked
	kept := p.reads[:0]
	for _, rd := range p.reads {
		if slices.Contains(op.Keys, rd.log.key) && !seek {
			kept = append(kept, rd)
		}
	}
	p.reads = kept
	for _, o := range op.Offsets {
		if o.Offset < 0 || !slices.Contains(op.Keys, o.Key) {
			continue
		}
		if rd := p.reading(c.f.log(o.Key)); !rd.last.known {
			rd.last = mark{known: true, offset: o.Offset - 1, op: op.Index}
		}
	}
}

func (p *consumer) reading(l *logFacts) *reading {
	for i := range p.reads {
		if p.reads[i].log == l {
			return &p.reads[i]
		}
	}
	p.reads = append(p.reads, reading{log: l})
	return &p.reads[len(p.reads)-1]
}

func (c *pollOrder) poll(op *histories.Op) {
	c.tick++
	p := c.procs.at(op.Process)
	for i := range op.Mops {
		m := &op.Mops[i]
		if m.Send {
			continue
		}
		for j := m.From; j < m.To; j++ {
			run := op.Runs[j]
			if run.From < run.To {
				c.run(op, p, run)
			}
		}
	}
	if wasOutOfRange(op) {
		for i := range p.reads {
			p.reads[i].anew = true
		}
	}
}

// run walks through what one poll returned of one log.
func (c *pollOrder) run(op *histories.Op, p *consumer, run histories.Run) {
	rd := p.reading(c.f.log(run.Key))
	prev, internal := rd.now, true
	if rd.inOp != c.tick {
		prev, internal = c.before(op, rd), false
		rd.inOp = c.tick
	}
	recs := op.Recs[run.From:run.To]
	for i := 0; i < len(recs); i++ {
		r := &recs[i]
		if prev.known && r.Offset == prev.offset+1 { // the common case: no gap up to here
			for i+1 < len(recs) && recs[i+1].Offset == recs[i].Offset+1 {
				i++
			}
			prev = mark{true, true, recs[i].Offset, recs[i].Value, op.Index}
			internal = true
			continue
		}
		offset := r.Offset
		if offset < 0 {
			offset = c.placeOf(rd.log, r.Value)
		}
		if prev.known && offset >= 0 && offset != prev.offset+1 {
			c.compare(op, p, rd.log, prev, mark{true, true, offset, r.Value, op.Index}, internal)
		}
		prev = mark{offset >= 0, true, offset, r.Value, op.Index}
		internal = true
	}
	rd.now = prev
	if op.Type == histories.OK && prev.known {
		rd.last = prev
	}
}

// before returns where the process stood when the operation began.
func (c *pollOrder) before(op *histories.Op, rd *reading) mark {
	last, anew := rd.last, rd.anew
	rd.anew = false
	for i := range op.Fetched {
		f := &op.Fetched[i]
		if f.Key != rd.log.key || f.Position < 0 {
			continue
		}
		if anew && last.known && f.Position > last.offset+1 { // it goes on at the log's start
			rd.log.begins(op.Index, f.Position)
		}
		if !last.known || anew && f.Position <= last.offset {
			return mark{known: true, offset: f.Position - 1, op: -1}
		}
		break
	}
	return last
}

// placeOf finds the offset of a record that was polled without one.
func (c *pollOrder) placeOf(l *logFacts, value int64) int64 {
	if rec, ok := c.f.recs.find(l.index, value); ok {
		return rec.offset()
	}
	return -1
}

// compare judges two neighbours that are not at consecutive offsets.
func (c *pollOrder) compare(op *histories.Op, p *consumer, l *logFacts, a, b mark, internal bool) {
	if b.offset > a.offset {
		c.passed(op, p, l, a, b, internal)
		return
	}
	if !a.record {
		return
	}
	k := newCase(NonmonotonicPoll, l.key)
	if internal {
		k.Kind = IntNonmonotonicPoll
	} else {
		k.AllowedBy = c.env.RebalanceAllowed(p.group)
		k.Ops[0] = a.op
	}
	k.Ops[1] = op.Index
	k.Offset, k.Value = b.offset, b.value
	k.From, k.To = b.offset, a.offset
	k.A, k.B = a.offset, op.Process
	k.Why = c.whyBack
	c.r.Add(k)
}

// passed notes the offsets between two neighbours.
func (c *pollOrder) passed(op *histories.Op, p *consumer, l *logFacts, a, b mark, internal bool) {
	kind := PollSkip
	if internal {
		kind = IntPollSkip
	}
	before := a.op
	if !a.record {
		before = -1
	}
	seen := gap{from: a.offset, to: b.offset, before: before, op: op.Index, process: op.Process, internal: internal, group: p.group, committed: c.iso.committed(op.Process)}
	at := l.gaps.add(&seen)
	t, known := l.slots.find(a.offset + 1)
	known = known && !l.compacted && !l.mayBeDeleted(a.offset+1, op.Index) && c.missed(&seen, l, a.offset+1, t)
	switch {
	case at < 0:
		if known {
			c.r.live.sees(kind, 1, c.env.RebalanceAllowed(p.group))
			c.over[kind]++
		}
	case known:
		l.gaps.at(at).noticed = true
		c.r.live.sees(kind, 1, c.env.RebalanceAllowed(p.group))
	}
}

// Finish looks into every gap for a record.
func (c *pollOrder) Finish() {
	for _, l := range c.f.logs {
		l.gaps.each(func(g *gap) { c.judge(l, g) })
	}
	for kind, n := range c.over {
		c.r.beyond[kind] += n
	}
}

func (c *pollOrder) judge(l *logFacts, g *gap) {
	skipped, first := int64(0), int64(-1)
	l.slots.between(l.pages, g.from+1, g.to-1, func(offset int64, t slot) bool {
		if l.mayBeDeleted(offset, g.op) || !c.missed(g, l, offset, t) {
			return true
		}
		if first < 0 {
			first = offset
		}
		skipped++
		return skipped < maxSkipped
	})
	if skipped == 0 {
		return
	}
	k := newCase(PollSkip, l.key)
	k.Why = c.whySkip
	if g.internal {
		k.Kind = IntPollSkip
	} else {
		k.AllowedBy = c.env.RebalanceAllowed(g.group)
		k.Ops[0] = g.before
	}
	t, _ := l.slots.find(first)
	k.Ops[1] = g.op
	k.Offset, k.Value = first, l.slots.value(t, first)
	k.From, k.To = g.from+1, g.to-1
	k.N, k.A, k.B = g.n, g.process, skipped
	if g.noticed {
		c.r.file(k)
	} else {
		c.r.Add(k)
	}
}

// missed tells whether the reader should have been given what stands at an
// offset. Whoever reads committed records only is not given those of
// transactions that were aborted, or may have been, and compaction may have
// removed what stands in a compacted log.
func (c *pollOrder) missed(g *gap, l *logFacts, offset int64, t slot) bool {
	if t.has(slotHas) && c.f.compactedAway(l, l.slots.value(t, offset), offset, g.op) {
		return false
	}
	if !t.has(slotHas) || !g.committed {
		return t.has(slotHas)
	}
	rec, ok := c.f.recs.find(l.index, l.slots.value(t, offset))
	return !ok || !rec.has(recTxn) || rec.has(recAcked|recProven|recCommittedRead)
}

// maxSkipped bounds the counting of the records in one gap.
const maxSkipped = 10_000

func (c *pollOrder) whyBack(k *Case) string {
	s := fmt.Sprintf("Process %d polled offset %d of %s%s", k.B, k.Offset, c.env.logName(k.Log), c.f.entryText(k.Ops[1]))
	if k.Kind == IntNonmonotonicPoll {
		return s + fmt.Sprintf(" right after offset %d in the same poll: a poll returns a log in the order of its offsets, each record once.", k.A)
	}
	return s + fmt.Sprintf(" after it had polled offset %d%s, without a seek in between: a consumer never goes back by itself.", k.A, c.f.entryText(k.Ops[0]))
}

func (c *pollOrder) whySkip(k *Case) string {
	name := c.env.logName(k.Log)
	begin := fmt.Sprintf("after offset %d", k.From-1)
	switch {
	case k.Kind == IntPollSkip:
		begin += " in the same poll"
	case k.Ops[0] >= 0:
		begin += " (polled before" + c.f.entryText(k.Ops[0]) + ")"
	default:
		begin = fmt.Sprintf("when it asked for offset %d", k.From)
	}
	more := ""
	if k.B > 1 {
		more = fmt.Sprintf(" and %d more", k.B-1)
	}
	return fmt.Sprintf("Process %d got offset %d of %s%s as the next record %s and so never got record %d at offset %d%s, which is in the log: a consumer gets every record unless it seeks.",
		k.A, k.To+1, name, c.f.entryText(k.Ops[1]), begin, k.Value, k.Offset, more)
}
