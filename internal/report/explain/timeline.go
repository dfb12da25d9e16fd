package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/histories"
)

const (
	maxLines  = 8  // operations of the timeline
	before    = 2  // neighbours in front of each piece of evidence
	behind    = 1  // neighbours after it
	barColumn = 15 // characters of the bars: what 80 leave beside the other columns
	textWidth = 34 // characters of an operation
	close     = 8  // offsets around the place that count as near
	around    = 2  // records of a poll beside the one that matters
)

// near tells whether an operation says something of the place.
func (s *story) near(op *histories.Op) bool {
	by := func(offset int64) bool {
		return s.offset < 0 || offset >= s.offset-close && offset <= s.offset+close
	}
	for m := range op.Sends() {
		if m.Key == s.log && (m.Value == s.value && s.value >= 0 || m.Offset >= 0 && by(m.Offset)) {
			return true
		}
	}
	for key, r := range op.Polled() {
		if key == s.log && by(r.Offset) {
			return true
		}
	}
	for _, o := range op.Offsets {
		if o.Key == s.log && op.F != histories.Assign && by(o.Offset) {
			return true
		}
	}
	return false
}

// line takes an operation for the timeline: the evidence, and its neighbours.
func (s *story) line(o *operation, near bool) {
	switch {
	case o.isEvidence:
		s.lines = append(append(s.lines, s.recent...), o)
		s.recent, s.after = nil, behind
	case !near:
	case s.after > 0:
		s.lines = append(s.lines, o)
		s.after--
	default:
		s.recent = append(s.recent, o)
		if len(s.recent) > before {
			s.recent = s.recent[1:]
		}
	}
}

// timeline is what fits of the operations, in the order of their calls: the
// evidence, and as many of its neighbours as there is room for.
func (s *story) timeline(room int) []*operation {
	lines := slices.Clone(s.lines)
	for len(lines) > room {
		i := slices.IndexFunc(lines, func(o *operation) bool { return !o.isEvidence })
		if i < 0 {
			break
		}
		lines = slices.Delete(lines, i, i+1)
	}
	slices.SortStableFunc(lines, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.first, b.first))
	})
	return lines
}

// bars draws each operation from its call to its return. The columns are moments
// in their order, not lengths of time: seconds may lie between two of them.
func bars(ops []*operation) []string {
	var moments []time.Duration
	for _, o := range ops {
		moments = append(moments, o.call)
		if o.outcome != histories.Invoke {
			moments = append(moments, o.ret)
		}
	}
	slices.Sort(moments)
	moments = slices.Compact(moments)
	column := func(t time.Duration) int {
		i, _ := slices.BinarySearch(moments, t)
		if len(moments) <= barColumn {
			return i
		}
		return i * (barColumn - 1) / (len(moments) - 1)
	}
	out := make([]string, len(ops))
	for i, o := range ops {
		from, to, end := column(o.call), barColumn-1, "…"
		if o.outcome != histories.Invoke {
			to, end = column(o.ret), "┤"
		}
		switch {
		case o.outcome == histories.Info && o.process != histories.Nemesis:
			end = "?"
		case o.outcome == histories.Fail:
			end = "×"
		}
		bar := "┃"
		if to > from {
			bar = "├" + strings.Repeat("─", to-from-1) + end
		}
		out[i] = strings.Repeat(" ", from) + bar
	}
	return out
}

// entries names an operation's entries.
func (o *operation) entries() string {
	if o.last < 0 || o.last == o.first {
		return fmt.Sprint(o.first)
	}
	return fmt.Sprintf("%d-%d", o.first, o.last)
}

// who is the process in the notation.
func (o *operation) who() string {
	if o.process == histories.Nemesis {
		return "nemesis"
	}
	return fmt.Sprintf("p%d", o.process)
}

// text is an operation in the notation, without what has columns of its own. Of
// the log in question only the records beside the place are spelled out, of
// others none.
func (s *story) text(o *operation) string {
	if o.entry == nil {
		return o.f
	}
	short, left := s.cut(o.entry)
	text := strings.TrimSpace(string(histories.AppendText(nil, short)))
	for _, prefix := range []string{
		fmt.Sprintf("i=%d ", short.Index), fmt.Sprintf("t=%d ", int64(short.Time)), o.who() + " ", "> ", "< ",
	} {
		text = strings.TrimPrefix(text, prefix)
	}
	if o.outcome == histories.Invoke && o.process != histories.Nemesis {
		text += " …"
	}
	if left > 0 {
		text += fmt.Sprintf(" (+%d records)", left)
	}
	return text
}

// cut returns the entry with the records that are to be shown, and how many are
// left out.
func (s *story) cut(op *histories.Op) (*histories.Op, int) {
	c := *op
	c.Runs, c.Recs, c.Mops, c.Error = nil, nil, slices.Clone(op.Mops), ""
	c.Fetched = slices.DeleteFunc(slices.Clone(op.Fetched), func(f histories.Fetched) bool { return f.Key != s.log })
	for i := range c.Mops {
		m := &c.Mops[i]
		from := int32(len(c.Runs))
		if !m.Send {
			for _, run := range op.Runs[m.From:m.To] {
				if run.Key != s.log {
					continue
				}
				recs := op.Recs[run.From:run.To]
				lo, hi := s.shown(recs)
				first := int32(len(c.Recs))
				c.Recs = append(c.Recs, recs[lo:hi]...)
				c.Runs = append(c.Runs, histories.Run{Key: run.Key, From: first, To: int32(len(c.Recs))})
			}
		}
		m.From, m.To = from, int32(len(c.Runs))
	}
	if len(c.Mops) > 2*around+1 && op.F == histories.Send {
		i := max(0, slices.IndexFunc(c.Mops, func(m histories.Mop) bool { return m.Value == s.value }))
		lo, hi := max(0, i-around), min(len(c.Mops), i+around+1)
		c.Mops = c.Mops[lo:hi]
		return &c, len(op.Mops) - (hi - lo)
	}
	return &c, len(op.Recs) - len(c.Recs)
}

// shown are the records of a poll beside the place.
func (s *story) shown(recs []histories.Rec) (lo, hi int) {
	if len(recs) <= 2*around+1 {
		return 0, len(recs)
	}
	at := slices.IndexFunc(recs, func(r histories.Rec) bool {
		return r.Value == s.value && s.value >= 0 || r.Offset == s.offset && s.offset >= 0
	})
	if at < 0 { // records out of order are shown as they came
		at = slices.IndexFunc(recs, func(r histories.Rec) bool { return r.Offset >= s.offset })
	}
	if at < 0 {
		at = len(recs) - 1
	}
	return max(0, at-around), min(len(recs), at+around+1)
}
