package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/doctor"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

func (a *app) doctorCmd() *cobra.Command {
	var where, url, topology string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps a run from meaning anything, and say what mends it",
		Long: `doctor looks at this machine, at a Toxiproxy server and its proxies, and at the
brokers: busy ports, missing or broken proxies, left-over toxics, brokers that do
not answer directly or through their proxy, clients that go round the proxies,
toxics without effect, missing tools. The exit code is 1 on a finding.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := doctor.Config{Target: where, Toxiproxy: url}
			if where != "" {
				if err := target.Check(where); err != nil {
					return usage(fmt.Errorf("--target: %w", err))
				}
				if name, arg, _ := strings.Cut(where, ":"); name == "external" {
					cfg.Brokers = strings.Split(arg, ",")
				}
			}
			if err := nemesis.CheckURL(url); err != nil {
				return usage(fmt.Errorf("--toxiproxy: %w", err))
			}
			if topology != "" {
				t, err := run.Topology(topology)
				if err != nil {
					return usage(err)
				}
				cfg.Topology = &t
				if cfg.Toxiproxy == "" {
					cfg.Toxiproxy = toxiproxyURL
				}
			}
			return a.printReport(doctor.Examine(cmd.Context(), cfg), asJSON)
		},
	}
	cmd.Flags().StringVar(&where, "target", "", "the target that is to be used: kafka, external:HOST:PORT,… (see list targets)")
	cmd.Flags().StringVar(&url, "toxiproxy", "", "URL of the Toxiproxy server that is to be used")
	cmd.Flags().StringVar(&topology, "proxies", "", "the proxies that should stand on it: guide, or a YAML file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printReport prints what was found; its exit code is 1 on a finding.
func (a *app) printReport(r doctor.Report, asJSON bool) error {
	if asJSON {
		b, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			return internal(err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
	} else {
		for _, n := range r.Notes {
			fmt.Fprintf(a.out, "ok       %s: %s\n", n.Check, n.Says)
		}
		for _, f := range r.Findings {
			fmt.Fprintf(a.out, "finding  %s: %s\n         why:  %s\n         mend: %s\n", f.Check, f.Found, f.Why, f.Mend)
		}
		fmt.Fprintf(a.out, "%d findings\n", len(r.Findings))
	}
	if len(r.Findings) > 0 {
		return &exitError{code: exitInvalid}
	}
	return nil
}
