package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/scenario"
	"github.com/ackproof/ackproof/internal/soak"
)

// soakFlags are the flags of soak that are not those of a run.
type soakFlags struct {
	runFlags
	round     run.Duration
	resume    string
	scenarios []string
}

// resumable are the flags that go with --resume: the rest stands in the soak's
// file.
var resumable = []string{"resume", "time-limit", "disk-budget", "keep-going", "quiet", "metrics-addr"}

func (a *app) soakCmd() *cobra.Command {
	spec := run.Default()
	spec.TimeLimit = run.Duration(time.Hour)
	f := soakFlags{round: run.Duration(5 * time.Minute)}
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Make round after round on one cluster, for hours",
		Long: `Make rounds on one long-lived cluster until the time is up: each with a seed,
topics and a directory of its own, each judged. Between two rounds the cluster is
proven to be whole and its links to be clean.

Of rounds that passed spec, plan, verdict and summary are kept, of all others
everything. The soak ends at the first violation, unless it is to keep going; an
unknown round is counted, and the next one begins. One that was killed goes on
with --resume.

Exit codes: 1 where a round found a violation, else 2 where one is unknown, else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.resume != "" {
				return a.resumeSoak(cmd.Flags(), spec, f)
			}
			return a.newSoak(cmd.Flags(), spec, f)
		},
	}
	specFlags(cmd.Flags(), &spec)
	cmd.Flags().Lookup("time-limit").Usage = "length of the soak: no round begins after it"
	cmd.Flags().Lookup("keep-going").Usage = "go on after a violation, in its round and with the next one"
	cmd.Flags().Lookup("name").Usage = "name of the soak's directory, before the time (default: soak-target-workload)"
	durationFlag(cmd.Flags(), &f.round, "round", "length of a round's main phase; scenarios have their own")
	cmd.Flags().StringArrayVar(&f.scenarios, "scenario", nil, "make rounds of this scenario; several take turns")
	cmd.Flags().Var(&f.budget, "disk-budget", "most that the soak's directory may hold, such as 20GB: the oldest rounds that passed go first")
	cmd.Flags().StringVar(&f.resume, "resume", "", "go on with the soak in this directory")
	cmd.Flags().StringVar(&f.store, "store", defaultStore, "directory for run directories")
	cmd.Flags().StringVar(&f.metrics, "metrics-addr", "", "serve the soak's own metrics for Prometheus on this address, such as 127.0.0.1:9999")
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "no status line")
	return cmd
}

// newSoak begins a soak.
func (a *app) newSoak(fs *pflag.FlagSet, spec run.Spec, f soakFlags) error {
	limit := spec.TimeLimit
	spec.TimeLimit = f.round
	if limit < run.Duration(time.Second) || limit > run.Duration(30*24*time.Hour) {
		return usage(fmt.Errorf("--time-limit is %v; allowed are 1s to 720h", time.Duration(limit)))
	}
	if len(f.scenarios) > 0 {
		spec.Nemesis = []string{"none"}
	}
	if err := finishSpec(&spec, fs); err != nil {
		return usage(fmt.Errorf("%w (a soak's --time-limit is its own length, --round that of a round)", err))
	}
	if !fs.Changed("name") {
		spec.Name = "soak-" + spec.Name
	}
	specs := []run.Spec{spec}
	if len(f.scenarios) > 0 {
		var err error
		if specs, err = soakScenarios(fs, spec, f.scenarios); err != nil {
			return usage(err)
		}
	}
	file := soak.File{Seed: spec.Seed, Specs: specs, Limit: limit, DiskBudget: int64(f.budget), KeepGoing: spec.KeepGoing}
	o, release, err := a.soakOptions(f)
	if err != nil {
		return usage(err)
	}
	defer release()
	s, err := soak.New(f.store, file, o)
	return a.soak(s, err)
}

// soakScenarios makes a spec of each scenario under the flags.
func soakScenarios(fs *pflag.FlagSet, base run.Spec, names []string) (specs []run.Spec, err error) {
	own := []string{"scenario", "time-limit", "round", "disk-budget", "store", "quiet", "name", "metrics-addr"}
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Changed && !slices.Contains(scenarioFlags, f.Name) && !slices.Contains(own, f.Name) {
			err = fmt.Errorf("--%s: with --scenario that is for the scenario to say (%s can be given)", f.Name, "--"+strings.Join(scenarioFlags, " --"))
		}
	})
	if err != nil {
		return nil, err
	}
	s := scenarioRun{spec: base, flags: pflag.NewFlagSet("soak", pflag.ContinueOnError)}
	for _, name := range scenarioFlags {
		s.flags.AddFlag(fs.Lookup(name))
	}
	for _, name := range names {
		sc, err := scenario.Find(name)
		if err != nil {
			return nil, err
		}
		if !sc.Fits(base.Target) {
			return nil, fmt.Errorf("scenario %s makes no sense on the target %s", name, base.Target)
		}
		spec, err := sc.Spec(base)
		if err == nil {
			spec, err = s.over(spec)
		}
		if err != nil {
			return nil, fmt.Errorf("scenario %s: %w", name, err)
		}
		spec.Name = base.Name
		specs = append(specs, spec)
	}
	return specs, nil
}

// resumeSoak goes on with a soak.
func (a *app) resumeSoak(fs *pflag.FlagSet, spec run.Spec, f soakFlags) error {
	var wrong error
	fs.VisitAll(func(fl *pflag.Flag) {
		if fl.Changed && !slices.Contains(resumable, fl.Name) {
			wrong = fmt.Errorf("--%s: a resumed soak is what its %s says; only --%s can be changed", fl.Name, soak.FileName, strings.Join(resumable[1:], " --"))
		}
	})
	if wrong != nil {
		return usage(wrong)
	}
	o, release, err := a.soakOptions(f)
	if err != nil {
		return usage(err)
	}
	defer release()
	s, err := soak.Resume(f.resume, o)
	if err == nil {
		if fs.Changed("time-limit") {
			s.File.Limit = spec.TimeLimit
		}
		if fs.Changed("disk-budget") {
			s.File.DiskBudget = int64(f.budget)
		}
		if fs.Changed("keep-going") {
			s.File.KeepGoing = spec.KeepGoing
		}
		fmt.Fprintf(a.out, "resuming %s after %d rounds and %v of %v\n", s.Dir, len(s.File.Rounds),
			time.Duration(s.File.Elapsed).Round(time.Second), time.Duration(s.File.Limit))
	}
	return a.soak(s, err)
}

// soakOptions are what the command line gives a soak; release ends what they hold.
func (a *app) soakOptions(f soakFlags) (o soak.Options, release func(), err error) {
	o = soak.Options{
		Tool: tool(), Progress: a.progress,
		Repeat: func(s run.Spec) string { return soakRepeat(s, f) },
		Done: func(r soak.Round) {
			fmt.Fprintln(a.out, r.Line())
			if !r.Passed() {
				fmt.Fprintf(a.out, "  repeat: %s\n", r.Repeat)
			}
		},
		Summary: func(w io.Writer, r run.Result, repeat string) {
			report.Summary(w, report.Run{Header: r.Header, Verdict: r.Verdict, Dir: r.Dir, Mutant: r.Spec.Mutant, Repeat: repeat})
		},
	}
	end := func() error { return nil }
	if f.metrics != "" {
		o.Metrics = metrics.NewRun()
		var url string
		if url, end, err = o.Metrics.Serve(f.metrics); err != nil {
			return o, nil, err
		}
		fmt.Fprintf(a.err, "metrics: %s\n", url)
	}
	if !f.quiet {
		line := newStatusLine(a.err)
		o.Begin = func(n int, s run.Spec) {
			line.clear()
			line.last, line.phase, line.prefix = -plainEvery, "", fmt.Sprintf("[%d] ", n)
		}
		o.Status = line.show
	}
	stop, quiet := onInterrupt(a.err)
	o.Stop = stop
	return o, func() { quiet(); _ = end() }, nil
}

// soakRepeat is the command that makes a round again by itself.
func soakRepeat(s run.Spec, f soakFlags) string {
	if s.Scenario == "" {
		s.Name = defaultName(s)
		return repeatCommand(s, f.runFlags)
	}
	return fmt.Sprintf("ackproof scenario run %s --target %s --seed %d", quote(s.Scenario), quote(s.Target), s.Seed)
}

// soak makes the rounds, prints the table and chooses the exit code.
func (a *app) soak(s *soak.Soak, err error) error {
	if err == nil {
		let, err := a.guard(s.File.Specs[0])
		if err != nil {
			return err
		}
		defer let()
		return a.soaked(s, s.Run(context.Background()))
	}
	return a.soaked(s, err)
}

// soaked is the end of a soak: its table and its exit code.
func (a *app) soaked(s *soak.Soak, err error) error {
	var refused *run.Refused
	switch {
	case errors.As(err, &refused) && (s == nil || len(s.File.Rounds) == 0):
		return usage(err)
	case s == nil:
		return internal(err)
	}
	fmt.Fprintln(a.out)
	s.File.Table(a.out, s.Dir)
	worst := s.File.Worst()
	if s.File.Ended == soak.DiskFull && worst == checker.Valid {
		worst = checker.Unknown
	}
	switch {
	case worst == checker.Invalid:
		return &exitError{exitInvalid, err}
	case err != nil && len(s.File.Rounds) == 0:
		return internal(err)
	case worst == checker.Unknown || err != nil:
		return &exitError{exitUnknown, err}
	}
	return nil
}
