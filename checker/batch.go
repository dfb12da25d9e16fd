package checker

import (
	"slices"
	"sync/atomic"

	"github.com/ackproof/ackproof/histories"
)

// The sizes of a batch: enough that handing it over costs nothing by the
// entry, and bounded in records, because a poll may return many.
const (
	batchOps  = 512
	batchRecs = 1 << 14
)

// batch is a copy of entries that several passes read at the same time. The
// entries share its arrays, so that a batch that is used again needs no memory.
type batch struct {
	ops     []histories.Op
	mops    []histories.Mop
	runs    []histories.Run
	recs    []histories.Rec
	fetched []histories.Fetched
	bad     []histories.BadRec
	keys    []int64
	offsets []histories.KeyOffset
	readers atomic.Int32 // lanes that have not read it yet
}

func (b *batch) full() bool { return len(b.ops) >= batchOps || len(b.recs) >= batchRecs }

func (b *batch) reset() {
	b.ops, b.mops, b.runs, b.recs = b.ops[:0], b.mops[:0], b.runs[:0], b.recs[:0]
	b.fetched, b.bad, b.keys, b.offsets = b.fetched[:0], b.bad[:0], b.keys[:0], b.offsets[:0]
}

// add copies an entry that was lent.
func (b *batch) add(op *histories.Op) {
	n := len(b.ops)
	b.ops = append(b.ops, *op)
	c := &b.ops[n]
	c.Mops, b.mops = copied(b.mops, op.Mops)
	c.Runs, b.runs = copied(b.runs, op.Runs)
	c.Recs, b.recs = copied(b.recs, op.Recs)
	c.Fetched, b.fetched = copied(b.fetched, op.Fetched)
	c.Bad, b.bad = copied(b.bad, op.Bad)
	c.Keys, b.keys = copied(b.keys, op.Keys)
	c.Offsets, b.offsets = copied(b.offsets, op.Offsets)
	c.IDs = slices.Clone(op.IDs) // rare, as rebalances are
	c.Rebalances = slices.Clone(op.Rebalances)
	c.RecordKeys = slices.Clone(op.RecordKeys)
	if op.Event != nil {
		e := *op.Event // rare; the rest of it is never overwritten by readers
		c.Event = &e
	}
}

// copied appends src to pool and returns the copy, and the pool. Where the
// pool has to grow, earlier copies keep the array that they are in.
func copied[T any](pool, src []T) (dst, grown []T) {
	if len(src) == 0 {
		return nil, pool
	}
	n := len(pool)
	pool = append(pool, src...)
	return pool[n:len(pool):len(pool)], pool
}
