package page

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
)

// However long a run is, its buckets are few, and nothing is lost when they are
// joined.
func TestBucketsKeepEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewGather(histories.Header{})
		n := rapid.IntRange(1, 300).Draw(t, "operations")
		longest := time.Duration(rapid.Int64Range(1, int64(100*time.Hour)).Draw(t, "length"))
		var times []time.Duration
		for range n {
			times = append(times, time.Duration(rapid.Int64Range(0, int64(longest)).Draw(t, "time")))
		}
		slices.Sort(times)
		for i, at := range times {
			op := histories.Op{Index: int64(2 * i), Process: int64(i), F: histories.Send, Time: at}
			op.AddSend(int64(i%3), int64(i))
			g.Observe(&op)
			op.Type, op.Index = histories.OK, op.Index+1
			op.Mops[0].Offset = int64(i)
			g.Observe(&op)
			sample := histories.Op{Process: histories.Nemesis, Type: histories.Info, F: histories.Sample, Time: at,
				Event: &histories.Event{ID: -1, Samples: []histories.NodeSample{{Node: "n1", Values: map[string]float64{"m": float64(i)}}}}}
			g.Observe(&sample)
		}
		d := g.Snapshot()
		if sum(d.OK) != int64(n) || sum(d.Acked) != int64(n) {
			t.Fatalf("%d operations, %d records are drawn of %d", sum(d.OK), sum(d.Acked), n)
		}
		if len(d.OK) > maxBuckets || len(d.Latency[0].P50) != len(d.OK) {
			t.Fatalf("%d buckets, %d latencies", len(d.OK), len(d.Latency[0].P50))
		}
		if last := float64(len(d.OK)) * d.Width; d.Seconds > last {
			t.Fatalf("the buckets end at %g s, the run at %g s", last, d.Seconds)
		}
		end := int64(0)
		for _, l := range d.Logs {
			end = max(end, sum(l.End))
			if len(l.Acked) > logPoints {
				t.Fatalf("a log has %d points", len(l.Acked))
			}
		}
		if end != int64(n) {
			t.Fatalf("the logs end at %d, the last record is %d", end, n-1)
		}
		m := d.Metrics[0].Values
		if m[len(m)-1] != float64(n-1) {
			t.Fatalf("the metric ends at %g, its last value is %d", m[len(m)-1], n-1)
		}
	})
}

// Quantiles are those of the durations, to the width of a cell.
func TestQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		durations := rapid.SliceOfN(rapid.Int64Range(int64(2*time.Microsecond), int64(15*time.Minute)), 1, 200).Draw(t, "durations")
		l := &latencies{}
		for _, d := range durations {
			l.add(time.Duration(d))
		}
		slices.Sort(durations)
		shares := []float64{0.5, 0.9, 0.99}
		out := make([]time.Duration, 3)
		l.quantiles(shares, out)
		for k, q := range shares {
			want := float64(durations[int(q*float64(len(durations)))])
			if have := float64(out[k]); math.Abs(have-want) > want*0.07 {
				t.Fatalf("p%g is %v, want %v", 100*q, out[k], time.Duration(want))
			}
		}
	})
}

// A series with gaps survives its encoding to four digits.
func TestSparse(t *testing.T) {
	in := Sparse{0, 1, 12345.678, 0.00012345, -3.25, math.NaN(), math.Inf(1), 1e18, 1e-9}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Sparse
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	for i, v := range in {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			if !math.IsNaN(out[i]) {
				t.Errorf("%g became %g", v, out[i])
			}
		case math.Abs(out[i]-v) > math.Abs(v)*1e-3:
			t.Errorf("%g became %g", v, out[i])
		}
	}
}

// Faults are active from their injection to their heal.
func TestActive(t *testing.T) {
	g := NewGather(histories.Header{})
	note := func(f histories.F, id int) {
		g.Observe(&histories.Op{Process: histories.Nemesis, Type: histories.Info, F: f, Event: &histories.Event{ID: id, Fault: "stall", On: []string{"n1", "n2"}}})
	}
	note(histories.Inject, 4)
	if have := g.Active(); len(have) != 1 || have[0] != "stall on n1,n2" {
		t.Errorf("active: %q", have)
	}
	if d := g.Snapshot(); d.Faults[0].To != -1 {
		t.Errorf("a fault that lasts ends at %g", d.Faults[0].To)
	}
	note(histories.Healed, 4)
	if have := g.Active(); len(have) != 0 {
		t.Errorf("active after the heal: %q", have)
	}
}

func BenchmarkGather(b *testing.B) {
	g := NewGather(histories.Header{Logs: []histories.Log{{Key: 0, Topic: "t"}}})
	op := histories.Op{F: histories.Send}
	op.AddSend(0, 0)
	for i := 0; b.Loop(); i++ {
		op.Process, op.Time, op.Type = int64(i%50), time.Duration(i)*20*time.Microsecond, histories.Invoke
		g.Observe(&op)
		op.Type = histories.OK
		g.Observe(&op)
	}
}
