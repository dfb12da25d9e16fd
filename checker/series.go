package checker

import (
	"math/bits"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// series counts completions over time, in buckets that double their width when
// the run outgrows them, so that its memory does not depend on the run's length.
type series struct {
	width   time.Duration
	buckets []bucket
}

type bucket struct {
	Outcomes
	acked int64
}

const (
	firstWidth = 50 * time.Millisecond
	maxBuckets = 1 << 13
)

func (s *series) add(at time.Duration, t histories.Type, acked int64) {
	if at < 0 {
		return
	}
	if s.width == 0 {
		s.width = firstWidth
	}
	for at/s.width >= maxBuckets {
		s.halve()
	}
	i := int(at / s.width)
	for len(s.buckets) <= i {
		s.buckets = append(s.buckets, bucket{})
	}
	s.buckets[i].count(t, 1)
	s.buckets[i].acked += acked
}

// halve joins neighbours.
func (s *series) halve() {
	n := (len(s.buckets) + 1) / 2
	for i := range n {
		b := s.buckets[2*i]
		if 2*i+1 < len(s.buckets) {
			c := s.buckets[2*i+1]
			b.OK, b.Fail, b.Info, b.acked = b.OK+c.OK, b.Fail+c.Fail, b.Info+c.Info, b.acked+c.acked
		}
		s.buckets[i] = b
	}
	s.buckets, s.width = s.buckets[:n], 2*s.width
}

// sum counts what completed between two times (ns), to the width of a bucket.
func (s *series) sum(begin, end int64) SpanStats {
	out := SpanStats{Begin: begin, End: end}
	if s.width == 0 {
		return out
	}
	for i := begin / int64(s.width); i < int64(len(s.buckets)) && i*int64(s.width) < end; i++ {
		b := &s.buckets[i]
		out.OK, out.Fail, out.Info, out.Acked = out.OK+b.OK, out.Fail+b.Fail, out.Info+b.Info, out.Acked+b.acked
	}
	return out.rated()
}

// histogram counts durations in buckets of a sixteenth of their size.
type histogram struct {
	n     int64
	max   time.Duration
	count [64 * 16]int64
}

func (h *histogram) add(d time.Duration) {
	if d < 0 {
		return
	}
	h.n++
	h.max = max(h.max, d)
	h.count[bucketOf(uint64(d))]++
}

func bucketOf(d uint64) int {
	if d < 16 {
		return int(d)
	}
	shift := bits.Len64(d) - 5
	return (shift+1)*16 + int(d>>shift)&15
}

// floorOf is the smallest duration of a bucket.
func floorOf(b int) uint64 {
	if b < 16 {
		return uint64(b)
	}
	return uint64(16+b&15) << (b/16 - 1)
}

// quantile returns a quantile in milliseconds, to 6 %.
func (h *histogram) quantile(q float64) float64 {
	left := int64(q * float64(h.n))
	for b, n := range h.count {
		if left -= n; left < 0 {
			return float64(floorOf(b)) / 1e6
		}
	}
	return 0
}
