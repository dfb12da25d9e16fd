package linear

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// recorded is a simulated run in memory, so that a benchmark measures the
// judge and not the simulation.
type recorded struct {
	what []uint8
	at   []int64
	op   []*simOp
	ops  int
}

func record(ops, clients int, unknown float64) *recorded {
	r := &recorded{}
	simulate(rand.New(rand.NewPCG(9, 9)), ops, clients, unknown, func(what uint8, at int64, o *simOp) {
		r.what, r.at, r.op = append(r.what, what), append(r.at, at), append(r.op, o)
		if what == simRet || what == simSeen {
			r.ops++
		}
	})
	return r
}

// feed gives the run to a log.
func (r *recorded) feed(cfg Config) *feeder {
	f := newFeeder(cfg)
	for i, what := range r.what {
		f.take(what, r.at[i], r.op[i])
	}
	f.log.Finish()
	return f
}

// bound returns the operations of the run for a judge that wants them all.
func (r *recorded) bound() []Op {
	var ops []Op
	for i, what := range r.what {
		if what == simRet || what == simSeen {
			ops = append(ops, r.op[i].Op)
		}
	}
	return ops
}

// BenchmarkSweep: the pairwise rule online, without windows.
func BenchmarkSweep(b *testing.B) {
	r := record(200_000, 50, 0.01)
	b.ReportAllocs()
	start := time.Now()
	n := 0
	for b.Loop() {
		n += r.ops
		if f := r.feed(Config{}); len(f.found) > 0 {
			b.Fatalf("%d violations of a perfect log", len(f.found))
		}
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "ops/s")
}

// BenchmarkWindows: cutting and judging windows with one worker, on the same
// goroutine.
func BenchmarkWindows(b *testing.B) {
	for _, clients := range []int{10, 50, 200} {
		for _, unknown := range []float64{0, 0.01, 0.05} {
			b.Run(fmt.Sprintf("clients=%d/unknown=%v", clients, unknown), func(b *testing.B) {
				r := record(100_000, clients, unknown)
				b.ReportAllocs()
				start := time.Now()
				n := 0
				for b.Loop() {
					n += r.ops
					var v Verify
					r.feed(Config{Atomic: true, Window: func(w Window) {
						if res := v.Window(w); !res.Legal {
							b.Fatalf("window [%d, %d) of a perfect log is not linearizable", w.Start, w.End)
						}
					}})
				}
				b.ReportMetric(float64(n)/time.Since(start).Seconds(), "ops/s")
			})
		}
	}
}

// plainAnswer is what porcupine says of the same operations with a plain model.
func plainAnswer(ops []Op, limit time.Duration) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(plainModel, plainHistory(ops), limit)
}

// TestTable prints plain porcupine beside this package: 50 clients on one log.
// Plain porcupine gets a second, and at most 20,000 operations: beyond that its
// bit sets alone take n²/8 bytes.
func TestTable(t *testing.T) {
	sizes := []int{1_000, 10_000}
	if !testing.Short() && rounds(1) > 1 {
		sizes = append(sizes, 100_000, 1_000_000)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%12s %8s | %22s | %22s\n", "operations", "unknown", "plain porcupine", "sweep and windows")
	for _, n := range sizes {
		for _, unknown := range []float64{0, 0.01, 0.05} {
			r := record(n, 50, unknown)
			plain := "not asked (memory)"
			if n <= 20_000 {
				start := time.Now()
				answer := plainAnswer(r.bound(), time.Second)
				plain = fmt.Sprintf("%v in %v", answer, time.Since(start).Round(time.Millisecond))
				runtime.GC()
			}
			var v Verify
			legal, undecided := true, 0
			start := time.Now()
			f := r.feed(Config{Atomic: true, Window: func(w Window) {
				res := v.Window(w)
				legal = legal && res.Legal
				if !res.Decided {
					undecided++
				}
			}})
			took := time.Since(start)
			if !legal || undecided > 0 || len(f.found) > 0 {
				t.Errorf("%d operations, %v unknown: legal %v, %d undecided, %d violations", n, unknown, legal, undecided, len(f.found))
			}
			fmt.Fprintf(&table, "%12d %8v | %22s | %22s\n", r.ops, unknown, plain,
				fmt.Sprintf("%v in %v", porcupine.Ok, took.Round(time.Millisecond)))
		}
	}
	t.Log("\n" + table.String())
}
