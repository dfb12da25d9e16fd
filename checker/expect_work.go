package checker

import (
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// watchedF is the operation that an expectation counts.
func watchedF(e histories.Expect) histories.F {
	if len(e.Of) == 0 {
		return histories.Send
	}
	f, _ := histories.ParseF(e.Of[0])
	return f
}

// inPhase names the phase for people.
func inPhase(name string) string {
	if name == "" {
		return "in the run"
	}
	return "in phase " + name
}

// availability counts the operations begun in a phase, and those of them that
// succeeded.
type availability struct {
	histories.Expect
	f         histories.F
	begun, ok int64
}

func newAvailability(_ *Env, e histories.Expect) watcher {
	return &availability{Expect: e, f: watchedF(e)}
}

func (w *availability) observe(op *histories.Op, t *timeline) {
	if op.F != w.f || t.call == nil || !t.is(t.call.phase, w.Phase) {
		return
	}
	switch op.Type {
	case histories.Invoke:
		w.begun++
	case histories.OK:
		w.ok++
	}
}

func (w *availability) finish(*Verdict, *timeline) (Validity, string) {
	if w.begun == 0 {
		return Unknown, fmt.Sprintf("no %s was begun %s", w.f, inPhase(w.Phase))
	}
	share := float64(w.ok) / float64(w.begun)
	return within(w.Expect, "at_least", "at_most", share),
		fmt.Sprintf("%d of %d %s operations begun %s succeeded, a share of %.3f; %s", w.ok, w.begun, w.f, inPhase(w.Phase), share, limits(w.Expect, "at_least", "at_most", ""))
}

// longestGap measures, log by log, the time without an acknowledgement.
type longestGap struct {
	histories.Expect
	env  *Env
	logs map[int64]time.Duration // when each log last got one
	gap  time.Duration
	log  int64
	end  time.Duration // of the gap
	in   bool
	acks int64
}

func newLongestGap(e *Env, x histories.Expect) watcher {
	return &longestGap{Expect: x, env: e, logs: map[int64]time.Duration{}}
}

func (w *longestGap) observe(op *histories.Op, t *timeline) {
	switch in := t.in(w.Phase); {
	case in && !w.in: // every log begins with the phase
		w.in = true
		for _, l := range w.env.Header.Logs {
			w.logs[l.Key] = op.Time
		}
	case !in && w.in:
		w.in = false
		w.close(op.Time)
	}
	if !w.in || op.Type != histories.OK {
		return
	}
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send {
			w.acks++
			w.until(m.Key, op.Time)
			w.logs[m.Key] = op.Time
		}
	}
}

// until measures a log's gap up to now.
func (w *longestGap) until(log int64, now time.Duration) {
	since, known := w.logs[log]
	if gap := now - since; known && gap > w.gap {
		w.gap, w.log, w.end = gap, log, now
	}
}

// close measures the gaps that the phase's end cuts off, in the header's order.
func (w *longestGap) close(now time.Duration) {
	for _, l := range w.env.Header.Logs {
		w.until(l.Key, now)
	}
}

func (w *longestGap) finish(_ *Verdict, t *timeline) (Validity, string) {
	if w.in {
		w.close(t.now)
	}
	if w.acks == 0 {
		if w.gap <= time.Duration(w.Args["at_most_ms"]*1e6) {
			return Unknown, fmt.Sprintf("nothing was acknowledged %s", inPhase(w.Phase))
		}
		return Invalid, fmt.Sprintf("nothing was acknowledged %s, for %s; %s", inPhase(w.Phase), seconds(w.gap), limits(w.Expect, "", "at_most_ms", " ms"))
	}
	ms := float64(w.gap) / 1e6
	return within(w.Expect, "", "at_most_ms", ms),
		fmt.Sprintf("%s got no acknowledgement for %.0f ms up to %s, the longest gap of any log %s; %s",
			w.env.logName(w.log), ms, seconds(w.end), inPhase(w.Phase), limits(w.Expect, "", "at_most_ms", " ms"))
}

// throughput counts acknowledged records in two phases.
type throughput struct {
	histories.Expect
	acked, base int64
}

func newThroughput(_ *Env, e histories.Expect) watcher { return &throughput{Expect: e} }

func (w *throughput) observe(op *histories.Op, t *timeline) {
	n := ackedRecords(op)
	if n == 0 {
		return
	}
	if t.in(w.Phase) {
		w.acked += n
	}
	if t.in(w.Baseline) {
		w.base += n
	}
}

func (w *throughput) finish(_ *Verdict, t *timeline) (Validity, string) {
	now, before := t.rate(w.Phase, w.acked), t.rate(w.Baseline, w.base)
	if before == 0 {
		return Unknown, fmt.Sprintf("nothing was acknowledged %s, so there is nothing to compare with", inPhase(w.Baseline))
	}
	return within(w.Expect, "at_least", "at_most", now/before),
		fmt.Sprintf("%.0f acknowledged records/s %s against %.0f %s, a share of %.3f; %s",
			now, inPhase(w.Phase), before, inPhase(w.Baseline), now/before, limits(w.Expect, "at_least", "at_most", ""))
}

// rate is a count per second of a phase.
func (t *timeline) rate(phase string, n int64) float64 {
	begin, end := t.span(phase)
	if end <= begin {
		return 0
	}
	return float64(n) / (end - begin).Seconds()
}

// acknowledged counts acknowledged records in a phase.
type acknowledged struct {
	histories.Expect
	n int64
}

func newAckedRecords(_ *Env, e histories.Expect) watcher { return &acknowledged{Expect: e} }

func (w *acknowledged) observe(op *histories.Op, t *timeline) {
	if t.in(w.Phase) {
		w.n += ackedRecords(op)
	}
}

func (w *acknowledged) finish(*Verdict, *timeline) (Validity, string) {
	return within(w.Expect, "at_least", "", float64(w.n)),
		fmt.Sprintf("%d records were acknowledged %s; %s", w.n, inPhase(w.Phase), limits(w.Expect, "at_least", "", ""))
}
