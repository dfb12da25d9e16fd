package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

const (
	// Excerpted is how many examples of a verdict get a timeline: each costs
	// some ten thousand entries to read.
	Excerpted = 24
	// perKind is how many of one anomaly do.
	perKind = 4
	// before and behind are how many entries around a piece of evidence are
	// looked through for operations of the same log.
	before, behind = 15_000, 4_000
	// neighbours is how many of them are drawn on each side.
	neighbours = 12
)

// Excerpt is what surrounds an example.
type Excerpt struct {
	Timeline Timeline
	Lines    map[int64]string // the evidence in the one-line notation, by index
}

// Excerpts looks up the operations around the first examples of every anomaly
// in the saved history.
func Excerpts(path string, h histories.Header, v checker.Verdict) (map[[2]int]Excerpt, error) {
	var all []*collector
	for i, a := range v.Anomalies {
		for j, e := range a.Examples[:min(len(a.Examples), perKind)] {
			if len(all) < Excerpted && len(e.Ops) > 0 {
				all = append(all, newCollector(i, j, e))
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	reader := pairs{open: map[int64]*operation{}, all: all, logs: map[int64]bool{}}
	for _, c := range all {
		reader.logs[c.log] = true
	}
	if err := histories.Excerpt(path, spans(all), reader.observe); err != nil {
		return nil, fmt.Errorf("look up the operations around the anomalies: %w", err)
	}
	reader.unfinished()
	out := map[[2]int]Excerpt{}
	for _, c := range all {
		out[c.id] = Excerpt{c.timeline(h), c.lines}
	}
	return out, nil
}

// spans returns the entries to read, joined where they overlap.
func spans(all []*collector) []histories.Span {
	var out []histories.Span
	for _, c := range all {
		for index := range c.wanted {
			out = append(out, histories.Span{First: max(0, index-before), Last: index + behind})
		}
	}
	slices.SortFunc(out, func(a, b histories.Span) int { return cmp.Compare(a.First, b.First) })
	n := 0
	for _, s := range out[1:] {
		if s.First <= out[n].Last+1 {
			out[n].Last = max(out[n].Last, s.Last)
			continue
		}
		n++
		out[n] = s
	}
	return out[:n+1]
}

// operation is an invocation with its completion.
type operation struct {
	process           int64
	f                 string
	invoked, returned int64         // indexes of the entries, -1 where not seen
	call, ret         time.Duration // -1 where not seen
	outcome           histories.Type
	entry             *histories.Op // the completion, or the invocation where there is none
}

// pairs puts invocations and completions together and hands the operations to
// the collectors.
type pairs struct {
	open map[int64]*operation
	all  []*collector
	logs map[int64]bool
	last int64
}

// observe takes the next entry of a span.
func (p *pairs) observe(op *histories.Op) {
	if op.Index != p.last+1 { // another span: what was open there ended in between
		p.unfinished()
	}
	p.last = op.Index
	if op.Process < 0 {
		return
	}
	if op.Type == histories.Invoke {
		o := &operation{process: op.Process, f: op.FName(), invoked: op.Index, returned: -1, call: op.Time, ret: -1, outcome: histories.Invoke}
		for _, c := range p.all {
			if c.wanted[op.Index] {
				o.entry = op.Clone()
				c.lines[op.Index] = line(op, c.log, c.offset)
			}
		}
		p.open[op.Process] = o
		return
	}
	o := p.open[op.Process]
	delete(p.open, op.Process)
	if o == nil {
		o = &operation{process: op.Process, f: op.FName(), invoked: -1, call: -1}
	}
	o.returned, o.ret, o.outcome, o.entry = op.Index, op.Time, op.Type, nil
	for _, c := range p.all {
		if !c.wanted[op.Index] && !c.wanted[o.invoked] && !touches(op, c.log) {
			continue
		}
		if o.entry == nil {
			o.entry = op.Clone()
		}
		c.add(o)
	}
}

// unfinished hands over the operations that are evidence and whose end was not seen.
func (p *pairs) unfinished() {
	for _, o := range p.open {
		for _, c := range p.all {
			if c.wanted[o.invoked] {
				c.add(o)
			}
		}
	}
	clear(p.open)
}

// collector keeps the operations around the evidence of an example.
type collector struct {
	id          [2]int
	log, offset int64
	wanted      map[int64]bool
	lines       map[int64]string
	last        []*operation // the latest on the log, for what comes
	after       int          // how many are still to come
	ops         []*operation
	evidence    map[*operation]bool
}

func newCollector(anomaly, i int, e checker.Example) *collector {
	c := &collector{id: [2]int{anomaly, i}, log: e.Log, offset: e.Offset, wanted: map[int64]bool{}, lines: map[int64]string{}, evidence: map[*operation]bool{}}
	for _, index := range e.Ops {
		c.wanted[index] = true
	}
	return c
}

func (c *collector) add(o *operation) {
	if c.wanted[o.returned] || c.wanted[o.invoked] {
		if c.wanted[o.returned] {
			c.lines[o.returned] = line(o.entry, c.log, c.offset)
		}
		c.ops = append(append(c.ops, c.last...), o)
		c.evidence[o] = true
		c.last, c.after = nil, neighbours
		return
	}
	if c.after > 0 {
		c.ops = append(c.ops, o)
		c.after--
		return
	}
	if len(c.last) == neighbours {
		c.last = slices.Delete(c.last, 0, 1)
	}
	c.last = append(c.last, o)
}

// touches tells whether a completion says something of the log.
func touches(op *histories.Op, log int64) bool {
	for i := range op.Mops {
		if op.Mops[i].Send && op.Mops[i].Key == log {
			return true
		}
	}
	return slices.ContainsFunc(op.Runs, func(r histories.Run) bool { return r.Key == log && r.To > r.From }) ||
		op.F == histories.EndOffsets && slices.ContainsFunc(op.Offsets, func(o histories.KeyOffset) bool { return o.Key == log })
}

const (
	shownRecs = 5   // records of a poll that are spelled out
	maxLine   = 600 // bytes of an entry that are shown
)

// line is an entry in the one-line notation, with the records that matter.
func line(op *histories.Op, log, offset int64) string {
	left := 0
	if len(op.Recs) > 2*shownRecs {
		c := op.Clone()
		c.Recs = nil
		for i, run := range op.Runs {
			recs := nearest(op.Recs[run.From:run.To], offset, run.Key == log)
			left += int(run.To-run.From) - len(recs)
			c.Runs[i].From = int32(len(c.Recs))
			c.Recs = append(c.Recs, recs...)
			c.Runs[i].To = int32(len(c.Recs))
		}
		op = c
	}
	s := strings.TrimSuffix(string(histories.AppendText(nil, op)), "\n")
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + " …"
	}
	if left > 0 {
		s += fmt.Sprintf(" … %d more records", left)
	}
	return s
}

// nearest returns the records around the offset, the first ones where it is not
// among them.
func nearest(recs []histories.Rec, offset int64, here bool) []histories.Rec {
	at := -1
	if here && offset >= 0 {
		at = slices.IndexFunc(recs, func(r histories.Rec) bool { return r.Offset >= offset })
	}
	lo := max(0, at-shownRecs/2)
	return recs[lo:min(len(recs), lo+shownRecs)]
}
