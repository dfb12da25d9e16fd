package shrink

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// Options say what to shrink.
type Options struct {
	Kind  checker.Kind // the headline to keep; empty: the verdict's first violation
	Check checker.Options
}

// History is a small history.
type History struct {
	Kind    checker.Kind
	Verdict checker.Verdict  // of the small history
	Example checker.Example  // the case of the whole history that it shows
	Header  histories.Header // valid where HasHeader
	Entries []histories.Op
	// Original are the indexes of the entries in the whole history.
	Original  []int64
	HasHeader bool
	Ops       int // operations of clients
	Judged    int // how often the checker was asked
	// Beyond is how long it took after the whole history was judged.
	Beyond time.Duration
}

// small is the size, in entries, up to which a history is shrunk from the
// whole at once.
const small = 1500

// windowTimeout is porcupine's limit for one window of a candidate: what it does
// not decide within that is no smaller proof.
const windowTimeout = 100 * time.Millisecond

// Shrink judges the history at path and returns the smallest part of it that
// is convicted of the same case: no operation, no record in one and no log that
// one asks about can be taken away. The error is *Nothing where the verdict has
// no such headline.
func Shrink(path string, o Options) (*History, error) {
	s := &search{options: o.Check}
	s.options.MaxExamples, s.options.WindowDir, s.options.Also = -1, "", nil
	s.options.MinAcked, s.options.MinOpsPerFault = -1, -1
	v, err := s.judgeWhole(path)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	s.options.WindowTimeout = windowTimeout
	a, err := choose(&v, o.Kind)
	if err != nil {
		return nil, err
	}
	if len(a.Examples) == 0 {
		return nil, &Nothing{fmt.Sprintf("no case of %s was kept", a.Kind)}
	}
	s.whole = findings(&v)
	ops, err := s.smallest(path, v.Judged.Entries, a)
	if err != nil {
		return nil, err
	}
	h, err := s.result(ops)
	if err != nil {
		return nil, err
	}
	h.Beyond = time.Since(begin)
	return h, nil
}

// judgeWhole judges the whole history and prepares the header of the small one.
func (s *search) judgeWhole(path string) (checker.Verdict, error) {
	in, err := histories.Open(path)
	if err != nil {
		return checker.Verdict{}, err
	}
	defer in.Close()
	v, err := checker.Check(in, s.options)
	if err != nil {
		return v, err
	}
	s.header, s.hasHeader = in.Header()
	s.header.Expect = nil // statements about the run as a whole
	if s.options.Contract != nil {
		s.header.Contract, s.options.Contract = *s.options.Contract, nil
	}
	if s.options.Model != "" {
		s.header.Contract.Reads, s.options.Model = s.options.Model, ""
	}
	return v, nil
}

// triedCases is how many cases of an anomaly are tried where what is left of the
// ones before is more than few operations.
const (
	triedCases = 4
	few        = 6
)

// smallest looks for a case that a few operations show, and tries all operations
// of the history where those around the evidence do not do.
func (s *search) smallest(path string, entries int64, a *checker.Anomaly) ([]operation, error) {
	var best []operation
	var of *target
	var known map[record]bool
	for i := range a.Examples[:min(len(a.Examples), triedCases)] {
		if entries <= small || of != nil && clients(best) <= few {
			break
		}
		s.t = &target{findingOf(a, &a.Examples[i], same), a.Examples[i]}
		ops, ok, err := s.around(path)
		if err != nil {
			return nil, err
		}
		if ok && (of == nil || clients(ops) < clients(best)) {
			best, of, known = ops, s.t, s.known
		}
	}
	if of != nil {
		s.t, s.known = of, known
		return best, nil
	}
	s.t = &target{findingOf(a, &a.Examples[0], same), a.Examples[0]}
	ops, _, err := gather(path, s.t, true, noEnding)
	if err != nil {
		return nil, err
	}
	if out, ok := s.run(ops); ok {
		return out, nil
	}
	return nil, fmt.Errorf("the operations of the history, judged again, do not show the %s: please report it with the history", s.t.kind)
}

// around gathers operations around the target, ever more of them, until they
// show it.
func (s *search) around(path string) ([]operation, bool, error) {
	end := noEnding
	for range 2 { // the second time with the ending that the first one saw
		ops, seen, err := gather(path, s.t, false, end)
		if err != nil {
			return nil, false, err
		}
		if out, ok := s.run(s.evidenceOnly(ops)); ok { // two entries may be all there is to it
			return out, true, nil
		}
		for _, near := range []int64{2, 16, window} {
			if out, ok := s.run(s.sentWithin(ops, near, end)); ok {
				return out, true, nil
			}
		}
		if end = seen; end == noEnding {
			break
		}
	}
	return nil, false, nil
}

// clients counts the operations of clients.
func clients(ops []operation) int {
	n := 0
	for _, o := range ops {
		if o.client() {
			n++
		}
	}
	return n
}

// evidenceOnly are the operations of the evidence, and the phases.
func (s *search) evidenceOnly(ops []operation) []operation {
	return keep(ops, func(o operation) bool {
		found := !o.client()
		o.each(func(op *histories.Op) {
			found = found || slices.Contains(s.t.example.Ops, op.Index)
		})
		return found
	})
}

// sentWithin leaves out the sends that stand further away from the target, in
// offsets, and are neither evidence nor the ending.
func (s *search) sentWithin(ops []operation, near int64, end ending) []operation {
	return keep(ops, func(o operation) bool {
		last := o.last()
		if last.F != histories.Send {
			return true
		}
		away := true
		o.each(func(op *histories.Op) {
			away = away && !slices.Contains(s.t.example.Ops, op.Index)
		})
		for m := range last.Sends() {
			away = away && m.Value != s.t.example.Value && m.Value != end.value && (m.Offset < s.t.example.Offset-near || m.Offset > s.t.example.Offset+near)
		}
		return !away
	})
}

// result numbers the entries anew and judges them a last time.
func (s *search) result(ops []operation) (*History, error) {
	in := s.history(s.closed(ops))
	h := &History{Kind: s.t.kind, Example: s.t.example, Header: s.header, HasHeader: s.hasHeader, Judged: s.judged}
	for i, op := range in.ops {
		h.Original = append(h.Original, op.Index)
		c := *op.Clone()
		c.Index = int64(i)
		h.Entries = append(h.Entries, c)
	}
	h.Ops = clients(ops)
	h.Header.Logs = keep(h.Header.Logs, func(l histories.Log) bool {
		return l.Key == s.t.example.Log || slices.ContainsFunc(h.Entries, func(op histories.Op) bool { return names(&op, l.Key) })
	})
	asIs := h.Entries
	for _, h.Entries = range [][]histories.Op{plainTimes(asIs), asIs} {
		var err error
		if h.Verdict, err = checker.Check(h.reader(), s.options); err != nil {
			return nil, err
		}
		if s.t.shows(&h.Verdict, s.whole, in.original) {
			return h, nil
		}
	}
	return nil, fmt.Errorf("the small history, judged again, does not show the %s: please report it with the history", s.t.kind)
}

// reader reads the small history.
func (h *History) reader() *memory {
	m := &memory{header: h.Header, hasHeader: h.HasHeader}
	for i := range h.Entries {
		m.ops = append(m.ops, &h.Entries[i])
	}
	return m
}

// names tells whether an entry is about a log.
func names(op *histories.Op, key int64) bool {
	for i := range op.Mops {
		if op.Mops[i].Send && op.Mops[i].Key == key {
			return true
		}
	}
	for _, run := range op.Runs {
		if run.Key == key {
			return true
		}
	}
	return slices.Contains(logsOf(op), key)
}

// plainTimes gives the entries the times 0, 1, 2, … where their order is all
// that matters; entries at the same time stay together.
func plainTimes(entries []histories.Op) []histories.Op {
	out := slices.Clone(entries)
	now := time.Duration(0)
	for i := range out {
		if i > 0 && cmp.Compare(entries[i].Time, entries[i-1].Time) > 0 {
			now++
		}
		out[i].Time = now
	}
	return out
}
