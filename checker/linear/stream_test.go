package linear

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// TestLongRun: a perfect log stays innocent over a long run with late unknown
// writes, nearly all operations are decided by porcupine, and memory depends
// on neither.
func TestLongRun(t *testing.T) {
	for _, unknown := range []float64{0, 0.05} {
		for _, m := range []Model{Strict, Kafka, Session} {
			t.Run(fmt.Sprintf("model %d unknown %v", m, unknown), func(t *testing.T) {
				const ops = 100_000
				var v Verify
				var decided, closed, total, biggest int
				cfg := Config{Model: m, Atomic: true, Window: func(w Window) {
					res := v.Window(w)
					if res.Panic != nil || res.Disagree || len(res.Violations) > 0 {
						t.Fatalf("window [%d, %d): %+v", w.Start, w.End, res)
					}
					closed += w.Closed
					total += w.Closed + w.Left
					if res.Decided && res.Legal {
						decided += w.Closed
					}
					biggest = max(biggest, len(w.Ops))
				}}
				f := newFeeder(cfg)
				kept := 0
				simulate(rand.New(rand.NewPCG(4, uint64(m))), ops, 50, unknown, func(what uint8, at int64, o *simOp) {
					f.take(what, at, o)
					kept = max(kept, len(f.log.stair.steps)+len(f.log.ring)+len(f.log.cut.ops)+f.flight.Len())
				})
				f.log.Finish()
				if len(f.found) > 0 {
					t.Errorf("%d violations of a perfect log, the first: %+v", len(f.found), f.found[0])
				}
				if decided*100 < total*99 || total < ops*95/100 {
					t.Errorf("decided %d of %d operations in closed windows", decided, total)
				}
				if kept > 12_000 || biggest > 6_000 {
					t.Errorf("%d operations and steps kept, windows of up to %d", kept, biggest)
				}
			})
		}
	}
}

// TestMemoryFlat: the heap after a long stream is the heap after a short one,
// also where an operation stays in flight for ever and where an idle log is
// only read.
func TestMemoryFlat(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	var v Verify
	f := newFeeder(Config{Window: func(w Window) {
		if res := v.Window(w); !res.Legal {
			t.Fatalf("window [%d, %d) is not linearizable: %+v", w.Start, w.End, res.Violations)
		}
	}})
	f.flight.Call(0) // it never returns
	now, length := int64(1), int64(0)
	round := func(n int) {
		for i := range n {
			o := Op{Call: now, Ret: now + 1, Lo: length + 1, Hi: length, Process: int64(i % 50), Index: now, Value: -1}
			if i%1000 > 300 { // then nobody writes for a while
				o.Kind, o.Lo = End, length
			}
			length = o.Lo
			ticket := f.flight.Call(now)
			if _, bad := f.log.Return(o); bad {
				t.Fatalf("%+v is innocent", o)
			}
			f.flight.Return(ticket)
			now += 2
		}
	}
	round(200_000)
	before := heap()
	round(1_000_000)
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes over a million operations", grown)
	}
	f.log.Finish()
}

// TestLiars: one wrong acknowledgement convicts a few operations, not all that
// follow; the log goes on being judged, and a second one is found as well.
func TestLiars(t *testing.T) {
	for _, lie := range []int64{-40, -3, 5, 1000, Inf / 4} {
		t.Run(fmt.Sprint(lie), func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, uint64(lie)))
			liars := map[int64]bool{}
			var v Verify
			results := 0
			f := newFeeder(Config{Atomic: true, Window: func(w Window) {
				results++
				if res := v.Window(w); res.Disagree || res.Panic != nil {
					t.Errorf("window [%d, %d): %+v", w.Start, w.End, res)
				}
			}})
			n := 0
			simulate(r, 60_000, 20, 0.01, func(what uint8, at int64, o *simOp) {
				if what == simRet && o.Kind == Produce {
					if n++; n%2000 == 0 {
						o.Hi += lie
						o.Lo += lie
						liars[o.Index] = true
					}
				}
				f.take(what, at, o)
			})
			f.log.Finish()
			caught := map[int64]bool{}
			for _, v := range f.found {
				if !liars[v.A.Index] && !liars[v.B.Index] {
					t.Errorf("%+v was convicted by %+v, and neither lied", v.A, v.B)
				}
				for _, i := range []int64{v.A.Index, v.B.Index} {
					if liars[i] {
						caught[i] = true
					}
				}
			}
			if big := lie < -20 || lie > 100; big && len(caught) != len(liars) {
				t.Errorf("caught %d of %d liars", len(caught), len(liars))
			}
			if len(f.found) > 30*len(liars) {
				t.Errorf("%d liars made %d violations", len(liars), len(f.found))
			}
			if results < 50 {
				t.Errorf("only %d windows", results)
			}
			t.Logf("%d liars, %d caught, %d violations", len(liars), len(caught), len(f.found))
		})
	}
}
