package checker

import (
	"encoding/binary"

	"github.com/ackproof/ackproof/histories"
)

// tape keeps the completions of a history in a few bytes each, so that they can
// be gone through again once the facts are complete. What a poll returned stands
// there as ranges of offsets where the values are those of the facts.
type tape struct {
	chunks []tapeChunk
	next   []int64 // by log: the offset behind the last one written, to count from
	last   []int64 // by log: the value written last

	entries, runs int // how many there are; a run is of one log

	op tapeOp // the entry under way
}

// tapeChunk is a stretch of whole entries. In chunks a tape grows without
// being copied, and goes away piece by piece.
type tapeChunk struct {
	b []byte
	n int
}

// tapeChunkLen is where a chunk ends, in bytes.
const tapeChunkLen = 64 << 10

// tapeOp is an entry of the tape; its slices are lent.
type tapeOp struct {
	process  int64
	typ      histories.Type
	assign   bool
	assigned []int // assign: the logs
	since    int64 // ok completions since its invocation
	moved    []int // logs in its rebalance log
	sends    []tapeSend
	pieces   []piece
}

type tapeSend struct {
	log   int
	value int64
}

// piece is part of what polls returned of one log, in order: the records of the
// facts at the n offsets from from on, as far as they hold any; or, where alone is set, one value at an offset
// (-1: unknown) where the facts have another; n is 0 for an empty list.
type piece struct {
	log   int32
	alone bool
	from  int64 // alone: the offset
	n, v  int64
}

// Kinds of entries.
const (
	tapeTypeMask = 3
	tapeAssign   = 1 << 2
	tapeMoved    = 1 << 3
	tapeHasSends = 1 << 4
	tapeHasRuns  = 1 << 5
)

func (c *tapeChunk) uint(v uint64) { c.b = binary.AppendUvarint(c.b, v) }
func (c *tapeChunk) int(v int64)   { c.b = binary.AppendVarint(c.b, v) }

func (c *tapeChunk) logs(logs []int) {
	c.uint(uint64(len(logs)))
	for _, log := range logs {
		c.uint(uint64(log))
	}
}

// grow makes room for a log.
func (t *tape) grow(log int) {
	for len(t.next) <= log {
		t.next, t.last = append(t.next, 0), append(t.last, 0)
	}
}

// assigned writes what a consumer was given to read.
func (t *tape) assigned(f *Facts, op *histories.Op) {
	e := &t.op
	e.typ, e.process, e.assign = op.Type, op.Process, true
	e.assigned = e.assigned[:0]
	for _, k := range op.Keys {
		e.assigned = append(e.assigned, f.log(k).index)
	}
	t.write(e)
}

// completed writes a completion, what it polled only where polls says so; the
// facts have observed it.
func (t *tape) completed(f *Facts, op *histories.Op, since int64, polls bool) {
	e := &t.op
	e.typ, e.process, e.assign, e.since = op.Type, op.Process, false, since
	e.moved, e.sends, e.pieces = e.moved[:0], e.sends[:0], e.pieces[:0]
	for _, r := range op.Rebalances {
		for _, k := range r.Keys {
			e.moved = append(e.moved, f.log(k).index)
		}
	}
	for i := range op.Mops {
		m := &op.Mops[i]
		if m.Send {
			e.sends = append(e.sends, tapeSend{f.log(m.Key).index, m.Value})
			continue
		}
		for j := m.From; j < m.To && polls; j++ {
			run := op.Runs[j]
			e.cut(f.log(run.Key), op.Recs[run.From:run.To])
		}
	}
	t.write(e)
}

// write appends an entry.
func (t *tape) write(e *tapeOp) {
	if n := len(t.chunks); n == 0 || len(t.chunks[n-1].b) >= tapeChunkLen {
		t.chunks = append(t.chunks, tapeChunk{b: make([]byte, 0, tapeChunkLen+tapeChunkLen/8)})
	}
	c := &t.chunks[len(t.chunks)-1]
	c.n++
	t.entries++
	kind := uint64(e.typ)
	if e.assign {
		c.uint(kind | tapeAssign)
		c.int(e.process)
		c.logs(e.assigned)
		return
	}
	if len(e.moved) > 0 {
		kind |= tapeMoved
	}
	if len(e.sends) > 0 {
		kind |= tapeHasSends
	}
	if len(e.pieces) > 0 {
		kind |= tapeHasRuns
	}
	c.uint(kind)
	c.int(e.process)
	c.uint(uint64(e.since))
	if len(e.moved) > 0 {
		c.logs(e.moved)
	}
	if len(e.sends) > 0 {
		c.uint(uint64(len(e.sends)))
	}
	for _, s := range e.sends {
		t.grow(s.log)
		c.uint(uint64(s.log))
		c.int(s.value - t.last[s.log])
		t.last[s.log] = s.value
	}
	if len(e.pieces) > 0 {
		c.uint(uint64(len(e.pieces)))
	}
	for i := range e.pieces {
		t.piece(c, &e.pieces[i])
		if i == 0 || e.pieces[i].log != e.pieces[i-1].log {
			t.runs++
		}
	}
}

func (t *tape) piece(c *tapeChunk, p *piece) {
	t.grow(int(p.log))
	if p.alone {
		c.uint(uint64(p.log)<<1 | 1)
		c.int(p.from - t.next[p.log])
		c.int(p.v)
		return
	}
	c.uint(uint64(p.log) << 1)
	c.uint(uint64(p.n))
	c.int(p.from - t.next[p.log])
	t.next[p.log] = p.from + p.n
}

// before tells whether another piece goes on behind this one.
func (p *piece) before(q *piece) bool {
	return p.log == q.log && !p.alone && !q.alone && p.n > 0 && q.n > 0 && p.from+p.n <= q.from
}

// cut appends the pieces of what one poll returned of a log.
func (e *tapeOp) cut(l *logFacts, recs []histories.Rec) {
	log := int32(l.index)
	if len(recs) == 0 {
		e.pieces = append(e.pieces, piece{log: log})
		return
	}
	var page *slotPage
	no := int64(-1)
	next := int64(-1) // what would prolong the last piece
	for i := range recs {
		r := &recs[i]
		if r.Offset < 0 {
			e.pieces = append(e.pieces, piece{log: log, alone: true, from: -1, v: r.Value})
			next = -1
			continue
		}
		if r.Offset>>pageBits != no {
			no = r.Offset >> pageBits
			page = l.slots.pages.get(no)
		}
		if s := (slot{page, int(r.Offset & pageMask)}); page == nil || !s.has(slotHas) || l.slots.value(s, r.Offset) != r.Value {
			e.pieces = append(e.pieces, piece{log: log, alone: true, from: r.Offset, v: r.Value})
			next = -1
			continue
		}
		if r.Offset == next {
			e.pieces[len(e.pieces)-1].n++
		} else {
			e.pieces = append(e.pieces, piece{log: log, from: r.Offset, n: 1})
		}
		next = r.Offset + 1
	}
}

// play calls f with every entry, in order. The facts are complete now: pieces with
// nothing between them become one, because where each transaction leaves a marker
// every record of a poll was a piece of its own.
func (t *tape) play(facts *Facts, f func(*tapeOp)) { t.each(facts, false, f) }

// finally is play for the last time: what was played is let go.
func (t *tape) finally(facts *Facts, f func(*tapeOp)) {
	t.each(facts, true, f)
	*t = tape{}
}

func (t *tape) each(facts *Facts, consume bool, f func(*tapeOp)) {
	p := player{}
	next, last := make([]int64, len(t.next)), make([]int64, len(t.last))
	for i := range t.chunks {
		p.b = t.chunks[i].b
		for range t.chunks[i].n {
			p.entry(next, last)
			p.op.merge(facts)
			f(&p.op)
		}
		if consume {
			t.chunks[i] = tapeChunk{}
		}
	}
}

// merge makes one piece of those with nothing between them.
func (e *tapeOp) merge(f *Facts) {
	if len(e.pieces) < 2 {
		return
	}
	kept := e.pieces[:1]
	for i := 1; i < len(e.pieces); i++ {
		p, last := &e.pieces[i], &kept[len(kept)-1]
		if last.before(p) && !f.logs[p.log].holds(last.from+last.n, p.from-1) {
			last.n = p.from + p.n - last.from
			continue
		}
		kept = append(kept, *p)
	}
	e.pieces = kept
}

// player reads a tape.
type player struct {
	b  []byte
	op tapeOp
}

func (p *player) uint() uint64 {
	v, n := binary.Uvarint(p.b)
	p.b = p.b[n:]
	return v
}

func (p *player) int() int64 {
	v, n := binary.Varint(p.b)
	p.b = p.b[n:]
	return v
}

func (p *player) logs(into []int) []int {
	into = into[:0]
	for range p.uint() {
		into = append(into, int(p.uint()))
	}
	return into
}

func (p *player) entry(next, last []int64) {
	op := &p.op
	kind := p.uint()
	op.typ, op.assign = histories.Type(kind&tapeTypeMask), kind&tapeAssign != 0
	op.process = p.int()
	op.sends, op.pieces, op.moved = op.sends[:0], op.pieces[:0], op.moved[:0]
	if op.assign {
		op.assigned = p.logs(op.assigned)
		return
	}
	op.since = int64(p.uint())
	if kind&tapeMoved != 0 {
		op.moved = p.logs(op.moved)
	}
	if kind&tapeHasSends != 0 {
		for range p.uint() {
			log := int(p.uint())
			last[log] += p.int()
			op.sends = append(op.sends, tapeSend{log, last[log]})
		}
	}
	if kind&tapeHasRuns == 0 {
		return
	}
	for range p.uint() {
		k := p.uint()
		log := int(k >> 1)
		if k&1 != 0 {
			offset := p.int() + next[log]
			op.pieces = append(op.pieces, piece{log: int32(log), alone: true, from: offset, v: p.int()})
			continue
		}
		n := int64(p.uint())
		from := p.int() + next[log]
		next[log] = from + n
		op.pieces = append(op.pieces, piece{log: int32(log), from: from, n: n})
	}
}
