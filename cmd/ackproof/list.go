package main

import (
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/nemesis"
)

func (a *app) listCmd() *cobra.Command {
	var where, toxiproxy string
	var nodes int
	var netns bool
	cmd := &cobra.Command{
		Use:       "list " + strings.Join(catalogueNames(), "|"),
		Short:     "List a catalogue, one entry a line, its name first",
		Args:      cobra.ExactArgs(1),
		ValidArgs: catalogueNames(),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := run.CheckTarget(where); err != nil {
				return usage(fmt.Errorf("--target: %w", err))
			}
			if err := nemesis.CheckURL(toxiproxy); err != nil {
				return usage(fmt.Errorf("--toxiproxy: %w", err))
			}
			offer := run.OfferOf(where, nodes, toxiproxy, netns)
			c, err := run.ByName("catalogue", args[0], report.CataloguesOn(offer), func(c report.Catalogue) string { return c.Name })
			if err != nil {
				return usage(err)
			}
			signal.Ignore(syscall.SIGPIPE) // the write below says so as well
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, r := range c.Rows {
				fmt.Fprintf(w, "%s\t%s\n", r.Name, r.Line)
			}
			if err := w.Flush(); errors.Is(err, syscall.EPIPE) {
				return nil // the reader, head perhaps, has seen enough
			} else if err != nil {
				return internal(fmt.Errorf("print: %w", err))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&where, "target", "embedded", "faults: mark what --nemesis all means on this target")
	cmd.Flags().StringVar(&toxiproxy, "toxiproxy", "", "faults: mark what --nemesis all means on a foreign Toxiproxy server")
	cmd.Flags().IntVar(&nodes, "nodes", 3, "faults: with so many nodes")
	cmd.Flags().BoolVar(&netns, "netns", false, "faults: in a network namespace of the run's own")
	return cmd
}

func catalogueNames() []string {
	var names []string
	for _, c := range report.Catalogues() {
		names = append(names, c.Name)
	}
	return names
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, tool())
			return err
		},
	}
}
