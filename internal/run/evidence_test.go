package run

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// stopLimit is how long a run may go on after a violation could be seen: 5 s, and
// more where the machine is busy. The runs would last for minutes.
const stopLimit = 20 * time.Second

// TestStopsAtViolation: a run against a broken broker ends its main phase within
// seconds of the entry that proves the first sin, asks the brokers while the
// cluster is as it was, and convicts; the history tells all of it.
func TestStopsAtViolation(t *testing.T) {
	for _, mutant := range []string{"stale-fetch", "two-values", "wrong-offset"} {
		t.Run(mutant, func(t *testing.T) {
			t.Parallel()
			spec := Default()
			spec.Seed, spec.Mutant, spec.Rate, spec.TimeLimit = 3, mutant, 1500, Duration(5*time.Minute)
			spec.Nemesis = []string{"none"} // when a fault lets an answer through is up to the machine
			res, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test"})
			if err != nil {
				t.Fatal(err)
			}
			v := res.Verdict
			if v.Valid != checker.Invalid || v.Stopped == "" || v.Incomplete {
				t.Fatalf("stopped %q, incomplete %v: %s", v.Stopped, v.Incomplete, told(v))
			}
			for _, r := range v.Unknown {
				if r.Kind == checker.TooLittleWork || r.Kind == checker.FaultDidNotBite {
					t.Errorf("too little was done because the run was stopped: %+v", r)
				}
			}
			seen := evidenceOf(t, res.Dir)
			if late := seen.begun - seen.at(firstProof(v)); late > stopLimit {
				t.Errorf("the main phase ended %v after the first evidence: %s", late, told(v))
			}
			if seen.why != v.Stopped {
				t.Errorf("the history says %q, the verdict %q", seen.why, v.Stopped)
			}
			for _, f := range []histories.F{histories.LeaderEpochs, histories.StartOffsets, histories.EndOffsets, histories.Poll} {
				if seen.answered[f] == 0 {
					t.Errorf("no %s was answered in the evidence phase: %v", f, seen.answered)
				}
			}
			if seen.sends > 0 {
				t.Errorf("%d sends were begun after the main phase", seen.sends)
			}
		})
	}
}

// TestKeepGoing: the same run goes on where it is told to, until it is stopped.
func TestKeepGoing(t *testing.T) {
	spec := Default()
	spec.Seed, spec.Mutant, spec.Rate, spec.TimeLimit, spec.Nemesis = 3, "two-values", 1500, Duration(5*time.Minute), []string{"none"}
	spec.KeepGoing = true
	stop, after := make(chan struct{}), 0
	res, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test", Stop: stop, Status: func(s Status) {
		if len(s.Anomalies) == 0 {
			return
		}
		if after++; after == 5 { // statuses since the first anomaly
			close(stop)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Verdict.Valid != checker.Invalid || res.Verdict.Stopped != "" {
		t.Errorf("stopped %q: %s", res.Verdict.Stopped, told(res.Verdict))
	}
	if phases := phasesOf(t, res.Dir); slices.Contains(phases, histories.PhaseEvidence) {
		t.Errorf("the phases are %v", phases)
	}
}

// firstProof is the entry with which the first of the examples is complete.
func firstProof(v checker.Verdict) int64 {
	first := int64(-1)
	for _, a := range v.Anomalies {
		for _, e := range a.Examples {
			if last := slices.Max(e.Ops); first < 0 || last < first {
				first = last
			}
		}
	}
	return first
}

// evidence is what a history holds of the phase of that name.
type evidencePhase struct {
	why      string
	begun    time.Duration
	answered map[histories.F]int
	sends    int // begun in it or later
	times    []time.Duration
}

func (e *evidencePhase) at(entry int64) time.Duration { return e.times[entry] }

func evidenceOf(t *testing.T, dir string) *evidencePhase {
	t.Helper()
	in, err := histories.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	e := &evidencePhase{begun: -1, answered: map[histories.F]int{}}
	now := false
	for {
		op, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e.times = append(e.times, op.Time)
		switch {
		case op.F == histories.Phase:
			now = op.Event.Phase == histories.PhaseEvidence
			if now {
				e.begun, e.why = op.Time, op.Event.Why
			}
		case op.F == histories.Send && op.Type == histories.Invoke && e.answered[histories.LeaderEpochs] > 0:
			e.sends++ // what was handed out before the phase is over before the first question
		case now && op.Type == histories.OK:
			e.answered[op.F]++
		}
	}
	if e.begun < 0 {
		t.Fatal("the history has no evidence phase")
	}
	return e
}

// slowPass takes its time over every entry.
type slowPass struct{ each time.Duration }

func (p slowPass) Observe(*histories.Op) { time.Sleep(p.each) }
func (p slowPass) Finish()               {}

// TestSlowChecker: where the live passes cannot keep up, the clients wait, and
// history, verdict and status say so.
func TestSlowChecker(t *testing.T) {
	spec := Default()
	spec.Seed, spec.Rate, spec.TimeLimit, spec.Nemesis, spec.Calm = 5, 150, Duration(5*time.Minute), []string{"none"}, 0
	spec.Topics, spec.Partitions = 1, 1
	stop, said := make(chan struct{}), false
	res, err := Run(context.Background(), spec, Options{
		Store: t.TempDir(), Tool: "test", Stop: stop, alsoLive: []checker.Pass{slowPass{15 * time.Millisecond}},
		Status: func(s Status) {
			if s.Slowed && s.Lag > 0 && !said {
				said = true
				close(stop)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var s checker.Stats
	if err := json.Unmarshal(res.Verdict.Stats, &s); err != nil {
		t.Fatal(err)
	}
	t.Logf("held for %.0f ms, %d operations", s.Slowed, res.Verdict.Judged.Ops)
	if !said || s.Slowed <= 0 {
		t.Errorf("a pass that takes 15 ms an entry holds the clients for %.0f ms, status %v", s.Slowed, said)
	}
	if res.Verdict.Valid == checker.Invalid {
		t.Errorf("convicted: %s", told(res.Verdict))
	}
}

// TestHold: the clients wait from the limit on until half of it is left, and
// what they waited is added up.
func TestHold(t *testing.T) {
	rec, err := histories.Create(filepath.Join(t.TempDir(), "history.jsonl"), histories.Header{Format: histories.FormatVersion}, histories.RecorderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	for range 2 {
		if err := rec.Record(&histories.Op{F: histories.Crash, Type: histories.Invoke}); err != nil {
			t.Fatal(err)
		}
	}
	l := &liveJudge{rec: rec}
	for _, step := range []struct {
		now, at time.Duration
		seen    int64
		hold    bool
	}{
		{maxLag, 0, 1, false},
		{maxLag + 1, 0, 1, true},
		{maxLag + 2, maxLag / 4, 1, true},
		{maxLag + 3, maxLag/2 + 4, 1, false},
		{4 * maxLag, maxLag, 1, true},
		{5 * maxLag, maxLag, 2, false}, // it has seen everything: nothing happened since
	} {
		l.at.Store(int64(step.at))
		l.seen.Store(step.seen)
		if got := l.hold(step.now); got != step.hold {
			t.Errorf("at %v, seen up to %v: hold %v", step.now, step.at, got)
		}
	}
	if want := 2 + maxLag; l.slowed() != want {
		t.Errorf("held for %v, want %v", l.slowed(), want)
	}
}
