package checker

import (
	"encoding/binary"

	"github.com/ackproof/ackproof/histories"
)

// tape keeps the completions of a history in a few bytes each, so that they can
// be gone through again once the facts are complete. What a poll returned stands
// there as ranges of offsets where the values are those of the facts.
type tape struct {
	b    []byte
	next []int64 // by log: the offset behind the last one written, to count from
	last []int64 // by log: the value written last
	n    int     // entries

	pieces []piece // of the entry under way
}

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
// facts at n consecutive offsets; or, where alone is set, one value at an offset
// (-1: unknown) where the facts have another; n is 0 for an empty list.
type piece struct {
	log       int
	from, n   int64
	alone     bool
	offset, v int64
}

// Kinds of entries.
const (
	tapeTypeMask = 3
	tapeAssign   = 1 << 2
	tapeMoved    = 1 << 3
	tapeHasSends = 1 << 4
	tapeHasRuns  = 1 << 5
)

func (t *tape) uint(v uint64) { t.b = binary.AppendUvarint(t.b, v) }
func (t *tape) int(v int64)   { t.b = binary.AppendVarint(t.b, v) }

// grow makes room for a log.
func (t *tape) grow(log int) {
	for len(t.next) <= log {
		t.next, t.last = append(t.next, 0), append(t.last, 0)
	}
}

func (t *tape) assigned(f *Facts, op *histories.Op) {
	t.n++
	t.uint(uint64(op.Type) | tapeAssign)
	t.int(op.Process)
	t.uint(uint64(len(op.Keys)))
	for _, k := range op.Keys {
		t.uint(uint64(f.log(k).index))
	}
}

// completed writes a completion; the facts have observed it.
func (t *tape) completed(f *Facts, op *histories.Op, since int64) {
	t.n++
	kind := uint64(op.Type)
	sends := 0
	for i := range op.Mops {
		if op.Mops[i].Send {
			sends++
		}
	}
	if sends > 0 {
		kind |= tapeHasSends
	}
	if len(op.Runs) > 0 {
		kind |= tapeHasRuns
	}
	if len(op.Rebalances) > 0 {
		kind |= tapeMoved
	}
	t.uint(kind)
	t.int(op.Process)
	t.uint(uint64(since))
	if len(op.Rebalances) > 0 {
		t.rebalances(f, op)
	}
	if sends > 0 {
		t.uint(uint64(sends))
		for i := range op.Mops {
			if m := &op.Mops[i]; m.Send {
				log := f.log(m.Key).index
				t.grow(log)
				t.uint(uint64(log))
				t.int(m.Value - t.last[log])
				t.last[log] = m.Value
			}
		}
	}
	if len(op.Runs) > 0 {
		t.runs(f, op)
	}
}

func (t *tape) rebalances(f *Facts, op *histories.Op) {
	n := 0
	for _, r := range op.Rebalances {
		n += len(r.Keys)
	}
	t.uint(uint64(n))
	for _, r := range op.Rebalances {
		for _, k := range r.Keys {
			t.uint(uint64(f.log(k).index))
		}
	}
}

// runs writes what the polls returned, piece by piece.
func (t *tape) runs(f *Facts, op *histories.Op) {
	t.pieces = t.pieces[:0]
	for i := range op.Mops {
		m := &op.Mops[i]
		for j := m.From; j < m.To && !m.Send; j++ {
			run := op.Runs[j]
			t.cut(f.log(run.Key), op.Recs[run.From:run.To])
		}
	}
	t.uint(uint64(len(t.pieces)))
	for _, p := range t.pieces {
		t.grow(p.log)
		if p.alone {
			t.uint(uint64(p.log)<<1 | 1)
			t.int(p.offset - t.next[p.log])
			t.int(p.v)
			continue
		}
		t.uint(uint64(p.log) << 1)
		t.uint(uint64(p.n))
		t.int(p.from - t.next[p.log])
		t.next[p.log] = p.from + p.n
	}
}

// cut appends the pieces of what one poll returned of a log.
func (t *tape) cut(l *logFacts, recs []histories.Rec) {
	if len(recs) == 0 {
		t.pieces = append(t.pieces, piece{log: l.index, from: 0})
		return
	}
	for i := range recs {
		r := &recs[i]
		if r.Offset < 0 {
			t.pieces = append(t.pieces, piece{log: l.index, alone: true, offset: -1, v: r.Value})
			continue
		}
		s, ok := l.slots.find(r.Offset)
		if !ok || !s.has(slotHas) || l.slots.value(s, r.Offset) != r.Value {
			t.pieces = append(t.pieces, piece{log: l.index, alone: true, offset: r.Offset, v: r.Value})
			continue
		}
		if n := len(t.pieces); i > 0 && n > 0 && !t.pieces[n-1].alone && t.pieces[n-1].from+t.pieces[n-1].n == r.Offset {
			t.pieces[n-1].n++
			continue
		}
		t.pieces = append(t.pieces, piece{log: l.index, from: r.Offset, n: 1})
	}
}

// play calls f with every entry, in order.
func (t *tape) play(f func(*tapeOp)) {
	p := player{b: t.b}
	next, last := make([]int64, len(t.next)), make([]int64, len(t.last))
	for range t.n {
		p.entry(next, last)
		f(&p.op)
	}
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
			op.pieces = append(op.pieces, piece{log: log, alone: true, offset: offset, v: p.int()})
			continue
		}
		n := int64(p.uint())
		from := p.int() + next[log]
		next[log] = from + n
		op.pieces = append(op.pieces, piece{log: log, from: from, n: n})
	}
}
