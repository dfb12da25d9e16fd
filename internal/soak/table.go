package soak

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ackproof/ackproof/checker"
)

// Line is the round in one line, for people.
func (r *Round) Line() string {
	s := fmt.Sprintf("round %d: %s  %d ops  %.0f ops/s  %d acked  %d faults proven  %.0f s", r.N, r.finding(), r.Ops, r.Rate, r.Acked, r.Faults, r.Seconds)
	if r.Scenario != "" {
		s += "  " + r.Scenario
	}
	if u := r.Usage; u != nil {
		s += fmt.Sprintf("  anon %s  goroutines %d  fds %d", megabytes(u.Anon), u.Goroutines, u.FDs)
	}
	if w := r.why(); w != "" {
		s += "  (" + w + ")"
	}
	return s
}

// finding is the verdict, with the kinds of the violations.
func (r *Round) finding() string {
	s := r.Verdict().String()
	if len(r.Kinds) > 0 {
		kinds := make([]string, len(r.Kinds))
		for i, k := range r.Kinds {
			kinds[i] = string(k)
		}
		s += " " + strings.Join(kinds, ",")
	}
	return s
}

// why is what is to be said of a round that did not pass.
func (r *Round) why() string {
	switch {
	case r.Error != "":
		return r.Error
	case r.Valid == checker.Valid:
		return ""
	}
	return r.Why
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }

// Table writes all rounds, then how to make those again that did not pass.
func (f *File) Table(out io.Writer, dir string) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "round\tverdict\tscenario\tseconds\tops\tops/s\tacked\tfaults\tanon MB\tpeak MB\theap MB\tgoroutines\tfds\tkept\tdirectory\n")
	for i := range f.Rounds {
		r := &f.Rounds[i]
		u := r.Usage
		if u == nil {
			u = &Usage{}
		}
		mb := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
		fmt.Fprintf(w, "%d\t%s\t%s\t%.0f\t%d\t%.0f\t%d\t%d\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", r.N, r.finding(), dash(r.Scenario), r.Seconds, r.Ops, r.Rate,
			r.Acked, r.Faults, mb(u.Anon), mb(u.AnonPeak), mb(u.Heap), u.Goroutines, u.FDs, r.Kept, dash(r.Dir))
	}
	_ = w.Flush()
	counts := map[checker.Validity]int{}
	for i := range f.Rounds {
		r := &f.Rounds[i]
		counts[r.Verdict()]++
		if r.Passed() {
			continue
		}
		fmt.Fprintf(out, "\nround %d: %s: %s\n", r.N, r.finding(), dash(r.why()))
		if r.Dir != "" {
			fmt.Fprintf(out, "  what was recorded: %s\n", filepath.Join(dir, r.Dir))
		}
		fmt.Fprintf(out, "  repeat: %s\n", r.Repeat)
	}
	for i := range f.Cut {
		c := &f.Cut[i]
		fmt.Fprintf(out, "\nround %d broke off and was made again: %s, its recorded part is %s\n", c.N, filepath.Join(dir, c.Dir), c.finding())
	}
	fmt.Fprintf(out, "\n%d rounds in %v: %d valid, %d invalid, %d unknown", len(f.Rounds), time.Duration(f.Elapsed).Round(time.Second),
		counts[checker.Valid], counts[checker.Invalid], counts[checker.Unknown])
	if f.Ended != "" {
		fmt.Fprintf(out, "; %s", f.Ended)
	}
	fmt.Fprintf(out, "\nsoak: %s\nsoak directory: %s\n", f.Worst(), dir)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
