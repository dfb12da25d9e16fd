package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
)

func testSuite() Suite {
	row := func(name string, v checker.Validity, met checker.Validity) SuiteRow {
		return SuiteRow{Scenario: name, Valid: v, Dir: "store/" + name, Took: 1500 * time.Millisecond,
			Verdict: checker.Verdict{Format: 1, Valid: v, Expectations: []checker.Expectation{{Name: "acks", Met: met, Why: `5 < 10 & "so", on`}}}}
	}
	unknown := row("lost", checker.Unknown, checker.Valid)
	unknown.Err = errors.New("harness\nbroke: 100%")
	return Suite{Name: "guide", Target: "embedded", Skipped: []SuiteSkip{{"elsewhere", "not for this target"}}, Rows: []SuiteRow{
		row("fine", checker.Valid, checker.Valid), unknown, row("guilty", checker.Invalid, checker.Invalid),
	}}
}

// TestJUnit reads back what was written and counts.
func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := JUnit(&b, testSuite()); err != nil {
		t.Fatal(err)
	}
	var doc junitSuites
	if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if doc.Tests != 7 || doc.Failures != 2 || doc.Errors != 1 || doc.Suites[3].Skipped != 1 || len(doc.Suites) != 4 || doc.Time != "4.500" {
		t.Errorf("%+v", doc)
	}
	if got := doc.Suites[2].Cases[1].Failure.Message; got != `5 < 10 & "so", on` {
		t.Errorf("the reason came back as %q", got)
	}
}

// junitRules are the elements of a JUnit file: the attributes that each has to
// have, those that it may have besides, and what may stand in it.
var junitRules = map[string]struct{ needed, allowed, children string }{
	"testsuites": {"", "name time tests failures errors disabled", "testsuite"},
	"testsuite":  {"name tests failures errors", "time skipped timestamp hostname id package", "properties testcase system-out system-err"},
	"testcase":   {"name classname", "time assertions status", "skipped error failure system-out system-err"},
	"failure":    {"type", "message", ""},
	"error":      {"type", "message", ""},
	"skipped":    {"", "message type", ""},
	"system-out": {"", "", ""},
}

// TestJUnitHoldsToTheSchema walks the file element by element, and counts.
func TestJUnitHoldsToTheSchema(t *testing.T) {
	s := testSuite()
	s.Rows[1].Err = errors.New("a broker said \x00\x1b[31m \xff <b>")
	var b bytes.Buffer
	if err := JUnit(&b, s); err != nil {
		t.Fatal(err)
	}
	type frame struct {
		name  string
		attrs map[string]string
		count map[string]int
	}
	var open []frame
	dec := xml.NewDecoder(&b)
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name := tok.Name.Local
			rule, known := junitRules[name]
			f := frame{name, map[string]string{}, map[string]int{}}
			for _, a := range tok.Attr {
				f.attrs[a.Name.Local] = a.Value
				if !slices.Contains(strings.Fields(rule.needed+" "+rule.allowed), a.Name.Local) {
					t.Errorf("%s has an attribute %s", name, a.Name.Local)
				}
			}
			for _, a := range strings.Fields(rule.needed) {
				if f.attrs[a] == "" {
					t.Errorf("%s %q lacks its attribute %s", name, f.attrs["name"], a)
				}
			}
			switch n := len(open); {
			case !known:
				t.Errorf("there is an element %s", name)
			case n == 0 && name != "testsuites":
				t.Errorf("the root is %s", name)
			case n > 0 && !slices.Contains(strings.Fields(junitRules[open[n-1].name].children), name):
				t.Errorf("%s stands in %s", name, open[n-1].name)
			}
			for i := range open {
				open[i].count[name]++
			}
			open = append(open, f)
		case xml.EndElement:
			f := open[len(open)-1]
			open = open[:len(open)-1]
			for attr, element := range map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"} {
				if v, ok := f.attrs[attr]; ok && v != strconv.Itoa(f.count[element]) {
					t.Errorf("%s %q says %s=%s and has %d", f.name, f.attrs["name"], attr, v, f.count[element])
				}
			}
			if v, ok := f.attrs["time"]; ok {
				if _, err := strconv.ParseFloat(v, 64); err != nil {
					t.Errorf("%s: time %q", f.name, v)
				}
			}
		}
	}
}

// TestSuiteReports: what is violated stands before what is unknown, and text of
// others is no markup and no command.
func TestSuiteReports(t *testing.T) {
	var table, page, notes bytes.Buffer
	SuiteTable(&table, testSuite())
	if err := SuiteMarkdown(&page, testSuite()); err != nil {
		t.Fatal(err)
	}
	Annotations(&notes, testSuite())
	for _, text := range []string{table.String(), page.String(), notes.String()} {
		if g, l := strings.Index(text, "guilty"), strings.Index(text, "lost"); g < 0 || l < 0 || g > l {
			t.Errorf("want guilty before lost:\n%s", text)
		}
	}
	if !strings.Contains(page.String(), "5 &lt; 10 &amp;") {
		t.Errorf("the page holds markup:\n%s", page.String())
	}
	if want := "::error title=ackproof guilty::invalid: acks: 5 < 10 & \"so\", on\n"; !strings.HasPrefix(notes.String(), want) {
		t.Errorf("%s\nwant %s", notes.String(), want)
	}
	if !strings.Contains(notes.String(), "::warning title=ackproof lost::unknown: harness; broke: 100%25\n") {
		t.Errorf("%s", notes.String())
	}
}
