package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/shrink"
)

// Files of a search for the smallest plan, in the run directory.
const (
	shrunkPlanFile  = "shrunk-plan.json"       // the smallest plan so far
	shrinkStateFile = "shrunk-plan.tried.json" // what was tried
	rerunsDir       = "shrunk-plan.reruns"     // the last run that reproduced
)

// planFlags are the flags of shrink --plan.
type planFlags struct {
	n, runs int
	budget  time.Duration
	quiet   bool
}

func (f planFlags) check() error {
	switch {
	case f.n < 1:
		return fmt.Errorf("-n is %d; want at least 1", f.n)
	case f.runs < 0:
		return fmt.Errorf("--runs is %d; want 0 for no limit, or more", f.runs)
	case f.budget < 0:
		return fmt.Errorf("--budget is %v; want 0 for no limit, or more", f.budget)
	}
	return nil
}

// shrinkPlan looks for the smallest plan that still brings the anomaly about.
func (a *app) shrinkPlan(dir string, kind checker.Kind, f planFlags) error {
	saved, err := run.Load(dir)
	if err != nil {
		return usage(err)
	}
	violations := run.Violations(saved.Verdict)
	if kind == "" && len(violations) > 0 {
		kind = saved.Verdict.Anomalies[0].Kind // violations stand first
	}
	if !slices.Contains(violations, kind) {
		return usage(fmt.Errorf("%s: there is nothing to shrink: want a violation, the verdict has %s", dir, finding(saved.Verdict)))
	}
	statePath := filepath.Join(dir, shrinkStateFile)
	state, err := shrink.ReadState(statePath, string(kind))
	if err != nil {
		return usage(err)
	}
	stop, release := onInterrupt(a.err)
	defer release()
	r := &rerunner{app: a, saved: saved, kind: kind, store: filepath.Join(dir, rerunsDir), stop: stop, quiet: f.quiet}
	p := &shrink.PlanSearch{
		N: f.n, Runs: f.runs, Budget: f.budget, Rerun: r.rerun, Now: time.Now,
		Say:  func(line string) { fmt.Fprintln(a.out, line) },
		Save: func(s *shrink.State) error { return s.Write(statePath) },
		Stop: func() bool { return stopped(stop) },
	}
	got, err := p.Run(shrink.Candidate{Plan: saved.Plan, Rate: saved.Spec.Rate}, state)
	if err != nil {
		return fileOrInternal(err)
	}
	return a.concludePlan(dir, got, r)
}

// fileOrInternal tells what the user can mend from what is ours.
func fileOrInternal(err error) error {
	var refused *run.Refused
	if errors.As(err, &refused) {
		return usage(err)
	}
	return internal(err)
}

// concludePlan says what the search came to, and writes the plan.
func (a *app) concludePlan(dir string, got shrink.Smallest, r *rerunner) error {
	rate := fmt.Sprintf("%d of %d reruns reproduce %s", got.Reproduced, got.Runs, r.kind)
	if got.Reproduced == 0 {
		fmt.Fprintf(a.out, "%s: %d events are as few as there were\n", rate, len(got.Plan))
		return &exitError{code: exitUnknown}
	}
	path := filepath.Join(dir, shrunkPlanFile)
	if err := os.WriteFile(path, got.Plan.Encode(), 0o644); err != nil {
		return usage(fmt.Errorf("write the plan: %w", err))
	}
	fmt.Fprintf(a.out, "%d events of %d, %g operations/s of %g: %s\n", len(got.Plan), len(got.Began.Plan), got.Rate, got.Began.Rate, rate)
	if !got.Whole {
		fmt.Fprintf(a.out, "the budget is spent after %d reruns; the same command goes on from here\n", got.Made)
	}
	if r.kept != "" {
		fmt.Fprintf(a.out, "a run of it: %s\n", r.kept)
	}
	spec := r.saved.Spec
	spec.Rate = got.Rate
	fmt.Fprintf(a.out, "repeat: %s\n", repeatCommand(spec, runFlags{plan: path, store: defaultStore}))
	return nil
}

// rerunner makes the reruns of a search. Of their directories only that of the
// last one that reproduced is kept.
type rerunner struct {
	app   *app
	saved run.Saved
	kind  checker.Kind
	store string
	stop  <-chan struct{}
	quiet bool
	kept  string
}

// rerun makes a run of a candidate and tells whether it shows the kind.
func (r *rerunner) rerun(c shrink.Candidate) (bool, error) {
	spec := r.saved.Spec
	spec.Rate = c.Rate
	res, err := r.app.supervised(spec, run.Options{Store: r.store, Tool: tool(), Plan: c.Plan}, r.stop, r.quiet)
	var refused *run.Refused
	if errors.As(err, &refused) {
		return false, err
	}
	if err != nil {
		fmt.Fprintf(r.app.err, "ackproof: a rerun failed, and counts as one that does not reproduce: %s\n", sentence(err))
	}
	again := slices.Contains(run.Violations(res.Verdict), r.kind)
	gone := res.Dir
	if again {
		gone, r.kept = r.kept, res.Dir
	}
	if gone != "" {
		if err := os.RemoveAll(gone); err != nil {
			return again, fmt.Errorf("remove the rerun: %w", err)
		}
	}
	return again, nil
}
