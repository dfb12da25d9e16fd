package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ackproof/ackproof/checker"
)

// Suite is what the reports on several runs are made from.
type Suite struct {
	Name, Target string
	Rows         []SuiteRow
	Skipped      []SuiteSkip
}

// SuiteSkip is a scenario of the suite that cannot be run, and why.
type SuiteSkip struct{ Scenario, Why string }

// SuiteRow is one run of a suite.
type SuiteRow struct {
	Scenario, Doc string
	Valid         checker.Validity
	Verdict       checker.Verdict // Format 0: there is none
	Dir           string
	Took          time.Duration
	Err           error // the harness's failure; nil: none
}

// sorted are the rows with the violated ones first, then the unknown ones.
func (s Suite) sorted() []SuiteRow {
	order := map[checker.Validity]int{checker.Invalid: 0, checker.Unknown: 1, checker.Valid: 2}
	rows := slices.Clone(s.Rows)
	slices.SortStableFunc(rows, func(a, b SuiteRow) int { return cmp.Compare(order[a.Valid], order[b.Valid]) })
	return rows
}

// Worst is the suite's result: one violation makes it invalid, and else one
// unknown makes it unknown. A suite that ran nothing is unknown.
func (s Suite) Worst() checker.Validity {
	if len(s.Rows) == 0 {
		return checker.Unknown
	}
	return s.sorted()[0].Valid
}

// met counts the expectations that are met.
func (r SuiteRow) met() (n, of int) {
	for _, e := range r.Verdict.Expectations {
		if of++; e.Met == checker.Valid {
			n++
		}
	}
	return n, of
}

// why says in a sentence what is wrong with a run; empty: nothing.
func (r SuiteRow) why() string {
	var out []string
	for _, a := range r.Verdict.Anomalies {
		if a.AllowedBy == "" {
			out = append(out, fmt.Sprintf("%s %d", a.Kind, a.Count))
		}
	}
	for _, want := range []checker.Validity{checker.Invalid, checker.Unknown} {
		for _, e := range r.Verdict.Expectations {
			if e.Met == want {
				out = append(out, e.Name+": "+e.Why)
			}
		}
	}
	if r.Valid == checker.Unknown {
		for _, u := range r.Verdict.Unknown {
			out = append(out, cmp.Or(string(u.Kind), u.Checker)+": "+u.Why)
		}
	}
	if r.Err != nil {
		out = append(out, strings.ReplaceAll(r.Err.Error(), "\n", "; "))
	}
	return strings.Join(out, "; ")
}

// SuiteTable writes the summary of a suite for a terminal, what was violated
// first.
func SuiteTable(out io.Writer, s Suite) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "\nsuite %s on %s\n\nscenario\tverdict\texpectations met\tacked\tseconds\trun directory\n", s.Name, s.Target)
	for _, r := range s.sorted() {
		n, of := r.met()
		fmt.Fprintf(w, "%s\t%s\t%d of %d\t%d\t%.0f\t%s\n", r.Scenario, r.Valid, n, of, r.Verdict.Judged.Acked, r.Took.Seconds(), r.Dir)
	}
	for _, r := range s.sorted() {
		if why := r.why(); r.Valid != checker.Valid && why != "" {
			fmt.Fprintf(w, "\n%s: %s\n", r.Scenario, why)
		}
	}
	s.skipped(w)
	fmt.Fprintln(w, s.counts())
}

// skipped writes what was not run, by the reason.
func (s Suite) skipped(w io.Writer) {
	var reasons []string
	names := map[string][]string{}
	for _, o := range s.Skipped {
		if names[o.Why] == nil {
			reasons = append(reasons, o.Why)
		}
		names[o.Why] = append(names[o.Why], o.Scenario)
	}
	for _, why := range reasons {
		fmt.Fprintf(w, "\nSKIPPED: %s: %s\n", strings.Join(names[why], ", "), why)
	}
}

// counts sums up in a line.
func (s Suite) counts() string {
	n := map[checker.Validity]int{}
	for _, r := range s.Rows {
		n[r.Valid]++
	}
	return fmt.Sprintf("%d scenarios: %d valid, %d invalid, %d unknown", len(s.Rows), n[checker.Valid], n[checker.Invalid], n[checker.Unknown])
}

// SuiteMarkdown writes the summary of a suite as GitHub shows it for a job step.
func SuiteMarkdown(w io.Writer, s Suite) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### ackproof: suite %s on %s\n\n%s\n\n", s.Name, cellText(s.Target), s.counts())
	writeRow(&b, []string{"scenario", "verdict", "expectations met", "acked records", "seconds", "what is wrong"})
	writeRow(&b, []string{"---", "---", "---", "---", "---", "---"})
	for _, r := range s.sorted() {
		n, of := r.met()
		why := ""
		if r.Valid != checker.Valid {
			why = cellText(r.why())
		}
		writeRow(&b, []string{r.Scenario, r.Valid.String(), fmt.Sprintf("%d of %d", n, of), fmt.Sprint(r.Verdict.Judged.Acked), fmt.Sprintf("%.0f", r.Took.Seconds()), why})
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// cellText keeps what a broker or a file said from being read as markup.
func cellText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'", "\r", " ").Replace(s)
}

// Annotations writes GitHub's workflow commands for what is wrong: an error for
// each violated scenario, a warning for each unknown one.
func Annotations(w io.Writer, s Suite) {
	for _, r := range s.sorted() {
		level := map[checker.Validity]string{checker.Invalid: "error", checker.Unknown: "warning"}[r.Valid]
		if level != "" {
			fmt.Fprintf(w, "::%s title=%s::%s\n", level, property("ackproof "+r.Scenario), command(r.Valid.String()+": "+r.why()))
		}
	}
}

// command escapes the text of a workflow command, property that of its properties.
func command(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(command(s))
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
	Out     string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
}

// JUnit writes a suite as the XML that continuous integration reads: a testsuite
// for each scenario, with a testcase for its verdict and one for each
// expectation. What is violated is a failure, what is unknown an error. There is
// no one schema; the file holds to what Jenkins's (junit-10.xsd) and Ant's have
// in common.
func JUnit(w io.Writer, s Suite) error {
	doc := junitSuites{Name: "ackproof suite " + s.Name}
	total := time.Duration(0)
	for _, r := range s.Rows {
		one := junitSuite{Name: r.Scenario, Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
		one.add(r.Scenario, "verdict", r.Took, r.Valid, r.why(), r.Dir)
		for _, e := range r.Verdict.Expectations {
			one.add(r.Scenario, e.Name, 0, e.Met, e.Why, "")
		}
		total += r.Took
		doc.take(one)
	}
	for _, o := range s.Skipped {
		one := junitSuite{Name: o.Scenario, Time: "0.000", Tests: 1, Skipped: 1}
		one.Cases = []junitCase{{Class: o.Scenario, Name: "verdict", Time: "0.000", Skipped: &junitText{o.Why, "skipped"}}}
		doc.take(one)
	}
	doc.Time = fmt.Sprintf("%.3f", total.Seconds())
	b, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	return err
}

func (d *junitSuites) take(s junitSuite) {
	d.Tests, d.Failures, d.Errors = d.Tests+s.Tests, d.Failures+s.Failures, d.Errors+s.Errors
	d.Suites = append(d.Suites, s)
}

func (s *junitSuite) add(class, name string, took time.Duration, v checker.Validity, why, out string) {
	c := junitCase{Class: class, Name: name, Time: fmt.Sprintf("%.3f", took.Seconds()), Out: out}
	s.Tests++
	switch v {
	case checker.Invalid:
		s.Failures++
		c.Failure = &junitText{why, "violated"}
	case checker.Unknown:
		s.Errors++
		c.Error = &junitText{why, "unknown"}
	}
	s.Cases = append(s.Cases, c)
}
