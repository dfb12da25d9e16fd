package checker

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

func TestHistogramBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Uint64Range(0, math.MaxInt64).Draw(t, "duration")
		low := floorOf(bucketOf(d))
		if low > d || float64(d-low) > float64(d)/16 {
			t.Fatalf("%d falls into a bucket that begins at %d", d, low)
		}
	})
	if bucketOf(math.MaxInt64) >= len(histogram{}.count) {
		t.Fatal("the longest duration has no bucket")
	}
}

// TestSeriesGrowsByWidth: a long run is counted in the same memory, and
// nothing is lost when buckets are joined.
func TestSeriesGrowsByWidth(t *testing.T) {
	var s series
	const n = 100_000
	for i := range n {
		s.add(time.Duration(i)*time.Second, histories.OK, 2)
	}
	if len(s.buckets) > maxBuckets {
		t.Fatalf("%d buckets, want at most %d", len(s.buckets), maxBuckets)
	}
	if got := s.sum(0, math.MaxInt64/2); got.OK != n || got.Acked != 2*n {
		t.Fatalf("counted %d operations and %d records, want %d and %d", got.OK, got.Acked, n, 2*n)
	}
}

func TestStatsCountWhatHappened(t *testing.T) {
	h := histtest.Valid(histtest.Options{Seed: 3, Ops: 3000})
	v := judge(h, Options{})
	var s Stats
	if err := json.Unmarshal(v.Stats, &s); err != nil {
		t.Fatal(err)
	}
	var byF, byPhase, ops int64
	for _, o := range s.Ops {
		byF += o.OK + o.Fail + o.Info
		if o.P50 > o.P99 || o.P99 > o.Max*1.01 || o.Max == 0 {
			t.Errorf("%s: latency %+v", o.F, o)
		}
	}
	for _, p := range s.Phases {
		byPhase += p.OK + p.Fail + p.Info
	}
	for i := range h.Ops {
		if h.Ops[i].Process >= 0 && h.Ops[i].Type != histories.Invoke {
			ops++
		}
	}
	if byF != ops || byPhase != ops || v.Judged.Ops != ops {
		t.Fatalf("%d operations completed; by name %d, by phase %d, judged %d", ops, byF, byPhase, v.Judged.Ops)
	}
	if len(s.Faults) != len(v.Faults) || len(v.Faults) == 0 {
		t.Fatalf("%d faults counted, %d judged", len(s.Faults), len(v.Faults))
	}
	for _, f := range s.Faults {
		if f.During.OK == 0 || f.After.OK == 0 || f.Before.OK == 0 {
			t.Errorf("fault %d: nothing before, during or after it: %+v", f.ID, f)
		}
	}
}
