package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/shrink"
)

func (a *app) shrinkCmd() *cobra.Command {
	var (
		o        shrink.Options
		kind     string
		contract string
		plan     bool
		f        planFlags
	)
	cmd := &cobra.Command{
		Use:   "shrink DIR|FILE",
		Short: "Find the smallest history, or plan, that still shows an anomaly",
		Long: `Find the smallest part of a history that the checker still convicts of the
same case of the same kind. No operation and no record in one can be taken away
from it. It is written beside the history as shrunk-<kind>.jsonl, .edn and .txt.

With --plan: find the smallest plan of faults that still brings the anomaly
about, by reruns against the run's target: fewer events, then shorter ones, then
less load. A candidate counts where one of its -n reruns shows the kind. What was
tried is kept in the run directory: the same command goes on from there.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyWith(cmd, plan); err != nil {
				return usage(err)
			}
			if plan {
				if err := f.check(); err != nil {
					return usage(err)
				}
				return a.shrinkPlan(args[0], checker.Kind(kind), f)
			}
			o.Kind = checker.Kind(kind)
			if err := run.CheckModel(o.Check.Model); err != nil {
				return usage(err)
			}
			if contract != "" {
				c, err := histories.ParseContract(contract)
				if err != nil {
					return usage(fmt.Errorf("--contract: %w", err))
				}
				o.Check.Contract = &c
			}
			return a.shrinkHistory(args[0], o)
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "the headline kind to keep (default: the verdict's first violation)")
	cmd.Flags().StringVar(&o.Check.Model, "model", "", "judge by strict, kafka or session instead of the header's")
	cmd.Flags().StringVar(&contract, "contract", "", "state or override clauses: acks=all,idempotence=true,reads=kafka,…")
	cmd.Flags().BoolVar(&plan, "plan", false, "shrink the plan of the run directory by reruns, not its history")
	cmd.Flags().IntVarP(&f.n, "reruns", "n", 3, "with --plan: reruns of each candidate")
	cmd.Flags().IntVar(&f.runs, "runs", 0, "with --plan: reruns in all, 0: no limit")
	cmd.Flags().DurationVar(&f.budget, "budget", 30*time.Minute, "with --plan: begin no rerun after this time, 0: no limit")
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "with --plan: no status line")
	return cmd
}

// onlyWith refuses flags that mean nothing to what was asked for.
func onlyWith(cmd *cobra.Command, plan bool) error {
	names, other := []string{"reruns", "runs", "budget", "quiet"}, "are for"
	if plan {
		names, other = []string{"model", "contract"}, "are not for"
	}
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s: --%s %s --plan", name, strings.Join(names, ", --"), other)
		}
	}
	return nil
}

func (a *app) shrinkHistory(path string, o shrink.Options) error {
	info, err := os.Stat(path)
	if err != nil {
		return usage(fmt.Errorf("open history: %w", err))
	}
	dir := path
	if !info.IsDir() {
		dir = filepath.Dir(path)
	}
	if o.Check.Model == "" { // a run directory is judged as its run was
		spec, err := run.ReadSpec(filepath.Join(path, histories.SpecFile))
		switch {
		case err == nil:
			o.Check.Model = spec.Model
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return usage(err)
		}
	}
	h, err := shrink.Shrink(path, o)
	var nothing *shrink.Nothing
	switch {
	case errors.As(err, &nothing):
		return usage(fmt.Errorf("%s: %w", path, err))
	case err != nil:
		return internal(fmt.Errorf("shrink %s: %w", path, err))
	}
	paths, err := h.Save(dir, path)
	if err != nil {
		return usage(err)
	}
	text, err := h.Text(path)
	if err != nil {
		return internal(err)
	}
	fmt.Fprintf(a.out, "%s\n%s of %d operations, %d times judged; wrote %s\n", text, h.Kind, h.Ops, h.Judged, strings.Join(paths, ", "))
	return nil
}
