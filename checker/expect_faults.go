package checker

import (
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// mustFail judges the operations that were begun while faults were proven to
// act. One that ended after a heal began was under way during it: it may have
// succeeded because of the heal, and proves nothing.
type mustFail struct {
	histories.Expect
	f             histories.F
	failed, wrong int64
	surfaced      int64
	first         int64 // the completion of the first that succeeded
	at            time.Duration
	proven        bool
}

func newMustFail(_ *Env, e histories.Expect) watcher {
	return &mustFail{Expect: e, f: watchedF(e), first: -1}
}

func (w *mustFail) observe(op *histories.Op, t *timeline) {
	w.proven = w.proven || t.in(w.Phase) && t.bitten()
	if op.F != w.f || op.Type == histories.Invoke || t.call == nil || !t.call.open || !t.call.bitten || !t.is(t.call.phase, w.Phase) {
		return
	}
	switch {
	case op.Type != histories.OK:
		w.failed++
	case t.heals != t.call.heals:
		w.surfaced++
	default:
		if w.wrong++; w.wrong == 1 {
			w.first, w.at = op.Index, op.Time
		}
	}
}

func (w *mustFail) finish(*Verdict, *timeline) (Validity, string) {
	least := int64(10)
	if v, ok := w.Args["at_least"]; ok {
		least = int64(v)
	}
	switch {
	case w.wrong > 0:
		return Invalid, fmt.Sprintf("%d of %d %s operations begun %s, after the bite was proven, succeeded before the heal; the first at %s (entry %d)",
			w.wrong, w.wrong+w.failed+w.surfaced, w.f, inPhase(w.Phase), seconds(w.at), w.first)
	case !w.proven:
		return Unknown, fmt.Sprintf("the bite of every fault was never proven at the same time %s", inPhase(w.Phase))
	case w.failed < least:
		return Unknown, fmt.Sprintf("%d %s operations begun %s were refused or timed out, %d are needed to say that all do", w.failed, w.f, inPhase(w.Phase), least)
	}
	why := fmt.Sprintf("all %d %s operations begun %s after the bite was proven were refused or timed out before the heal", w.failed, w.f, inPhase(w.Phase))
	if w.surfaced > 0 {
		why += fmt.Sprintf("; %d more were under way when it began and succeeded after", w.surfaced)
	}
	return Valid, why
}

// recovery measures how long after a heal every log acknowledges again.
type recovery struct {
	histories.Expect
	env   *Env
	from  time.Duration // the heal that counts
	heal  bool          // it was seen
	heals int
	in    bool
	acked map[int64]time.Duration // when each log first acknowledged a send begun after the heal
}

func newRecovery(e *Env, x histories.Expect) watcher {
	return &recovery{Expect: x, env: e, acked: map[int64]time.Duration{}}
}

func (w *recovery) observe(op *histories.Op, t *timeline) {
	in := t.in(w.Phase)
	if in && (!w.in || t.heals != w.heals) && (t.heals > 0 || w.Phase != "") {
		if t.heals != w.heals || !w.heal {
			w.from, w.heal, w.heals = t.healed, true, t.heals
			if t.heals == 0 {
				w.from = op.Time // a phase after no fault: from its beginning
			}
			clear(w.acked)
		}
	}
	w.in = in
	if !w.heal || op.Type != histories.OK || t.call == nil || !t.call.open || t.call.at < w.from {
		return
	}
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send {
			if _, ok := w.acked[m.Key]; !ok {
				w.acked[m.Key] = op.Time
			}
		}
	}
}

func (w *recovery) finish(_ *Verdict, t *timeline) (Validity, string) {
	if !w.heal {
		return Unknown, "nothing was healed " + inPhase(w.Phase)
	}
	last, log := w.from, int64(-1)
	for _, l := range w.env.Header.Logs {
		at, ok := w.acked[l.Key]
		if !ok {
			return w.never(l.Key, t)
		}
		if at >= last {
			last, log = at, l.Key
		}
	}
	if log < 0 {
		return Unknown, "the header names no logs"
	}
	ms := float64(last-w.from) / 1e6
	return within(w.Expect, "", "at_most_ms", ms),
		fmt.Sprintf("every log acknowledged again within %.0f ms of the heal at %s, %s last; %s",
			ms, seconds(w.from), w.env.logName(log), limits(w.Expect, "", "at_most_ms", " ms"))
}

// never says that a log did not recover; unknown where there was less time for
// it than the limit gives.
func (w *recovery) never(log int64, t *timeline) (Validity, string) {
	_, end := t.span("")
	had := end - w.from
	why := fmt.Sprintf("%s acknowledged nothing that was sent in the %s after the heal at %s; %s",
		w.env.logName(log), seconds(had), seconds(w.from), limits(w.Expect, "", "at_most_ms", " ms"))
	if float64(had)/1e6 < w.Args["at_most_ms"] {
		return Unknown, why
	}
	return Invalid, why
}

// wholeWithin asks for the entries that say that the cluster is whole again.
// The first one after a heal tells how long that took from the heal on, others
// how long they waited.
type wholeWithin struct {
	histories.Expect
	seen   int
	heals  int     // before the last such entry
	slow   float64 // the longest time, ms
	broken string  // why it was not whole
	not    bool
}

func newWholeWithin(_ *Env, e histories.Expect) watcher { return &wholeWithin{Expect: e} }

func (w *wholeWithin) observe(op *histories.Op, t *timeline) {
	if op.F != histories.Whole || op.Event == nil || op.Process >= 0 || !t.in(w.Phase) {
		return
	}
	w.seen++
	took := op.Event.Args["waited_ms"]
	if t.heals != w.heals {
		took = float64(op.Time-t.healed) / 1e6
	}
	w.slow, w.heals = max(w.slow, took), t.heals
	if proof(op.Event) != Valid {
		w.not, w.broken = true, op.Event.Why
	}
}

func (w *wholeWithin) finish(*Verdict, *timeline) (Validity, string) {
	switch {
	case w.seen == 0:
		return Unknown, "nobody asked " + inPhase(w.Phase) + " whether the cluster is whole"
	case w.not:
		return Invalid, fmt.Sprintf("the cluster was not whole again after %.0f ms%s", w.slow, because(w.broken))
	}
	return within(w.Expect, "", "at_most_ms", w.slow),
		fmt.Sprintf("the cluster was whole again after %.0f ms; %s", w.slow, limits(w.Expect, "", "at_most_ms", " ms"))
}
