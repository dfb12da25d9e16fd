package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/scenario"
)

// scenarioFlags are the flags of a run that scenarios and suites take. What they
// say goes before what a scenario's file says.
var scenarioFlags = []string{
	"target", "cluster", "netns", "seed", "rate", "concurrency", "nodes", "op-timeout", "whole-limit", "final-limit", "acks", "replication",
	"topic-config", "durability", "model", "toxiproxy", "proxies", "reset", "mutant", "metrics", "metric", "keep-topics", "keep-going", "compress",
}

// scenarioRun is the command line of a scenario or a suite.
type scenarioRun struct {
	spec  run.Spec
	flags *pflag.FlagSet // of the run
	f     runFlags
}

// newScenarioRun binds the flags to the command.
func newScenarioRun(cmd *cobra.Command) *scenarioRun {
	s := &scenarioRun{spec: run.Default(), flags: pflag.NewFlagSet("run", pflag.ContinueOnError)}
	specFlags(s.flags, &s.spec)
	for _, name := range scenarioFlags {
		if f := s.flags.Lookup(name); f != nil {
			cmd.Flags().AddFlag(f)
		}
	}
	cmd.Flags().StringVar(&s.f.store, "store", defaultStore, "directory for run directories")
	cmd.Flags().BoolVar(&s.f.quiet, "quiet", false, "no status line")
	return s
}

// base is what the flags say before a scenario says the rest.
func (s *scenarioRun) base() (run.Spec, error) {
	s.spec.Nemesis = []string{"none"}
	return s.spec, finishSpec(&s.spec, s.flags)
}

// given lists the flags that were given, as words of a command line. The seed
// stands last, given or not.
func (s *scenarioRun) given() []string {
	var args []string
	s.flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Name != "seed" {
			args = append(args, flagWords(f)...)
		}
	})
	if s.f.store != defaultStore {
		args = append(args, "--store", quote(s.f.store))
	}
	return append(args, "--seed", fmt.Sprint(s.spec.Seed))
}

// over puts what the flags say over what the scenario says.
func (s *scenarioRun) over(spec run.Spec) (run.Spec, error) {
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	kept := spec
	specFlags(fs, &spec)
	spec = kept // binding a flag resets some fields to its default
	var err error
	s.flags.VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		for _, v := range flagValues(f) {
			if e := fs.Set(f.Name, v); e != nil && err == nil {
				err = e
			}
		}
	})
	if err != nil {
		return spec, err
	}
	return spec, spec.Validate()
}

func (a *app) scenarioCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scenario list|show|run",
		Short: "Named experiments: what to run, which faults when, and what is expected",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.scenarioListCmd(), a.scenarioShowCmd(), a.scenarioRunCmd())
	return cmd
}

func (a *app) scenarioListCmd() *cobra.Command {
	var where string
	cmd := &cobra.Command{
		Use: "list", Short: "List the scenarios, one a line, its name first", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := scenario.Shipped()
			if err != nil {
				return internal(err)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, s := range all {
				if where != "" && !s.Fits(where) {
					continue
				}
				guide := ""
				if s.Guide != "" {
					guide = "[guide] "
				}
				fmt.Fprintf(w, "%s\t%s%s\n", s.Name, guide, s.Doc)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&where, "target", "", "only those that make sense on this target")
	return cmd
}

func (a *app) scenarioShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME|FILE", Short: "Print a scenario's file", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := scenario.Find(args[0])
			if err != nil {
				return usage(err)
			}
			_, err = a.out.Write(s.Text)
			return err
		},
	}
}

func (a *app) scenarioRunCmd() *cobra.Command {
	var s *scenarioRun
	cmd := &cobra.Command{
		Use: "run NAME|FILE", Short: "Run a scenario and judge what it expects", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, sc, err := s.find(args[0])
			if err != nil {
				return usage(err)
			}
			return a.inNetns(spec, func() error {
				stop, release := onInterrupt(a.err)
				defer release()
				res, err := a.supervised(spec, s.options("scenario run", sc), stop, s.f.quiet || s.f.json)
				return a.conclude(res, err, s.f.json)
			})
		},
	}
	s = newScenarioRun(cmd)
	cmd.Flags().BoolVar(&s.f.json, "json", false, "print verdict.json instead of the summary")
	return cmd
}

// find makes the spec of a scenario under the flags.
func (s *scenarioRun) find(name string) (run.Spec, *scenario.Scenario, error) {
	sc, err := scenario.Find(name)
	if err != nil {
		return run.Spec{}, nil, err
	}
	base, err := s.base()
	if err != nil {
		return base, nil, err
	}
	spec, err := sc.Spec(base)
	if err == nil {
		spec, err = s.over(spec)
	}
	return spec, sc, err
}

// options are those of the run of a scenario, with the command that repeats it.
func (s *scenarioRun) options(command string, sc *scenario.Scenario) run.Options {
	o := run.Options{Store: s.f.store, Tool: tool(), Repeat: "ackproof " + command + " " + quote(sc.Source())}
	for _, word := range s.given() {
		o.Repeat += " " + word
	}
	o.Summary = summary(o.Repeat)
	return o
}
