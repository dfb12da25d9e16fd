package page

import (
	"math/bits"
	"time"
)

const (
	// firstWidth is a bucket's width in runs of less than maxBuckets of them.
	firstWidth = 50 * time.Millisecond
	// maxBuckets is how many points of time are drawn at most. A run that
	// outgrows them gets buckets twice as wide, so that a page of hours is as
	// large as one of a minute.
	maxBuckets = 1 << 10
)

// clock finds the bucket of a time.
type clock struct {
	width time.Duration
	n     int // buckets in use
}

// at returns the bucket of a time, and how many times the buckets have to be
// joined in pairs before it is one of them.
func (c *clock) at(t time.Duration) (i, joins int) {
	if c.width == 0 {
		c.width = firstWidth
	}
	for t/c.width >= maxBuckets {
		c.width *= 2
		c.n = (c.n + 1) / 2
		joins++
	}
	i = int(t / c.width)
	c.n = max(c.n, i+1)
	return i, joins
}

// tally is what completed in a bucket of time.
type tally struct {
	ok, fail, info int64 // operations
	acked, read    int64 // records
}

func (t *tally) join(o tally) {
	t.ok, t.fail, t.info = t.ok+o.ok, t.fail+o.fail, t.info+o.info
	t.acked, t.read = t.acked+o.acked, t.read+o.read
}

// latencies counts durations in cells of a sixteenth of their size, from a
// microsecond to a quarter of an hour.
type latencies struct {
	n    uint32
	max  time.Duration
	cell [cells]uint32
}

const (
	cells    = 30 * 16
	shortest = 10 // durations below 2^10 ns count as such
)

func (l *latencies) add(d time.Duration) {
	l.n++
	l.max = max(l.max, d)
	l.cell[cellOf(d)]++
}

// cellOf is the cell of a duration.
func cellOf(d time.Duration) int {
	if d < 1<<shortest {
		return 0
	}
	octave := bits.Len64(uint64(d)) - 1
	i := (octave-shortest)*16 + int(uint64(d)>>(octave-4))&15
	return min(i, cells-1)
}

// middleOf is the duration in the middle of a cell.
func middleOf(i int) time.Duration {
	octave := i/16 + shortest
	return time.Duration(1)<<octave + time.Duration(2*(i%16)+1)<<(octave-5)
}

func (l *latencies) join(o *latencies) {
	l.n += o.n
	l.max = max(l.max, o.max)
	for i := range l.cell {
		l.cell[i] += o.cell[i]
	}
}

// quantiles returns the durations below which these shares of all lie, to 3 %;
// the shares must ascend.
func (l *latencies) quantiles(shares []float64, out []time.Duration) {
	seen, cell := uint32(0), -1
	for k, q := range shares {
		rank := uint32(q * float64(l.n))
		for cell < 0 || seen <= rank && cell < cells-1 {
			cell++
			seen += l.cell[cell]
		}
		out[k] = min(middleOf(cell), l.max)
	}
}
