package museum

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ackproof/ackproof/checker"
)

// List writes the catalogue, one exhibit a line.
func List(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, e := range Exhibits {
		fmt.Fprintf(w, "%d\t%s\t%s\n", e.Number, e.state(), e.Bug)
	}
	return w.Flush()
}

// state is what the exhibit is convicted of, or why it is not built.
func (e Exhibit) state() string {
	if !e.Built() {
		return strings.TrimSuffix("not built: "+e.Needs, ": ")
	}
	var out []string
	for _, s := range e.Shows {
		if k := s.kinds(); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return strings.Join(out, ", ")
}

// kinds are those of a show in words.
func (s Show) kinds() string {
	var out []string
	for _, k := range s.Kinds() {
		out = append(out, string(k))
	}
	text := strings.Join(out, " or ")
	if s.Real != nil && s.Real.Allowed {
		text += " (allowed by contract)"
	}
	return text
}

// Line is the outcome in a line.
func (o Outcome) Line() string {
	head := fmt.Sprintf("%2d %s: ", o.Exhibit.Number, o.Show.Name())
	if o.Skipped != "" {
		return head + "SKIPPED: " + o.Skipped
	}
	if len(o.Wrong) > 0 {
		return head + "WRONG: " + strings.Join(o.Wrong, "; ") + "  " + o.Broken.Dir
	}
	line := head + fmt.Sprintf("convicted of %s %d", o.Kind, o.Count)
	if o.AllowedBy != "" {
		line += " (allowed by contract)"
	}
	if b := o.Balance; b != nil {
		line += fmt.Sprintf(", as the ledger says (%d, %d proven)", b.Ledger, b.Proven)
	}
	j := o.Twin.Verdict.Judged
	return line + fmt.Sprintf(", after %.1f s and %d operations; twin %v, %d operations judged  %s",
		o.After.Seconds(), o.Ops, o.Twin.Verdict.Valid, j.Ops, o.Broken.Dir)
}

// Worst is the result of a visit: one exhibit that is wrong makes it invalid,
// and else one that proved nothing makes it unknown. What was skipped is left
// out; a visit that saw nothing is unknown.
func Worst(all []Outcome) checker.Validity {
	seen, unknown := false, false
	for _, o := range all {
		switch {
		case o.Skipped != "":
			continue
		case o.Valid() == checker.Invalid:
			return checker.Invalid
		}
		seen, unknown = true, unknown || o.Valid() == checker.Unknown
	}
	if !seen || unknown {
		return checker.Unknown
	}
	return checker.Valid
}

// The table stands between these lines of a page.
const (
	tableBegins = "<!-- the museum's table: make museum-table -->"
	tableEnds   = "<!-- end of the museum's table -->"
)

// Table writes the track record: a row for each show, with the medians over its
// outcomes, and what is not built below it.
func Table(w io.Writer, all []Outcome) error {
	var b strings.Builder
	b.WriteString("| # | real bug | shown by | convicted of | seconds | operations | twin |\n|---|---|---|---|---|---|---|\n")
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Exhibit.Number == all[0].Exhibit.Number && all[n].Show.Name() == all[0].Show.Name() {
			n++
		}
		b.WriteString(row(all[:n]))
		all = all[n:]
	}
	var not []string
	for _, e := range Exhibits {
		if !e.Built() {
			not = append(not, strconv.Itoa(e.Number))
		}
	}
	if len(not) > 0 {
		fmt.Fprintf(&b, "\nNot built: %s (`ackproof museum list` says why).\n", strings.Join(not, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// row is one show with its outcomes of several seeds.
func row(all []Outcome) string {
	o := all[0]
	what, twin := o.Show.kinds(), "valid"
	bug := cell(o.Exhibit.Bug + " (" + o.Exhibit.Source + ")")
	var after []time.Duration
	var ops []int64
	for _, o := range all {
		switch {
		case o.Skipped != "":
			return fmt.Sprintf("| %d | %s | %s | %s | | | skipped |\n", o.Exhibit.Number, bug, o.Show.command(o.Exhibit), what)
		case o.Valid() != checker.Valid:
			twin = "**" + o.Valid().String() + "**"
		}
		after, ops = append(after, o.After), append(ops, o.Ops)
	}
	return fmt.Sprintf("| %d | %s | %s | %s | %.1f | %d | %s |\n",
		o.Exhibit.Number, bug, o.Show.command(o.Exhibit), what, median(after).Seconds(), median(ops), twin)
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

// command shows the exhibit.
func (s Show) command(e Exhibit) string {
	return fmt.Sprintf("`museum run %d`: %s", e.Number, s.Name())
}

// median is the middle one, the lower of two.
func median[T cmp.Ordered](all []T) T {
	all = slices.Sorted(slices.Values(all))
	return all[(len(all)-1)/2]
}

// WriteTable puts the table between its markers in a Markdown file.
func WriteTable(path string, all []Outcome) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("write the museum's table: %w", err)
	}
	head, rest, ok := strings.Cut(string(old), tableBegins+"\n")
	_, tail, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		return fmt.Errorf("write the museum's table: %s has no lines %q and %q for it to stand between", path, tableBegins, tableEnds)
	}
	var b strings.Builder
	b.WriteString(head + tableBegins + "\n")
	if err := Table(&b, all); err != nil {
		return err
	}
	b.WriteString(tableEnds + tail)
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the museum's table: %w", err)
	}
	return nil
}
