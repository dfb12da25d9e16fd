package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/museum"
	"github.com/ackproof/ackproof/internal/run"
)

func (a *app) museumCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "museum list|run|all",
		Short: "Real bugs of Kafka-compatible systems, each convicted by its name",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.museumListCmd(), a.museumRunCmd(), a.museumAllCmd())
	return cmd
}

func (a *app) museumListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the exhibits: number, what it is convicted of, the real bug", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return museum.List(a.out) },
	}
}

// visit is the command line of a visit to the museum.
type visit struct {
	store    string
	seed     uint64
	seeds    int
	markdown string
	quiet    bool
}

func (v *visit) bind(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&v.store, "store", defaultStore, "directory for run directories")
	cmd.Flags().Uint64Var(&v.seed, "seed", 1, "of the first visit")
	cmd.Flags().IntVar(&v.seeds, "seeds", 1, "visits, each with the next seed")
	cmd.Flags().StringVar(&v.markdown, "markdown", "", "put the table of medians between its markers in this file")
	cmd.Flags().BoolVar(&v.quiet, "quiet", false, "no status line")
	return cmd
}

func (a *app) museumRunCmd() *cobra.Command {
	var v visit
	return v.bind(&cobra.Command{
		Use: "run [N…]", Short: "Run exhibits and their sound twins, by number",
		Long: `Run each exhibit as a broken broker that must be convicted by the bug's own
name, of nothing but what its ledger says, and then the same plan with a sound
broker, which must stay valid. Without numbers it runs all of them.

Exit codes: 0 every exhibit is convicted and every twin is valid, 1 one is not,
2 a twin proved nothing.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return a.museum(v, args) },
	})
}

func (a *app) museumAllCmd() *cobra.Command {
	var v visit
	return v.bind(&cobra.Command{
		Use: "all", Short: "Run every exhibit that is built", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.museum(v, nil) },
	})
}

// museum shows exhibits, each with every seed.
func (a *app) museum(v visit, args []string) error {
	exhibits, err := museum.Select(args)
	if err != nil {
		return usage(err)
	}
	if v.seeds < 1 || v.seeds > 1000 {
		return usage(fmt.Errorf("--seeds %d: want 1 to 1000", v.seeds))
	}
	stop, release := onInterrupt(a.err)
	defer release()
	line := newStatusLine(a.err)
	o := museum.Options{Store: v.store, Options: func(e museum.Exhibit, seed uint64) run.Options {
		o := run.Options{Tool: tool(), Stop: stop, Progress: a.progress}
		if !v.quiet {
			o.Status = line.show
		}
		o.Repeat = fmt.Sprintf("ackproof museum run %d --seed %d", e.Number, seed)
		o.Summary = summary(o.Repeat)
		return o
	}}
	var all []museum.Outcome
	for _, e := range exhibits {
		fmt.Fprintf(a.out, "%d. %s (%s)\n", e.Number, e.Bug, e.Source)
		for _, s := range e.Shows {
			for i := range v.seeds {
				out, err := s.Visit(context.Background(), e, v.seed+uint64(i), o)
				if err != nil {
					return museumFailed(err)
				}
				if stopped(stop) {
					return &exitError{exitUnknown, errors.New("the visit was interrupted; what it left is in " + v.store)}
				}
				all = append(all, out)
				line.clear()
				fmt.Fprintln(a.out, out.Line())
			}
		}
	}
	return a.concludeMuseum(v, all)
}

func museumFailed(err error) error {
	var refused *run.Refused
	if errors.As(err, &refused) {
		return usage(err)
	}
	return internal(err)
}

// concludeMuseum writes the table and chooses the exit code.
func (a *app) concludeMuseum(v visit, all []museum.Outcome) error {
	shown := 0
	for _, o := range all {
		if o.Skipped == "" {
			shown++
		}
	}
	worst := museum.Worst(all)
	fmt.Fprintf(a.out, "%d shows, %d skipped: %s\n", shown, len(all)-shown, museumWords[worst])
	if v.markdown != "" {
		if err := museum.WriteTable(v.markdown, all); err != nil {
			return fileError(err)
		}
	}
	return verdictCode(worst)
}

// museumWords say what a visit came to.
var museumWords = map[checker.Validity]string{
	checker.Valid:   "every exhibit is convicted by its name, and every twin is valid",
	checker.Invalid: "not every exhibit is what it says",
	checker.Unknown: "not everything was proven",
}
