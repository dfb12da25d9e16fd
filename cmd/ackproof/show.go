package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/report/explain"
	"github.com/ackproof/ackproof/internal/run"
)

func (a *app) showCmd() *cobra.Command {
	var o explain.Options
	cmd := &cobra.Command{
		Use:   "show DIR|FILE [ANOMALY]",
		Short: "Explain an anomaly on one screen",
		Long: `Explain an anomaly on one screen: which record, who acknowledged it and when,
under which leader, what stands there now, which faults were active, what became
of it, which clause allows or forbids it, and the operations around it. ANOMALY
is its number in the verdict or its kind; the first one without it. In colour on
a terminal, unless NO_COLOR is set.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			if o.Example < 1 {
				return usage(fmt.Errorf("--example is %d; want at least 1", o.Example))
			}
			if len(args) == 2 {
				o.Which = args[1]
			}
			o.Colour = coloured(a.out)
			return a.show(args[0], o)
		},
	}
	cmd.Flags().IntVar(&o.Example, "example", 1, "which of the anomaly's cases")
	return cmd
}

// coloured tells whether the output is a terminal whose user wants colours
// (https://no-color.org).
func coloured(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}

func (a *app) show(path string, o explain.Options) error {
	v, err := savedVerdict(path)
	if errors.Is(err, fs.ErrNotExist) {
		// A bare history, or a run that was killed: judge it now.
		if _, err = os.Stat(path); err == nil {
			v, err = run.CheckFile(path, checker.Options{})
		}
	}
	if err != nil {
		return usage(err)
	}
	open := func() (histories.Reader, error) { return histories.Open(path) }
	if err := explain.Show(a.out, v, open, o); err != nil {
		return usage(err)
	}
	return nil
}

// savedVerdict reads verdict.json of a run directory.
func savedVerdict(dir string) (v checker.Verdict, err error) {
	path := filepath.Join(dir, histories.VerdictFile)
	b, err := os.ReadFile(path)
	if err != nil {
		if info, serr := os.Stat(dir); serr == nil && !info.IsDir() {
			return v, fmt.Errorf("%s is a file: %w", dir, fs.ErrNotExist)
		}
		return v, err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("verdict %s: %w", path, err)
	}
	return v, nil
}
