package report

import (
	"bytes"
	"encoding/xml"
	"errors"
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
	return Suite{Name: "guide", Target: "embedded", Skipped: []string{"elsewhere"}, Rows: []SuiteRow{
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
	if doc.Tests != 7 || doc.Failures != 2 || doc.Errors != 1 || doc.Skipped != 1 || len(doc.Suites) != 4 || doc.Time != "4.500" {
		t.Errorf("%+v", doc)
	}
	if got := doc.Suites[2].Cases[1].Failure.Message; got != `5 < 10 & "so", on` {
		t.Errorf("the reason came back as %q", got)
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
