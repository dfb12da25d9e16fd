package checker

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// latencyStep is how finely latencies are counted.
const latencyStep = 100 * time.Microsecond

// latencies counts how long the operations of a phase took, exactly to a step:
// a limit of 200 ms must not be missed by the width of a bucket.
type latencies struct {
	histories.Expect
	f     histories.F
	n     int64
	count map[int64]int64 // by whole steps
}

func newLatency(_ *Env, e histories.Expect) watcher {
	return &latencies{Expect: e, f: watchedF(e), count: map[int64]int64{}}
}

func (w *latencies) observe(op *histories.Op, t *timeline) {
	if op.F == w.f && op.Type == histories.OK && t.call != nil && t.call.open && t.is(t.call.phase, w.Phase) {
		w.n++
		w.count[int64((op.Time-t.call.at)/latencyStep)]++
	}
}

func (w *latencies) finish(*Verdict, *timeline) (Validity, string) {
	if w.n == 0 {
		return Unknown, fmt.Sprintf("no %s begun %s succeeded, so none has a latency", w.f, inPhase(w.Phase))
	}
	q := 0.99
	if v, ok := w.Args["quantile"]; ok {
		q = v
	}
	ms := w.quantile(q)
	return within(w.Expect, "at_least_ms", "at_most_ms", ms),
		fmt.Sprintf("p%g of %d %s operations begun %s is %.1f ms; %s", 100*q, w.n, w.f, inPhase(w.Phase), ms, limits(w.Expect, "at_least_ms", "at_most_ms", " ms"))
}

// quantile returns a quantile in milliseconds: the smallest latency that a
// share q of the operations did not exceed.
func (w *latencies) quantile(q float64) float64 {
	steps := make([]int64, 0, len(w.count))
	for s := range w.count {
		steps = append(steps, s)
	}
	slices.Sort(steps)
	left := int64(math.Ceil(q * float64(w.n)))
	for _, s := range steps {
		if left -= w.count[s]; left <= 0 {
			return float64(s) * float64(latencyStep) / 1e6
		}
	}
	return 0
}
