package main

import (
	"errors"
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
			saved, err := run.Load(args[0])
			if err != nil {
				return usage(err)
			}
			return a.inNetns(saved.Spec, func() error { return a.replay(args[0], saved, n, store, quiet) })
		},
	}
	cmd.Flags().IntVarP(&n, "runs", "n", 1, "how many times")
	cmd.Flags().StringVar(&store, "store", defaultStore, "directory for run directories")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "no status line")
	return cmd
}

// replay makes the run n times, fewer where the user stops it. A replay whose
// harness failed counts as unknown and is listed.
func (a *app) replay(dir string, saved run.Saved, n int, store string, quiet bool) error {
	if !saved.Judged {
		fmt.Fprintf(a.out, "%s has no verdict.json: there is nothing to compare with\n", dir)
	}
	repeat := "ackproof replay " + quote(dir)
	if store != defaultStore {
		repeat += " --store " + quote(store)
	}
	saved.Spec.KeepGoing = true // every kind has to be found again, not only the first
	stop, release := onInterrupt(a.err)
	defer release()
	worst, same, made := checker.Valid, 0, 0
	for made < n && !stopped(stop) {
		made++
		o := run.Options{Store: store, Tool: tool(), Plan: saved.Plan, Repeat: repeat, Summary: summary(repeat)}
		res, err := a.supervised(saved.Spec, o, stop, quiet)
		var refused *run.Refused
		if errors.As(err, &refused) {
			return usage(err)
		}
		if err != nil {
			fmt.Fprintf(a.err, "ackproof: replay %d of %d: %s\n", made, n, sentence(err))
		}
		again := err == nil && saved.Judged && run.Reproduces(saved.Verdict, res.Verdict)
		if again {
			same++
		}
		said := "not reproduced"
		switch {
		case !saved.Judged:
			said = "not compared"
		case again:
			said = "reproduced"
		}
		fmt.Fprintf(a.out, "replay %d of %d: %s (%s) %s\n", made, n, said, finding(res.Verdict), res.Dir)
		if err != nil {
			worst = worse(worst, checker.Unknown)
		}
		worst = worse(worst, res.Verdict.Valid)
	}
	if saved.Judged {
		fmt.Fprintf(a.out, "%d of %d reproduced %s\n", same, made, finding(saved.Verdict))
	}
	return verdictCode(worst)
}

// finding is a verdict in a few words.
func finding(v checker.Verdict) string {
	if kinds := run.Violations(v); len(kinds) > 0 {
		return v.Valid.String() + ": " + join(kinds)
	}
	return v.Valid.String()
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
