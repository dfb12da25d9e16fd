package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/scenario"
)

func (a *app) suiteCmd() *cobra.Command {
	var (
		s     *scenarioRun
		junit string
	)
	cmd := &cobra.Command{
		Use:   "suite guide|all|controls|NAME|FILE",
		Short: "Run several scenarios on one cluster, one after the other",
		Long: `Run the scenarios of a suite on one cluster, each on topics of its own. Between
two of them the cluster is proven to be whole and its links to be clean.

A violated scenario makes the suite invalid (exit 1), and else an unknown one
makes it unknown (exit 2). On GitHub Actions what is wrong becomes annotations,
and the table goes to the job's step summary.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.suite(s, args[0], junit) },
	}
	s = newScenarioRun(cmd)
	cmd.Flags().StringVar(&junit, "junit", "", "write a JUnit file for continuous integration")
	return cmd
}

// suite runs the scenarios and reports on them.
func (a *app) suite(s *scenarioRun, name, junit string) error {
	base, err := s.base()
	if err != nil {
		return usage(err)
	}
	return a.inNetns(base, func() error { return a.suiteOf(s, base, name, junit) })
}

// suiteOf is suite where it is to be run.
func (a *app) suiteOf(s *scenarioRun, base run.Spec, name, junit string) error {
	list, others, err := scenario.Select(name, base)
	if err != nil {
		return usage(err)
	}
	rep := report.Suite{Name: name, Target: base.Target}
	for _, o := range others {
		rep.Skipped = append(rep.Skipped, report.SuiteSkip{Scenario: o.Name, Why: o.Why})
	}
	stop, release := onInterrupt(a.err)
	defer release()
	let, err := a.guard(base)
	if err != nil {
		return err
	}
	defer let()
	_, err = scenario.RunSuite(context.Background(), list, scenario.SuiteOptions{
		Name: name, Base: base, Over: s.over, Stop: stop, Store: s.f.store,
		Options: func(sc *scenario.Scenario) run.Options {
			o := s.options("scenario run", sc)
			if !s.f.quiet {
				o.Status = newStatusLine(a.err).show
			}
			return o
		},
		Begin: func(i, of int, sc *scenario.Scenario) {
			fmt.Fprintf(a.err, "\n[%d/%d] %s: %s\n", i+1, of, sc.Name, sc.Doc)
		},
		Done: func(o scenario.Outcome) {
			row := suiteRow(o)
			rep.Rows = append(rep.Rows, row)
			fmt.Fprintf(a.out, "%s: %s (%.0f s) %s\n", row.Scenario, row.Valid, row.Took.Seconds(), row.Dir)
			for _, e := range row.Verdict.Expectations {
				fmt.Fprintf(a.out, "  %s: %s: %s\n", e.Name, report.Met(e.Met), e.Why)
			}
		},
	})
	var refused *run.Refused
	if errors.As(err, &refused) && len(rep.Rows) == 0 {
		return usage(err)
	}
	return a.concludeSuite(rep, err, junit)
}

func suiteRow(o scenario.Outcome) report.SuiteRow {
	return report.SuiteRow{
		Scenario: o.Scenario.Name, Doc: o.Scenario.Doc, Valid: o.Valid(), Verdict: o.Result.Verdict,
		Dir: o.Result.Dir, Took: o.Took, Err: o.Err,
	}
}

// concludeSuite writes the reports and chooses the exit code: a violation stands
// whatever else went wrong.
func (a *app) concludeSuite(rep report.Suite, failed error, junit string) error {
	report.SuiteTable(a.out, rep)
	var errs []error
	if junit != "" {
		errs = append(errs, writeFile(junit, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, func(w io.Writer) error { return report.JUnit(w, rep) }))
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		report.Annotations(a.out, rep)
	}
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		errs = append(errs, writeFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, func(w io.Writer) error { return report.SuiteMarkdown(w, rep) }))
	}
	err := errors.Join(append(errs, failed)...)
	switch worst := rep.Worst(); {
	case worst == checker.Invalid:
		return &exitError{exitInvalid, err}
	case err != nil && len(rep.Rows) == 0:
		return internal(err)
	case worst == checker.Unknown || failed != nil:
		return &exitError{exitUnknown, err}
	case err != nil:
		return internal(err)
	}
	return nil
}

// writeFile writes a report into a file.
func writeFile(path string, mode int, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, mode, 0o644)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
