package run

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/report/explain"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

// stopLimit is how long a run may go on after the entry that proves its first
// sin: 5 s, and more where the machine is busy. The runs would last for minutes.
const stopLimit = 30 * time.Second

// stopping are broken brokers whose sins are of different sorts, with the faults
// beside which they sin.
var stopping = []struct {
	mutant, nemesis string
	long            bool // only with ACKPROOF_TEST_ALL=1
}{
	{"stale-fetch", "none", false}, {"two-values", "none", false}, {"wrong-offset", "none", true},
	{"swap-batches", "all", false}, {"ack-and-drop", "all", true}, {"duplicate", "all", true}, {"corrupt", "all", true},
	{"read-past-lso", "all", true}, {"tear-transaction", "all", true}, {"accept-zombie", "all", true},
}

// TestStopsAtViolation: a run against a broken broker ends its main phase within
// seconds of the entry that proves the first sin, whatever faults there are, asks
// the brokers while the cluster is as it was, and convicts; the history tells all
// of it, and what it tells fits on one screen.
func TestStopsAtViolation(t *testing.T) {
	for _, c := range stopping {
		t.Run(c.mutant+"/"+c.nemesis, func(t *testing.T) {
			if c.long && !testAll() {
				t.Skip("ACKPROOF_TEST_ALL=1 runs it")
			}
			t.Parallel()
			stopsAtViolation(t, c.mutant, c.nemesis)
		})
	}
}

func stopsAtViolation(t *testing.T, mutant, faults string) {
	spec := Default()
	m, err := mutants.ByName(mutant)
	if err != nil {
		t.Fatal(err)
	}
	spec.Break(m)
	spec.Seed, spec.Rate, spec.TimeLimit, spec.Calm, spec.Nemesis = 3, 1500, Duration(5*time.Minute), Duration(time.Second), []string{faults}
	var res Result
	for tries := 1; ; tries++ {
		if res, err = Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test"}); err == nil {
			break
		}
		if tries == 3 || faults == "none" {
			t.Fatal(err)
		}
		t.Logf("run %d: %v", tries, err) // on a busy machine a heal may come too late
	}
	v := res.Verdict
	if v.Valid != checker.Invalid || v.Stopped == "" || v.Incomplete {
		t.Fatalf("stopped %q, incomplete %v: %s", v.Stopped, v.Incomplete, told(v))
	}
	for _, r := range v.Unknown {
		if r.Kind == checker.TooLittleWork || r.Kind == checker.FaultDidNotBite && faults == "none" {
			t.Errorf("too little was done because the run was stopped: %+v", r)
		}
	}
	seen := evidenceOf(t, res.Dir)
	proof := firstProof(t, res.Dir, int64(len(seen.times)))
	late := seen.begun - seen.times[proof]
	t.Logf("stopped %s under %s: %v after entry %d had proven it, %v after it was recorded at all; %s", mutant, faults,
		late.Round(time.Millisecond), proof, seen.begun.Round(time.Millisecond), v.Stopped)
	if late > stopLimit {
		t.Errorf("the main phase ended %v after the first evidence: %s", late, told(v))
	}
	if seen.faulty != (faults != "none") {
		t.Errorf("a phase of faults: %v, under the faults %s", seen.faulty, faults)
	}
	if seen.why != v.Stopped {
		t.Errorf("the history says %q, the verdict %q", seen.why, v.Stopped)
	}
	if seen.asked[histories.LeaderEpochs] == 0 {
		t.Errorf("nothing was asked in the evidence phase: %v", seen.asked)
	}
	for _, f := range []histories.F{histories.LeaderEpochs, histories.StartOffsets, histories.EndOffsets, histories.Poll} {
		if faults == "none" && seen.answered[f] == 0 { // a fault may keep answers back until the time for questions is over
			t.Errorf("no %s was answered in the evidence phase: %v", f, seen.answered)
		}
	}
	if seen.sends > 0 {
		t.Errorf("%d sends were begun after the main phase", seen.sends)
	}
	fitsOneScreen(t, res)
}

// fitsOneScreen holds what show says of the first anomaly to 24 lines of 80.
func fitsOneScreen(t *testing.T, res Result) {
	t.Helper()
	var b strings.Builder
	open := func() (histories.Reader, error) { return histories.Open(res.Dir) }
	if err := explain.Show(&b, res.Verdict, open, explain.Options{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	wide := slices.ContainsFunc(lines, func(l string) bool { return utf8.RuneCountInString(l) > 80 })
	if len(lines) > 24 || wide || !strings.HasPrefix(lines[0], string(res.Verdict.Anomalies[0].Kind)) {
		t.Errorf("%d lines, wider than 80: %v\n%s", len(lines), wide, b.String())
	}
}

// firstProof is the entry that makes the history's beginning enough to convict:
// the last one of the shortest prefix that is.
func firstProof(t *testing.T, dir string, entries int64) int64 {
	t.Helper()
	n := sort.Search(int(entries), func(n int) bool {
		in, err := histories.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		v, err := checker.Check(&prefix{in, n}, checker.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return v.Valid == checker.Invalid
	})
	return int64(n) - 1
}

// prefix is the beginning of a history.
type prefix struct {
	histories.Reader
	left int
}

func (p *prefix) Next() (*histories.Op, error) {
	if p.left == 0 {
		return nil, io.EOF
	}
	p.left--
	return p.Reader.Next()
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

// evidence is what a history holds of the phase of that name.
type evidencePhase struct {
	why      string
	begun    time.Duration
	asked    map[histories.F]int
	answered map[histories.F]int
	sends    int  // begun in it or later
	faulty   bool // a phase of faults had begun before
	times    []time.Duration
}

func evidenceOf(t *testing.T, dir string) *evidencePhase {
	t.Helper()
	in, err := histories.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	e := &evidencePhase{begun: -1, asked: map[histories.F]int{}, answered: map[histories.F]int{}}
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
			e.faulty = e.faulty || op.Event.Phase == histories.PhaseFaults
		case op.F == histories.Send && op.Type == histories.Invoke && e.asked[histories.LeaderEpochs] > 0:
			e.sends++ // what was handed out before the phase is over before the first question
		case now && op.Type == histories.Invoke:
			e.asked[op.F]++
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
