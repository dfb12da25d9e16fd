package run

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/shrink"
	"github.com/ackproof/ackproof/internal/target/mutants"
	"github.com/ackproof/ackproof/nemesis"
)

// TestConvictedRunsShrink shrinks live runs of broken brokers: at most six
// operations are left of each, and the notation that is written is convicted of
// the same kind by itself. Simulated runs are shrunk by internal/shrink.
func TestConvictedRunsShrink(t *testing.T) {
	if !testAll() {
		t.Skip("makes a run for every broken broker; ACKPROOF_TEST_ALL=1 runs it")
	}
	shrunk := 0
	for _, m := range mutants.Mutants {
		t.Run(m.Name, func(t *testing.T) {
			res := runShort(t, 1, m.Name, "all")
			if res.Verdict.Valid != checker.Invalid {
				t.Skipf("the run is %s", res.Verdict.Valid) // TestMutants demands more
			}
			h, err := shrink.Shrink(res.Dir, shrink.Options{})
			if err != nil {
				t.Fatal(err)
			}
			text, err := h.Text("the run")
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("mutant %s: %s of %d operations, %d times judged, %v beyond the check", m.Name, h.Kind, h.Ops, h.Judged, h.Beyond.Round(time.Millisecond))
			if h.Ops > 6 {
				t.Errorf("%d operations are left:\n%s", h.Ops, text)
			}
			dir := t.TempDir()
			if _, err := h.Save(dir, "the run"); err != nil {
				t.Fatal(err)
			}
			for _, ext := range []string{".txt", ".edn", ".jsonl"} {
				v, err := CheckFile(filepath.Join(dir, "shrunk-"+string(h.Kind)+ext), checker.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(Violations(v), h.Kind) {
					t.Errorf("%s is convicted of %v, not of %s:\n%s", ext, Violations(v), h.Kind, text)
				}
			}
			shrunk++
		})
	}
	if shrunk < 10 {
		t.Errorf("%d convicted runs were shrunk; want at least 10", shrunk)
	}
}

// TestPlanShrinksLive shrinks the plans of runs of broken brokers. One of them
// drops the end of a log whenever a client has reconnected, the other one only
// where a node lost all of its clients: of its plan the event that did it stays.
func TestPlanShrinksLive(t *testing.T) {
	if !testAll() {
		t.Skip("makes some dozen runs; ACKPROOF_TEST_ALL=1 runs it")
	}
	second := func(at int) nemesis.Event {
		return nemesis.Event{ID: at, At: time.Duration(at) * 2 * time.Second, For: time.Second}
	}
	slow, cut, pieces := second(0), second(1), second(2)
	slow.Fault, slow.On, slow.Direction, slow.Args = "latency", []string{"n2"}, nemesis.Both, map[string]float64{"latency_ms": 80}
	cut.Fault, cut.On = "down", []string{"n1", "n2", "n3"}
	pieces.Fault, pieces.On, pieces.Direction = "slicer", []string{"n1"}, nemesis.Both
	pieces.Args = map[string]float64{"average_bytes": 256, "delay_us": 1000}
	for _, c := range []struct {
		mutant string
		plan   nemesis.Plan // nil: as drawn
		left   string       // the fault that stays; empty: whatever does
	}{
		{"drop-tail", nil, ""},
		{"drop-tail-when-down", nemesis.Plan{slow, cut, pieces}, "down"},
	} {
		t.Run(c.mutant, func(t *testing.T) {
			got, whole := shrinkPlanLive(t, c.mutant, c.plan)
			if got.Reproduced == 0 || len(got.Plan) >= whole {
				t.Fatalf("%d events of %d are left, %d of %d reproduce", len(got.Plan), whole, got.Reproduced, got.Runs)
			}
			if c.left != "" && (len(got.Plan) != 1 || got.Plan[0].Fault != c.left) {
				t.Errorf("what is left is %s, not one %s", got.Candidate, c.left)
			}
		})
	}
}

// shrinkPlanLive makes a run of a mutant, and then reruns with ever smaller
// plans. It returns the smallest one, and how many events there were.
func shrinkPlanLive(t *testing.T, mutant string, plan nemesis.Plan) (shrink.Smallest, int) {
	t.Helper()
	m, err := mutants.ByName(mutant)
	if err != nil {
		t.Fatal(err)
	}
	spec := short(1, "all")
	spec.TimeLimit = Duration(9 * time.Second)
	spec.Break(m)
	res, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test", Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	if len(Violations(res.Verdict)) == 0 {
		t.Skipf("the run is %s", res.Verdict.Valid) // TestMutants demands more
	}
	kind := res.Verdict.Anomalies[0].Kind
	p := &shrink.PlanSearch{
		N: 2, Budget: 10 * time.Minute, Now: time.Now, Stop: func() bool { return false },
		Save: func(s *shrink.State) error { return s.Write(filepath.Join(res.Dir, "tried.json")) },
		Say:  func(line string) { t.Log(line) },
		Rerun: func(c shrink.Candidate) (bool, error) {
			spec := res.Spec
			spec.Rate = c.Rate
			again, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test", Plan: c.Plan})
			return slices.Contains(Violations(again.Verdict), kind), err
		},
	}
	got, err := p.Run(shrink.Candidate{Plan: res.Plan, Rate: res.Spec.Rate}, &shrink.State{Format: shrink.StateFormat, Kind: string(kind)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("mutant %s: %d events of %d, %g operations/s of %g, %d of %d reproduce %s: %s",
		mutant, len(got.Plan), len(res.Plan), got.Rate, res.Spec.Rate, got.Reproduced, got.Runs, kind, got.Candidate)
	return got, len(res.Plan)
}
