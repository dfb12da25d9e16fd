package explain

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// width is that of the screen, in characters.
const width = 80

// screen lays a story out.
type screen struct {
	story   *story
	verdict *checker.Verdict
	at      int // the anomaly's place in the verdict
	o       Options
	b       strings.Builder
}

// Colours, by what they say.
const (
	red   = "\x1b[31;1m" // forbidden
	green = "\x1b[32m"   // allowed
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	plain = "\x1b[0m"
)

// paint puts a text in colour where there are colours.
func (sc *screen) paint(colour, text string) string {
	if !sc.o.Colour {
		return text
	}
	return colour + text + plain
}

// height is that of the screen, in lines. The evidence is shown whatever it takes.
const height = 24

// String is the whole screen: what is told, and as much of the timeline as there
// is room for.
func (sc *screen) String() string {
	s := sc.story
	sc.title()
	for _, line := range wrap(s.example.Why, width) {
		fmt.Fprintln(&sc.b, line)
	}
	sc.b.WriteByte('\n')
	if s.placed() {
		sc.row("record", sc.record())
		sc.row("sent", sc.sent())
		sc.row("leader", sc.leader())
		sc.row("now", sc.now())
		f, why := s.fate()
		sc.row("fate", fmt.Sprintf("%s: %s", f, why))
	}
	sc.row("faults", sc.faults())
	sc.row("clause", sc.clause())
	top := sc.b.String()
	sc.b.Reset()
	sc.more()
	bottom := sc.b.String()
	sc.b.Reset()
	sc.timeline(height - strings.Count(top, "\n") - strings.Count(bottom, "\n") - 2)
	return top + sc.b.String() + bottom
}

func (sc *screen) title() {
	a := sc.story.anomaly
	word, colour := "FORBIDDEN", red
	if a.AllowedBy != "" {
		word, colour = "ALLOWED", green
	}
	left := fmt.Sprintf("%s %d of %d", a.Kind, max(1, sc.o.Example), a.Count)
	gap := strings.Repeat(" ", max(1, width-len(left)-len(word)))
	fmt.Fprintln(&sc.b, sc.paint(bold, left)+gap+sc.paint(colour, word))
}

// row writes a line with its name, going on below where it is long.
func (sc *screen) row(name, text string) {
	if text == "" {
		return
	}
	const indent = 8
	for i, line := range wrap(text, width-indent) {
		if i == 0 {
			fmt.Fprintf(&sc.b, "%s%s\n", sc.paint(dim, fmt.Sprintf("%-*s", indent, name)), line)
		} else {
			fmt.Fprintf(&sc.b, "%s%s\n", strings.Repeat(" ", indent), line)
		}
	}
}

// record names what it is about.
func (sc *screen) record() string {
	s := sc.story
	name := s.header.LogName(s.log)
	switch {
	case s.log < 0:
		return "none: the cluster as a whole"
	case s.value >= 0 && s.offset >= 0:
		return fmt.Sprintf("%d of %s, offset %d", s.value, name, s.offset)
	case s.value >= 0:
		return fmt.Sprintf("%d of %s", s.value, name)
	case s.offset >= 0:
		return fmt.Sprintf("whatever stands at offset %d of %s", s.offset, name)
	}
	return "none: " + name
}

// sent says who sent it, when, and what the broker said.
func (sc *screen) sent() string {
	s := sc.story
	o := s.send
	if s.value < 0 {
		return ""
	}
	if o == nil {
		return "by nobody"
	}
	said := map[histories.Type]string{
		histories.Invoke: "no answer", histories.OK: "acknowledged" + s.acked(), histories.Fail: "refused", histories.Info: "outcome unknown",
	}[o.outcome]
	text := fmt.Sprintf("by %s, entries %s, at %s: %s", o.who(), o.entries(), seconds(o.call), said)
	if o.outcome != histories.Invoke {
		text += " after " + short(o.ret-o.call)
	}
	if s.sends > 1 {
		text += fmt.Sprintf("; sent %d times", s.sends)
	}
	return text
}

// acked is the offset that the broker named.
func (s *story) acked() string {
	for m := range s.send.entry.Sends() {
		if m.Key == s.log && m.Value == s.value {
			if m.Offset >= 0 {
				return fmt.Sprintf(" at offset %d", m.Offset)
			}
			return " without an offset"
		}
	}
	return ""
}

// leader says under whom it was acknowledged.
func (sc *screen) leader() string {
	s := sc.story
	if s.log < 0 {
		return ""
	}
	var parts []string
	at := sc.moment()
	if l, ok := s.led(at); ok {
		parts = append(parts, fmt.Sprintf("%s, epoch %d, as the brokers said at %s", orNone(l.node), l.epoch, seconds(l.at)))
		if last := s.states[len(s.states)-1]; last != l {
			parts = append(parts, fmt.Sprintf("later %s, epoch %d, at %s", orNone(last.node), last.epoch, seconds(last.at)))
		}
	}
	if s.epoch.by != nil {
		parts = append(parts, fmt.Sprintf("fetched under epoch %d (entry %d)", s.epoch.epoch, s.epoch.by.last))
	}
	if len(parts) == 0 {
		return "not recorded"
	}
	return strings.Join(parts, "; ")
}

func orNone(node string) string {
	if node == "" {
		return "nobody"
	}
	return node
}

// moment is when the record was acknowledged, or the first evidence.
func (sc *screen) moment() time.Duration {
	s := sc.story
	if s.send != nil && s.send.outcome == histories.OK {
		return s.send.ret
	}
	for _, o := range s.lines {
		if o.isEvidence {
			return o.call
		}
	}
	return 0
}

// now says what stands at its place at the end.
func (sc *screen) now() string {
	s := sc.story
	if s.log < 0 {
		return ""
	}
	var parts []string
	switch {
	case s.kept || s.seen.n > 0 && !s.finalReads():
		parts = append(parts, "the record, "+s.standing())
	case s.other != nil:
		parts = append(parts, fmt.Sprintf("record %d, read by %s (entry %d)", s.other.value, s.other.by.who(), s.other.by.last))
	case s.passed != nil:
		parts = append(parts, fmt.Sprintf("nothing: %s read past it (entry %d)", s.passed.who(), s.passed.last))
	case s.offset >= 0 && s.ends.last >= 0 && s.ends.last <= s.offset:
		parts = append(parts, "nothing")
	case s.value >= 0 || s.offset >= 0:
		parts = append(parts, "not known: nobody read there")
	}
	if s.ends.last >= 0 {
		parts = append(parts, fmt.Sprintf("the log ends at %d (entry %d)", s.ends.last, s.ends.lastBy.last))
	}
	if s.ends.top > s.ends.last {
		parts = append(parts, fmt.Sprintf("it had come to %d (entry %d)", s.ends.top, s.ends.topBy.last))
	}
	return strings.Join(parts, "; ")
}

// faults lists those that were active between the evidence, at the evidence
// first.
func (sc *screen) faults() string {
	s := sc.story
	if len(s.faults) == 0 {
		return "none in the whole run"
	}
	from, until := sc.moment(), sc.moment()
	var moments []time.Duration
	for _, o := range s.lines {
		if o.isEvidence {
			from, until = min(from, o.call), max(until, o.call, o.ret)
			moments = append(moments, o.call, o.ret)
		}
	}
	moments = append(moments, sc.moment())
	var at []string
	between := 0
	for _, f := range s.faults {
		switch {
		case f.activeAt(moments):
			at = append(at, f.text())
		case f.from <= until && (f.until < 0 || f.until >= from):
			between++
		}
	}
	text := "none at the evidence"
	if len(at) > 0 {
		text = strings.Join(at[:min(len(at), 3)], "; ")
	}
	if n := len(at) - 3; n > 0 {
		text += fmt.Sprintf("; %d more", n)
	}
	if between > 0 {
		text += fmt.Sprintf("; %d came and went in between", between)
	}
	return text
}

func (f *fault) activeAt(moments []time.Duration) bool {
	for _, t := range moments {
		if f.from <= t && (f.until < 0 || t <= f.until) {
			return true
		}
	}
	return false
}

func (f *fault) text() string {
	until := "the end"
	if f.until >= 0 {
		until = seconds(f.until)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", f.name, strings.Join(f.on, ","))) + fmt.Sprintf(" from %s to %s", seconds(f.from), until)
}

// clause says what allows or forbids it.
func (sc *screen) clause() string {
	a := sc.story.anomaly
	var doc checker.KindDoc
	for _, k := range checker.Kinds {
		if k.Name == a.Kind {
			doc = k
		}
	}
	if a.AllowedBy != "" {
		return fmt.Sprintf("allowed by %s. Otherwise: %s", a.AllowedBy, doc.Doc)
	}
	text := "forbidden: " + doc.Doc
	if doc.Source != "" {
		text += " (" + doc.Source + ")"
	}
	if doc.AllowedBy != "" && sc.story.header.Contract.String() != "" {
		text += " Its contract has none of what would allow it."
	}
	return text
}

// timeline draws the operations around the evidence, in so many lines.
func (sc *screen) timeline(lines int) {
	ops := sc.story.timeline(min(lines, maxLines))
	if len(ops) == 0 {
		return
	}
	sc.b.WriteByte('\n')
	fmt.Fprintln(&sc.b, sc.paint(dim, fmt.Sprintf("  %-13s %9s %-7s %-*s %s", "entries", "at s", "who", textWidth-4, "operation", "in their order")))
	drawn := bars(ops)
	for i, o := range ops {
		mark, colour := " ", dim
		if o.isEvidence {
			mark, colour = ">", bold
		}
		text := clip(sc.story.text(o), textWidth-4)
		pad := strings.Repeat(" ", textWidth-4-utf8.RuneCountInString(text))
		line := fmt.Sprintf("%s %-13s %9.4f %-7s %s%s %s", mark, o.entries(), o.call.Seconds(), clip(o.who(), 7), text, pad, drawn[i])
		fmt.Fprintln(&sc.b, sc.paint(colour, strings.TrimRight(line, " ")))
	}
}

// more says what else there is to look at.
func (sc *screen) more() {
	a := sc.story.anomaly
	var parts []string
	for _, f := range a.Follows {
		parts = append(parts, fmt.Sprintf("%s %d follows from it", f.Kind, f.Count))
	}
	if w := sc.story.example.Window; w != "" {
		parts = append(parts, "picture: "+w)
	}
	if kept := len(a.Examples); kept > 1 {
		parts = append(parts, fmt.Sprintf("other cases: --example 1 to %d", kept))
	}
	if n := len(sc.verdict.Anomalies); n > 1 {
		parts = append(parts, "all: "+kindsOf(sc.verdict))
	}
	if len(parts) == 0 {
		return
	}
	for _, line := range wrap(strings.Join(parts, "; "), width) {
		fmt.Fprintln(&sc.b, line)
	}
}

// clip shortens a text to so many characters.
func clip(text string, n int) string {
	text = clean(text)
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// seconds is a moment of the run.
func seconds(t time.Duration) string { return fmt.Sprintf("%.3f s", t.Seconds()) }

// short is a length of time.
func short(d time.Duration) string {
	if d < time.Millisecond {
		return d.String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// wrap breaks a text into lines of at most so many characters.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(clean(text)) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > n {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// clean makes what a terminal would obey visible: topics, errors and payloads
// are the broker's words.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '·'
		}
		return r
	}, text)
}
