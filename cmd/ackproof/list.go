package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
)

func (a *app) listCmd() *cobra.Command {
	return &cobra.Command{
		Use:       "list " + strings.Join(catalogueNames(), "|"),
		Short:     "List a catalogue, one entry a line, its name first",
		Args:      cobra.ExactArgs(1),
		ValidArgs: catalogueNames(),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := run.ByName("catalogue", args[0], report.Catalogues(), func(c report.Catalogue) string { return c.Name })
			if err != nil {
				return usage(err)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, r := range c.Rows {
				fmt.Fprintf(w, "%s\t%s\n", r.Name, r.Line)
			}
			if err := w.Flush(); err != nil {
				return internal(fmt.Errorf("print: %w", err))
			}
			return nil
		},
	}
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
