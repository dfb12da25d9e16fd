package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/nemesis"
)

// Saved is what a replay needs of a run directory.
type Saved struct {
	Spec    Spec
	Plan    nemesis.Plan
	Verdict checker.Verdict
	Judged  bool // there is a verdict; a run that was killed has none
}

// Load reads spec, plan and verdict, if there is one, of a saved run.
func Load(dir string) (s Saved, err error) {
	if s.Spec, err = ReadSpec(filepath.Join(dir, histories.SpecFile)); err != nil {
		return s, err
	}
	path := filepath.Join(dir, histories.PlanFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("read plan: %w", err)
	}
	if s.Plan, err = nemesis.ParsePlan(path, b, s.Spec.NodeNames()); err != nil {
		return s, err
	}
	if s.Plan == nil {
		s.Plan = nemesis.Plan{} // walk it as it is, even if it is empty
	}
	path = filepath.Join(dir, histories.VerdictFile)
	b, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read verdict: %w", err)
	}
	if err := json.Unmarshal(b, &s.Verdict); err != nil {
		return s, fmt.Errorf("verdict %s: %w", path, err)
	}
	s.Judged = true
	return s, nil
}

// Violations are the kinds that make a verdict invalid, sorted.
func Violations(v checker.Verdict) []checker.Kind {
	var kinds []checker.Kind
	for _, a := range v.Anomalies {
		if a.AllowedBy == "" {
			kinds = append(kinds, a.Kind)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// Reproduces tells whether the new verdict is the old one again: every kind
// that made the old one invalid is found, or, where the old one was not
// invalid, it is the same validity.
func Reproduces(before, after checker.Verdict) bool {
	want, got := Violations(before), Violations(after)
	for _, k := range want {
		if !slices.Contains(got, k) {
			return false
		}
	}
	return len(want) > 0 || before.Valid == after.Valid
}

// Replay makes the saved run again, with the same plan and operations on a
// fresh cluster. A live rerun is a rate, never a promise.
func Replay(ctx context.Context, dir string, o Options) (Saved, Result, error) {
	s, err := Load(dir)
	if err != nil {
		return s, Result{}, err
	}
	o.Plan = s.Plan
	spec := s.Spec
	spec.KeepGoing = true // every kind has to be found again, not only the first
	res, err := Run(ctx, spec, o)
	return s, res, err
}
