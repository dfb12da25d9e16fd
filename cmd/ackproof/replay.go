package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
)

func (a *app) replayCmd() *cobra.Command {
	var (
		n     int
		store string
		quiet bool
	)
	cmd := &cobra.Command{
		Use:   "replay DIR",
		Short: "Make a saved run again: same plan, same operations, fresh cluster",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 {
				return usage(fmt.Errorf("-n is %d; want at least 1", n))
			}
			return a.replay(args[0], n, store, quiet)
		},
	}
	cmd.Flags().IntVarP(&n, "runs", "n", 1, "how many times")
	cmd.Flags().StringVar(&store, "store", "store", "directory for run directories")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "no status line")
	return cmd
}

func (a *app) replay(dir string, n int, store string, quiet bool) error {
	saved, err := run.Load(dir)
	if err != nil {
		return usage(err)
	}
	what := saved.Verdict.Valid.String()
	if kinds := run.Violations(saved.Verdict); len(kinds) > 0 {
		what = join(kinds)
	}
	worst, same := checker.Valid, 0
	for i := range n {
		o := run.Options{Store: store, Tool: tool(), Plan: saved.Plan, Summary: summary("ackproof replay " + dir)}
		res, err := a.supervised(saved.Spec, o, quiet)
		if err != nil {
			return internal(fmt.Errorf("replay %d of %d: %w", i+1, n, err))
		}
		again := run.Reproduces(saved.Verdict, res.Verdict)
		if again {
			same++
		}
		found := res.Verdict.Valid.String()
		if kinds := run.Violations(res.Verdict); len(kinds) > 0 {
			found += ": " + join(kinds)
		}
		fmt.Fprintf(a.out, "replay %d of %d: %s (%s) %s\n", i+1, n, map[bool]string{true: "reproduced", false: "not reproduced"}[again], found, res.Dir)
		worst = worse(worst, res.Verdict.Valid)
	}
	fmt.Fprintf(a.out, "%d of %d reproduced %s\n", same, n, what)
	return verdictCode(worst)
}

// worse orders invalid before unknown before valid.
func worse(a, b checker.Validity) checker.Validity {
	switch {
	case a == checker.Invalid || b == checker.Invalid:
		return checker.Invalid
	case a == checker.Unknown || b == checker.Unknown:
		return checker.Unknown
	}
	return checker.Valid
}

func join(kinds []checker.Kind) string {
	s := make([]string, len(kinds))
	for i, k := range kinds {
		s[i] = string(k)
	}
	return strings.Join(s, ", ")
}
