package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
)

func (a *app) showCmd() *cobra.Command {
	var examples int
	cmd := &cobra.Command{
		Use:   "show DIR|FILE [ANOMALY]",
		Short: "Show the operations around an anomaly, as text",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			if examples < 1 {
				return usage(fmt.Errorf("--examples is %d; want at least 1", examples))
			}
			kind := ""
			if len(args) == 2 {
				kind = args[1]
			}
			return a.show(args[0], checker.Kind(kind), examples)
		},
	}
	cmd.Flags().IntVar(&examples, "examples", 3, "examples of each anomaly")
	return cmd
}

func (a *app) show(path string, kind checker.Kind, examples int) error {
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
	if err := report.Show(a.out, v, open, kind, examples); err != nil {
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
