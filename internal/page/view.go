package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// Run is what a page tells of besides its charts.
type Run struct {
	Title    string // what the run is called: its directory
	Header   histories.Header
	Verdict  checker.Verdict
	Scenario string // empty: none
	Mutant   string // a broker broken on purpose; empty: none
	Repeat   string // the command that makes the run again; empty: not known
	// Files are the files beside the page, to link to.
	Files []string
	// Excerpts are the operations around examples, by [anomaly, example] of
	// the verdict, see Excerpt.
	Excerpts map[[2]int]Excerpt
}

// view is what the template renders.
type view struct {
	Run
	Data   template.JS
	Script template.JS
	Style  template.CSS
	Policy string

	Verdict  string // valid, invalid, unknown
	Headline string
	Contract []string
	V        checker.Verdict
	Stats    checker.Stats
	Cards    []card
	Reasons  []checker.Reason
	Kinds    []faultKind
	Faults   []faultRow
	MoreRows int // faults beyond maxRows
	Logs     []logRow
	MoreLogs int64
	Notes    []Mark
	Metrics  bool
}

// maxRows bounds the rows of a table.
const maxRows = 400

// card is an anomaly.
type card struct {
	checker.Anomaly
	Doc      string
	Allowed  bool
	Examples []example // of these, the first is shown open
	Rest     []example
	More     int64 // cases that are not shown
}

// example is one case with what is drawn of it.
type example struct {
	checker.Example
	First    bool
	Where    string
	Evidence []evidenceLine
	Timeline string // the id of its timeline; empty: none
	Window   string // a link that is safe to follow
}

type evidenceLine struct {
	Index int64
	Text  string
}

// faultRow is a fault with what was done beside it.
type faultRow struct {
	Fault checker.FaultResult
	Span  checker.FaultSpan
}

// faultKind sums up the faults of a kind.
type faultKind struct {
	Name               string
	Count, Bit, Healed int64
}

// logRow is how far a log came.
type logRow struct {
	Name                  string
	Acked, Read, End, Lag int64
}

// newView lays out a page.
func newView(r Run, d Data) *view {
	v := &view{Run: r, V: r.Verdict, Verdict: r.Verdict.Valid.String(), Reasons: r.Verdict.Unknown, Notes: d.Notes, Metrics: len(d.Metrics) > 0}
	_ = json.Unmarshal(r.Verdict.Stats, &v.Stats) // absent statistics are absent tables
	v.Headline = headline(r.Verdict)
	if c := r.Header.Contract.String(); c != "" {
		v.Contract = strings.Split(c, ",")
	}
	for i, a := range r.Verdict.Anomalies {
		v.Cards = append(v.Cards, newCard(i, a, &r))
	}
	v.faults()
	for _, l := range d.Logs {
		row := logRow{Name: l.Name, Acked: sum(l.Acked), Read: sum(l.Read), End: sum(l.End)}
		row.Lag = max(0, row.End-row.Read)
		if len(v.Logs) < maxRows {
			v.Logs = append(v.Logs, row)
		} else {
			v.MoreLogs++
		}
	}
	v.MoreLogs += d.LogsLeft
	return v
}

func sum(deltas []int64) (n int64) {
	for _, d := range deltas {
		n += d
	}
	return n
}

// headline is the verdict in a sentence.
func headline(v checker.Verdict) string {
	var found, allowed []string
	for _, a := range v.Anomalies {
		s := fmt.Sprintf("%s × %s", a.Kind, Number(a.Count))
		if a.AllowedBy == "" {
			found = append(found, s)
		} else {
			allowed = append(allowed, s)
		}
	}
	unmet := 0
	for _, e := range v.Expectations {
		if e.Met == checker.Invalid {
			unmet++
		}
	}
	var parts []string
	switch {
	case len(found) > 0:
		parts = append(parts, "The broker broke its promises: "+strings.Join(found, ", ")+".")
	case v.Valid == checker.Unknown:
		parts = append(parts, "Nothing was found, and not enough is proven to call the run valid.")
	case v.Valid == checker.Valid:
		parts = append(parts, "Everything that was judged is as the broker promised.")
	}
	if unmet > 0 {
		parts = append(parts, plural(int64(unmet), "expectation was", "expectations were")+" not met.")
	}
	if len(allowed) > 0 {
		parts = append(parts, "Allowed by the contract: "+strings.Join(allowed, ", ")+".")
	}
	if v.Incomplete {
		parts = append(parts, "The run did not reach its end.")
	}
	return strings.Join(parts, " ")
}

// newCard lays out an anomaly.
func newCard(i int, a checker.Anomaly, r *Run) card {
	c := card{Anomaly: a, Allowed: a.AllowedBy != ""}
	if k := slices.IndexFunc(checker.Kinds, func(k checker.KindDoc) bool { return k.Name == a.Kind }); k >= 0 {
		c.Doc = checker.Kinds[k].Doc
	}
	for j, e := range a.Examples {
		x := example{Example: e, First: j == 0, Where: r.Header.LogName(e.Log), Window: localLink(e.Window)}
		ex := r.Excerpts[[2]int{i, j}]
		for _, index := range e.Ops {
			x.Evidence = append(x.Evidence, evidenceLine{index, ex.Lines[index]})
		}
		if len(ex.Timeline.Ops) > 0 {
			x.Timeline = ex.Timeline.ID
		}
		if j < perKind {
			c.Examples = append(c.Examples, x)
		} else {
			c.Rest = append(c.Rest, x)
		}
	}
	c.More = a.Count - int64(len(a.Examples))
	return c
}

// localLink returns a relative path below the page's directory, or nothing: a
// verdict is a file, and anybody may have written it.
func localLink(p string) string {
	if p == "" || path.IsAbs(p) || strings.ContainsAny(p, ":\\?#") || !isLocal(p) {
		return ""
	}
	return p
}

func isLocal(p string) bool {
	clean := path.Clean(p)
	return clean != ".." && !strings.HasPrefix(clean, "../")
}

// faults lays out the faults, one by one and by kind.
func (v *view) faults() {
	spans := map[int]checker.FaultSpan{}
	for _, f := range v.Stats.Faults {
		spans[f.ID] = f
	}
	for _, f := range v.V.Faults {
		if len(v.Faults) < maxRows {
			v.Faults = append(v.Faults, faultRow{f, spans[f.ID]})
		} else {
			v.MoreRows++
		}
		i := slices.IndexFunc(v.Kinds, func(k faultKind) bool { return k.Name == f.Fault })
		if i < 0 {
			i = len(v.Kinds)
			v.Kinds = append(v.Kinds, faultKind{Name: f.Fault})
		}
		k := &v.Kinds[i]
		k.Count++
		if f.Bit == checker.Valid {
			k.Bit++
		}
		if f.Healed == checker.Valid {
			k.Healed++
		}
	}
}
