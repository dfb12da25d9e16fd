package linear

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// drawRegister simulates a register under a few clients. With lie above 0 some
// reads return a value drawn from those written so far.
func drawRegister(r *rand.Rand, n, clients int, lie float64) []RegisterOp {
	type pending struct {
		at int64
		op RegisterOp
	}
	free := make([]int64, clients)
	var all []pending
	for i := range n {
		c := r.IntN(clients)
		call := free[c] + r.Int64N(20)
		at := call + r.Int64N(30)
		ret := at + r.Int64N(30)
		free[c] = ret + 1
		o := RegisterOp{Write: r.IntN(3) == 0, Value: int64(i), Call: call, Ret: ret, Entry: int64(i)}
		if o.Write && r.IntN(8) == 0 {
			o.Ret = Forever
			at += r.Int64N(100)
			if r.IntN(2) == 0 {
				at = Forever
			}
		}
		all = append(all, pending{at, o})
	}
	slices.SortStableFunc(all, func(a, b pending) int { return int(min(max(a.at-b.at, -1), 1)) })
	now := int64(-1)
	written := []int64{-1}
	var out []RegisterOp
	for _, p := range all {
		switch {
		case !p.op.Write:
			p.op.Value = now
			if r.Float64() < lie {
				p.op.Value = written[r.IntN(len(written))]
			}
		case p.at < Forever:
			now = p.op.Value
			written = append(written, now)
		}
		out = append(out, p.op)
	}
	return out
}

// TestZonesAgreeWithPorcupine holds zones and windows against porcupine on the
// whole history, honest and not.
func TestZonesAgreeWithPorcupine(t *testing.T) {
	illegal, windows := 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		ops := drawRegister(r, 4+r.IntN(14), 1+r.IntN(4), []float64{0, 0.3}[seed%2])
		whole, decided := RegisterWindow{Init: -1, Ops: settled(ops)}.Check(context.Background(), 10*time.Second)
		if !decided {
			t.Fatalf("seed %d: not decided", seed)
		}
		if got := len(Zones(ops)) == 0; got != whole {
			t.Fatalf("seed %d: zones say %v, porcupine %v: %+v", seed, got, whole, ops)
		}
		all := true
		for _, w := range RegisterWindows(ops, 4) {
			ok, _ := w.Check(context.Background(), 10*time.Second)
			all = all && ok
			windows++
		}
		if all != whole {
			t.Fatalf("seed %d: windows say %v, porcupine %v: %+v", seed, all, whole, ops)
		}
		if !whole {
			illegal++
		}
	}
	if illegal < 100 || windows < 3500 {
		t.Errorf("%d illegal histories, %d windows: too few to compare", illegal, windows)
	}
}

func TestZonesNameThePair(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []RegisterOp
		want [2]int64 // entries; 0: legal
	}{
		{"stale", []RegisterOp{{true, 1, 0, 1, 1}, {true, 2, 2, 3, 2}, {false, 1, 4, 5, 3}}, [2]int64{3, 2}},
		{"there and back", []RegisterOp{{true, 1, 0, 9, 1}, {true, 2, 0, 9, 2}, {false, 1, 10, 11, 3}, {false, 2, 12, 13, 4}, {false, 1, 14, 15, 5}}, [2]int64{5, 2}},
		{"gone", []RegisterOp{{true, 1, 0, 1, 1}, {false, -1, 4, 5, 3}}, [2]int64{3, 1}},
		{"concurrent", []RegisterOp{{true, 1, 0, 9, 1}, {true, 2, 2, 3, 2}, {false, 1, 4, 5, 3}}, [2]int64{}},
		{"unknown write lands late", []RegisterOp{{true, 1, 0, Forever, 1}, {true, 2, 2, 3, 2}, {false, 1, 4, 5, 3}}, [2]int64{}},
	} {
		got := Zones(c.ops)
		switch {
		case c.want == [2]int64{} && len(got) > 0:
			t.Errorf("%s: convicted: %+v", c.name, got)
		case c.want != [2]int64{} && (len(got) != 1 || got[0].Again.Entry != c.want[0] || got[0].Between.Entry != c.want[1]):
			t.Errorf("%s: %+v, want entries %v", c.name, got, c.want)
		}
	}
}

func BenchmarkZones(b *testing.B) {
	ops := drawRegister(rand.New(rand.NewPCG(1, 1)), 50_000, 20, 0)
	for b.Loop() {
		if len(Zones(ops)) > 0 {
			b.Fatal("illegal")
		}
	}
	b.ReportMetric(float64(len(ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
