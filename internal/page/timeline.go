package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Timeline is what a page draws around an example: the operations of its log by
// process, and which offsets they speak of. Offsets are ranks, so that it is
// readable whatever they are.
type Timeline struct {
	ID       string     `json:"id"`
	Log      string     `json:"log"`
	Segments []Segment  `json:"segments"` // what is drawn of time; what lies between is cut out
	Rows     []string   `json:"rows"`     // processes
	Offsets  []string   `json:"offsets"`  // by rank
	Focus    int        `json:"focus"`    // rank of the example's offset, -1 where it has none
	Ops      []Interval `json:"ops"`
}

// Segment is a span of time in seconds.
type Segment struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Interval is an operation from its call to its return.
type Interval struct {
	Row      int     `json:"row"`
	Index    int64   `json:"index"` // of its completion, or of its invocation where it has none
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	Cut      bool    `json:"cut,omitempty"`  // its call was earlier than what was looked at
	Open     bool    `json:"open,omitempty"` // its end was not seen
	Outcome  string  `json:"outcome"`
	Text     string  `json:"text"`
	Evidence bool    `json:"evidence,omitempty"`
	Says     []Say   `json:"says,omitempty"`
}

// Say is what an operation says of an offset.
type Say struct {
	Rank  int    `json:"rank"`
	What  string `json:"what"`            // acked, read or end
	Value string `json:"value,omitempty"` // the record there
}

const (
	maxRanks = 24
	// cutOut is how many times longer than what is drawn on its sides a pause
	// has to be to be cut out.
	cutOut = 1.5
)

// timeline lays out what was collected.
func (c *collector) timeline(h histories.Header) Timeline {
	t := Timeline{ID: fmt.Sprintf("t%d-%d", c.id[0], c.id[1]), Log: h.LogName(c.log), Focus: -1, Ops: []Interval{}}
	slices.SortFunc(c.ops, func(a, b *operation) int { return cmp.Compare(a.order(), b.order()) })
	c.ops = slices.Compact(c.ops)
	row := map[int64]int{}
	for _, o := range c.ops {
		row[o.process] = 0
	}
	ids := make([]int64, 0, len(row))
	for id := range row {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i, id := range ids {
		row[id] = i
		t.Rows = append(t.Rows, strconv.FormatInt(id, 10))
	}
	ranks := c.ranks(&t)
	for _, o := range c.ops {
		i := Interval{
			Row: row[o.process], Index: max(o.returned, o.invoked), From: o.call.Seconds(), To: o.ret.Seconds(),
			Cut: o.call < 0, Open: o.ret < 0, Outcome: o.outcome.String(), Evidence: c.evidence[o], Text: label(o, c.log),
		}
		if i.Cut {
			i.From = i.To
		}
		if i.Open {
			i.To = i.From
		}
		says(o.entry, c.log, func(offset int64, what string, value int64) {
			if r, ok := ranks[offset]; ok {
				s := Say{Rank: r, What: what}
				if value >= 0 {
					s.Value = strconv.FormatInt(value, 10)
				}
				i.Says = append(i.Says, s)
			}
		})
		t.Ops = append(t.Ops, i)
	}
	t.Segments = segments(t.Ops)
	return t
}

// order is where the operation stands among the others.
func (o *operation) order() int64 { return max(o.returned, o.invoked) }

// ranks chooses the offsets that are drawn, those nearest to what the example
// is about, and gives them ranks.
func (c *collector) ranks(t *Timeline) map[int64]int {
	var offsets []int64
	focus := c.offset
	for _, o := range c.ops {
		says(o.entry, c.log, func(offset int64, _ string, _ int64) {
			offsets = append(offsets, offset)
			if focus < 0 && c.evidence[o] {
				focus = offset
			}
		})
	}
	if c.offset >= 0 {
		offsets = append(offsets, c.offset)
	}
	slices.Sort(offsets)
	offsets = slices.Compact(offsets)
	if len(offsets) > maxRanks {
		at, _ := slices.BinarySearch(offsets, focus)
		lo := min(max(0, at-maxRanks/2), len(offsets)-maxRanks)
		offsets = offsets[lo : lo+maxRanks]
	}
	ranks := make(map[int64]int, len(offsets))
	for i, o := range offsets {
		ranks[o] = i
		t.Offsets = append(t.Offsets, strconv.FormatInt(o, 10))
		if o == c.offset {
			t.Focus = i
		}
	}
	return ranks
}

// says calls f for every offset of the log of which the completion speaks.
func says(op *histories.Op, log int64, f func(offset int64, what string, value int64)) {
	if op == nil {
		return
	}
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send && m.Key == log && m.Offset >= 0 {
			f(m.Offset, "acked", m.Value)
		}
	}
	for _, run := range op.Runs {
		if run.Key == log {
			for _, rec := range op.Recs[run.From:run.To] {
				f(rec.Offset, "read", rec.Value)
			}
		}
	}
	for _, fetch := range op.Fetched {
		if fetch.Key == log && fetch.HighWatermark >= 0 {
			f(fetch.HighWatermark, "end", -1)
		}
	}
	if op.F == histories.EndOffsets && op.Type == histories.OK {
		if end, ok := op.OffsetOf(log); ok {
			f(end, "end", -1)
		}
	}
}

// segments returns the spans of time in which something is drawn. Long pauses
// are cut out: an acknowledgement and the final read that misses it may lie
// hours apart.
func segments(ops []Interval) []Segment {
	byCall := slices.SortedFunc(slices.Values(ops), func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	var out []Segment
	for _, o := range byCall {
		n := len(out)
		if n == 0 || o.From-out[n-1].To > max(cutOut*(out[n-1].To-out[n-1].From), 0.02) {
			out = append(out, Segment{o.From, max(o.To, o.From+1e-6)})
			continue
		}
		out[n-1].To = max(out[n-1].To, o.To)
	}
	return out
}

// label says in a few words what an operation asked and got of the log.
func label(o *operation, log int64) string {
	s := o.f
	if op := o.entry; op != nil {
		var sent, recs []string
		for i := range op.Mops {
			if m := &op.Mops[i]; m.Send && m.Key == log {
				v := strconv.FormatInt(m.Value, 10)
				if m.Offset >= 0 {
					v += " → offset " + strconv.FormatInt(m.Offset, 10)
				}
				sent = append(sent, v)
			}
		}
		for _, run := range op.Runs {
			if run.Key == log {
				for _, rec := range op.Recs[run.From:run.To] {
					recs = append(recs, fmt.Sprintf("%d:%d", rec.Offset, rec.Value))
				}
			}
		}
		s += some(" ", sent) + some(" → offset:value ", recs)
		if end, ok := op.OffsetOf(log); ok && (op.F == histories.EndOffsets || op.F == histories.StartOffsets) {
			s += fmt.Sprintf(" → %d", end)
		}
		if op.Error != "" {
			s += " (" + clip(op.Error, 120) + ")"
		}
	}
	took := "its end was not seen"
	if o.ret >= 0 && o.call >= 0 {
		took = "took " + (o.ret - o.call).Round(10*time.Microsecond).String()
	} else if o.ret >= 0 {
		took = "its call was earlier"
	}
	return fmt.Sprintf("%s: %s, %s", o.outcome, s, took)
}

// some lists the first few of many.
func some(before string, of []string) string {
	if len(of) == 0 {
		return ""
	}
	const most = 6
	if len(of) > most {
		return fmt.Sprintf("%s%s … %s (%d records)", before, strings.Join(of[:most-1], ", "), of[len(of)-1], len(of))
	}
	return before + strings.Join(of, ", ")
}

// clip cuts a text to at most n bytes of whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
