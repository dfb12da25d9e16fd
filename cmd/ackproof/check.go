package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/page"
	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
)

func (a *app) checkCmd() *cobra.Command {
	var (
		o        checker.Options
		contract string
		format   string
		asJSON   bool
		html     string
		rules    jepsenFlags
	)
	cmd := &cobra.Command{
		Use:   "check FILE|DIR|-",
		Short: "Judge a history: ours (JSON Lines, EDN, notation) or Jepsen's EDN",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if contract != "" {
				c, err := histories.ParseContract(contract)
				if err != nil {
					return usage(fmt.Errorf("--contract: %w", err))
				}
				o.Contract = &c
			}
			if err := run.CheckModel(o.Model); err != nil {
				return usage(err)
			}
			if o.Jepsen, err = rules.parse(cmd.Flags().Changed); err != nil {
				return usage(err)
			}
			switch {
			case !cmd.Flags().Changed("min-acked"):
				if o.MinAcked, err = demandOf(args[0]); err != nil {
					return usage(err)
				}
			case o.MinAcked < 0:
				return usage(fmt.Errorf("--min-acked is %d; want 0 for none, or more", o.MinAcked))
			case o.MinAcked == 0:
				o.MinAcked = -1 // the checker's word for none
			}
			return a.check(args[0], format, o, checkOutput{asJSON, html})
		},
	}
	cmd.Flags().StringVar(&o.Model, "model", "", "judge by strict, kafka or session instead of the header's")
	cmd.Flags().StringVar(&contract, "contract", "", "state or override clauses: acks=all,idempotence=true,reads=kafka,…")
	cmd.Flags().StringVar(&format, "format", "", "format of standard input: jsonl, edn or txt (default: by its first bytes)")
	cmd.Flags().IntVar(&o.MinAcked, "min-acked", 0, "acknowledged records that each log needs for valid; 0: none (default: the run's, or 50)")
	cmd.Flags().DurationVar(&o.WindowTimeout, "window-timeout", 10*time.Second, "limit for porcupine on one window")
	cmd.Flags().StringVar(&o.WindowDir, "windows", "", "write porcupine's pages of violating windows into this directory")
	rules.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON")
	cmd.Flags().StringVar(&html, "html", "", "write the page of the history to this file, and porcupine's pages into windows/ beside it")
	return cmd
}

// checkOutput says what a check leaves.
type checkOutput struct {
	json bool
	html string // where its page goes; empty: nowhere
}

// While a history is judged the heap is small, because what has to be remembered
// of records lies in a mapped file, and most of it is garbage in proportion to
// the history's length. The collector is cheap then, and may run sooner than it
// would: ten million operations stay below 256 MB, that file included. GOGC and
// GOMEMLIMIT override.
const (
	checkGC     = 50
	checkMemory = 224 << 20 // a soft limit of the heap
)

func (a *app) check(path, format string, o checker.Options, to checkOutput) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(checkMemory))
	}
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(checkGC))
	}
	in, err := a.openHistory(path, format)
	if err != nil {
		return fileError(err)
	}
	defer in.Close()
	h, _ := in.Header()
	var gather *page.Gather
	if to.html != "" {
		if info, err := os.Stat(filepath.Dir(to.html)); err != nil || !info.IsDir() {
			return usage(fmt.Errorf("--html %s: there is no such directory", to.html))
		}
		gather = page.NewGather(h)
		o.Also = append(o.Also, gather)
		if o.WindowDir == "" {
			o.WindowDir = filepath.Join(filepath.Dir(to.html), histories.WindowsDir)
		}
	}
	v, err := checker.Check(in, o)
	if err != nil {
		return internal(fmt.Errorf("check %s: %w", path, err))
	}
	if gather != nil {
		p := page.Run{Title: path, Header: h, Verdict: v, Repeat: "ackproof check " + quote(path)}
		if err := run.SavePage(to.html, p, gather, path); err != nil {
			return fileError(err)
		}
	}
	if to.json {
		if _, err := a.out.Write(run.EncodeVerdict(v)); err != nil {
			return internal(err)
		}
		return verdictCode(v.Valid)
	}
	report.Summary(a.out, report.Run{Header: h, Verdict: v})
	report.Jepsen(a.out, v.Jepsen)
	return verdictCode(v.Valid)
}

// demandOf is the work that a run directory's spec demands for valid; 0 where
// nothing was demanded or path is no run directory.
func demandOf(path string) (minAcked int, err error) {
	spec, err := run.ReadSpec(filepath.Join(path, histories.SpecFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return 0, nil
	}
	return spec.MinAcked, err
}

// openHistory opens a file, a run directory or standard input.
func (a *app) openHistory(path, format string) (histories.Reader, error) {
	if path != "-" {
		if format != "" {
			return nil, errors.New("--format is for standard input; a file's format is told by its name")
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open history: %w", err)
		}
		return histories.Open(path)
	}
	var f histories.Format
	if format != "" {
		var err error
		if f, err = histories.FormatOf("-." + format); err != nil {
			return nil, err
		}
	}
	return histories.NewReader(a.in, f, "standard input")
}
