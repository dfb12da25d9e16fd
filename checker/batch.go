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
	if n < cap(b.ops) {
		b.ops = b.ops[:n+1]
	} else {
		b.ops = append(b.ops, histories.Op{})
	}
	c := &b.ops[n]
	c.Index, c.Time, c.Process, c.Type, c.F = op.Index, op.Time, op.Process, op.Type, op.F
	c.Seek, c.Isolation, c.Abort, c.Producer = op.Seek, op.Isolation, op.Abort, op.Producer
	b.mops = pooled(&c.Mops, b.mops, op.Mops)
	b.runs = pooled(&c.Runs, b.runs, op.Runs)
	b.recs = pooled(&c.Recs, b.recs, op.Recs)
	b.fetched = pooled(&c.Fetched, b.fetched, op.Fetched)
	b.bad = pooled(&c.Bad, b.bad, op.Bad)
	b.keys = pooled(&c.Keys, b.keys, op.Keys)
	b.offsets = pooled(&c.Offsets, b.offsets, op.Offsets)
	// The rest is rare. What is not there and was not there before is not written:
	// the garbage collector wants to hear of each pointer.
	if len(op.IDs)+len(c.IDs)+len(op.Rebalances)+len(c.Rebalances)+len(op.RecordKeys)+len(c.RecordKeys) > 0 {
		c.IDs, c.Rebalances, c.RecordKeys = slices.Clone(op.IDs), slices.Clone(op.Rebalances), slices.Clone(op.RecordKeys)
	}
	if c.Name != op.Name {
		c.Name = op.Name
	}
	if c.Group != op.Group {
		c.Group = op.Group
	}
	if c.Error != op.Error {
		c.Error = op.Error
	}
	if op.Event != nil {
		e := *op.Event // the rest of it is never overwritten by readers
		c.Event = &e
	} else if c.Event != nil {
		c.Event = nil
	}
}

// pooled appends src to pool, makes dst that part of it, and returns the pool.
// Where the pool has to grow, earlier copies keep the array that they are in.
func pooled[T any](dst *[]T, pool, src []T) []T {
	if len(src) == 0 {
		if len(*dst) > 0 {
			*dst = nil
		}
		return pool
	}
	n := len(pool)
	pool = append(pool, src...)
	*dst = pool[n:len(pool):len(pool)]
	return pool
}
