package report

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// around is how many entries of the same log are shown before and after each
// entry of the evidence.
const around = 3

// Show writes the anomalies of a verdict with the operations around their
// evidence, in the one-line notation. kind restricts it to one kind; each
// anomaly is shown with at most examples of its examples.
func Show(w io.Writer, v checker.Verdict, open func() (histories.Reader, error), kind checker.Kind, examples int) error {
	var chosen []checker.Anomaly
	for _, a := range v.Anomalies {
		if kind == "" || a.Kind == kind {
			chosen = append(chosen, a)
		}
	}
	if len(chosen) == 0 {
		if kind != "" {
			return fmt.Errorf("the verdict has no anomaly %q; it has %s", kind, kindsOf(v))
		}
		_, err := fmt.Fprintf(w, "no anomaly; the verdict is %s\n", v.Valid)
		return err
	}
	lines, header, err := collect(open, evidence(chosen, examples))
	if err != nil {
		return err
	}
	for _, a := range chosen {
		showAnomaly(w, a, header, lines, examples)
	}
	return nil
}

func kindsOf(v checker.Verdict) string {
	if len(v.Anomalies) == 0 {
		return "none"
	}
	s := ""
	for i, a := range v.Anomalies {
		if i > 0 {
			s += ", "
		}
		s += string(a.Kind)
	}
	return s
}

func showAnomaly(w io.Writer, a checker.Anomaly, h histories.Header, lines map[int64]neighbourhood, examples int) {
	clause := "a violation: no clause of the contract allows it"
	if a.AllowedBy != "" {
		clause = "allowed by the contract: " + a.AllowedBy
	}
	fmt.Fprintf(w, "%s, %d found, %s\n", a.Kind, a.Count, clause)
	for _, e := range a.Examples[:min(len(a.Examples), examples)] {
		fmt.Fprintf(w, "\n  %s\n  on %s\n", e.Why, h.LogName(e.Log))
		for _, index := range e.Ops {
			n := lines[index]
			fmt.Fprintf(w, "\n")
			for _, l := range n {
				mark := " "
				if l.index == index {
					mark = ">"
				}
				fmt.Fprintf(w, "  %s %8d  %s", mark, l.index, l.text)
			}
		}
		if e.Window != "" {
			fmt.Fprintf(w, "\n  picture: %s\n", e.Window)
		}
	}
	fmt.Fprintln(w)
}

// focus is what an example is about: a log, and an offset of it or -1.
type focus struct{ log, offset int64 }

// evidence lists the entries to look for, with what they are evidence of.
func evidence(anomalies []checker.Anomaly, examples int) map[int64]focus {
	want := map[int64]focus{}
	for _, a := range anomalies {
		for _, e := range a.Examples[:min(len(a.Examples), examples)] {
			for _, index := range e.Ops {
				want[index] = focus{e.Log, e.Offset}
			}
		}
	}
	return want
}

// line is one entry in the notation.
type line struct {
	index int64
	text  string
}

// neighbourhood is an entry of the evidence with its neighbours on the same log.
type neighbourhood []line

// collect streams the history once and keeps the neighbourhoods of the wanted
// entries (by their index).
func collect(open func() (histories.Reader, error), want map[int64]focus) (map[int64]neighbourhood, histories.Header, error) {
	r, err := open()
	if err != nil {
		return nil, histories.Header{}, err
	}
	defer r.Close()
	header, _ := r.Header()
	logs := map[int64]*window{}
	for _, f := range want {
		if logs[f.log] == nil {
			logs[f.log] = &window{found: map[int64]neighbourhood{}}
		}
	}
	out := map[int64]neighbourhood{}
	for {
		op, err := r.Next()
		var torn *histories.SyntaxError
		if errors.Is(err, io.EOF) || errors.As(err, &torn) {
			break // what can be read is shown
		}
		if err != nil {
			return nil, header, err
		}
		for log, win := range logs {
			at, wanted := want[op.Index]
			wanted = wanted && at.log == log
			if !wanted {
				at = focus{log, -1}
			}
			if wanted || touches(op, log) {
				win.add(line{op.Index, text(op, at)}, wanted)
			}
		}
	}
	for _, win := range logs {
		for index, n := range win.found {
			out[index] = n
		}
	}
	return out, header, nil
}

// window keeps the last entries of one log and completes the neighbourhoods
// that still miss what follows.
type window struct {
	last  []line
	open  map[int64]int // wanted index → lines still to come
	found map[int64]neighbourhood
}

func (w *window) add(l line, wanted bool) {
	for index, left := range w.open {
		w.found[index] = append(w.found[index], l)
		if left == 1 {
			delete(w.open, index)
		} else {
			w.open[index] = left - 1
		}
	}
	if wanted {
		w.found[l.index] = append(slices.Clone(w.last), l)
		if w.open == nil {
			w.open = map[int64]int{}
		}
		w.open[l.index] = around
	}
	w.last = append(w.last, l)
	if len(w.last) > around {
		w.last = w.last[1:]
	}
}

// touches tells whether an entry concerns a log. Invocations of polls name
// none; their completions do.
func touches(op *histories.Op, log int64) bool {
	for i := range op.Mops {
		if op.Mops[i].Send && op.Mops[i].Key == log {
			return true
		}
	}
	for _, r := range op.Runs {
		if r.Key == log {
			return true
		}
	}
	for _, f := range op.Fetched {
		if f.Key == log {
			return true
		}
	}
	for _, o := range op.Offsets {
		if o.Key == log {
			return true
		}
	}
	return slices.Contains(op.Keys, log)
}
