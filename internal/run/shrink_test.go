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

// TestPlanShrinksLive shrinks the plan of a run of a broken broker that drops
// the end of a log after its clients have reconnected.
func TestPlanShrinksLive(t *testing.T) {
	if !testAll() {
		t.Skip("makes some dozen runs; ACKPROOF_TEST_ALL=1 runs it")
	}
	res := runShort(t, 1, "drop-tail", "all")
	kinds := Violations(res.Verdict)
	if len(kinds) == 0 {
		t.Skipf("the run is %s", res.Verdict.Valid)
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
	t.Logf("mutant drop-tail: %d events of %d, %g operations/s of %g, %d of %d reproduce %s", len(got.Plan), len(res.Plan), got.Rate, res.Spec.Rate, got.Reproduced, got.Runs, kind)
	if got.Reproduced == 0 || len(got.Plan) >= len(res.Plan) {
		t.Errorf("%d events of %d are left, %d of %d reproduce", len(got.Plan), len(res.Plan), got.Reproduced, got.Runs)
	}
}
