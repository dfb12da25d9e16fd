package museum

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/scenario"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

var museumAll = flag.Bool("museum-all", os.Getenv("ACKPROOF_TEST_ALL") == "1", "visit every exhibit")

// TestExhibits holds the catalogue to its form: numbers that count, shows whose
// names there are, and twins that differ from the broken run in the broker alone.
func TestExhibits(t *testing.T) {
	kinds := map[checker.Kind]bool{}
	for _, k := range checker.Kinds {
		kinds[k.Name] = true
	}
	for i, e := range Exhibits {
		if e.Number != i+1 || e.Bug == "" || e.Source == "" || e.Built() && e.Needs != "" {
			t.Errorf("exhibit %d: want the number %d, a bug, a source, and needs only where it is not built: %+v", e.Number, i+1, e)
		}
		for _, s := range e.Shows {
			if (s.Mutant == "") == (s.Real == nil) || len(s.Kinds()) == 0 || s.How() == "" {
				t.Errorf("exhibit %d: a show of either a mutant or a scenario, with its kinds: %+v", e.Number, s)
			}
			for _, k := range s.Kinds() {
				if !kinds[k] {
					t.Errorf("exhibit %d: %s is no kind of anomaly", e.Number, k)
				}
			}
			holdSpecs(t, e, s)
		}
	}
}

func holdSpecs(t *testing.T, e Exhibit, s Show) {
	t.Helper()
	broken, twin := s.spec(e.Number, 7, false), s.spec(e.Number, 7, true)
	if s.Real != nil {
		if _, err := scenario.Find(s.Real.Scenario); err != nil {
			t.Errorf("exhibit %d: %v", e.Number, err)
		}
		return
	}
	if _, err := mutants.ByName(s.Mutant); err != nil {
		t.Errorf("exhibit %d: %v", e.Number, err)
	}
	for _, spec := range []run.Spec{broken, twin} {
		if err := spec.Validate(); err != nil {
			t.Errorf("exhibit %d: %v", e.Number, err)
		}
	}
	broken.Mutant, broken.Name = twin.Mutant, twin.Name
	if !reflect.DeepEqual(broken, twin) {
		t.Errorf("exhibit %d: the twin of %s differs in more than the broker", e.Number, s.Mutant)
	}
}

// TestVisits visits a few exhibits, or all of them with ACKPROOF_TEST_ALL=1.
func TestVisits(t *testing.T) {
	began := time.Now()
	for _, e := range Exhibits {
		sample := e.Number == 14 || e.Number == 24
		if !e.Built() || !sample && !*museumAll {
			continue
		}
		for _, s := range e.Shows {
			t.Run(fmt.Sprintf("%02d %s", e.Number, s.Name()), func(t *testing.T) {
				out, err := s.Visit(t.Context(), e, 1, Options{Store: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				if out.Skipped != "" {
					t.Skip("SKIPPED: " + out.Skipped)
				}
				if out.Valid() != checker.Valid {
					t.Errorf("%v: %s; the twin: %s", out.Valid(), out.Line(), told(out.Twin.Verdict))
				}
				if out.Count == 0 || out.Ops == 0 || out.After == 0 || out.After > 2*time.Minute {
					t.Errorf("evidence after %v and %d operations, %d times", out.After, out.Ops, out.Count)
				}
				line, _, _ := strings.Cut(out.Line(), "  ")
				t.Logf("exhibit %s", line)
			})
		}
	}
	t.Logf("exhibits: %s in all", time.Since(began).Round(time.Second))
}

func TestSelect(t *testing.T) {
	all, err := Select(nil)
	if err != nil || len(all) == 0 {
		t.Fatalf("nothing is built: %v", err)
	}
	if some, err := Select([]string{"all"}); err != nil || len(some) != len(all) {
		t.Errorf("all: %d, %v", len(some), err)
	}
	if some, err := Select([]string{"24", "14"}); err != nil || len(some) != 2 || some[0].Number != 24 {
		t.Errorf("in the order that was asked for: %+v, %v", some, err)
	}
	for arg, want := range map[string]string{
		"0": "from 1 to 35", "36": "from 1 to 35", "ack": "from 1 to 35", "2": "needs replicas",
	} {
		if _, err := Select([]string{arg}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", arg, err, want)
		}
	}
}

// outcome is one that went as it should.
func outcome(n int, after time.Duration, ops int64) Outcome {
	e := Exhibits[n-1]
	o := Outcome{Exhibit: e, Show: e.Shows[0], Kind: e.Shows[0].Kinds()[0], Count: 3, Balance: &run.Balance{Convicted: 3, Ledger: 3, Proven: 2}, After: after, Ops: ops}
	o.Broken.Dir = "store/x"
	o.Twin.Verdict.Valid = checker.Valid
	o.Twin.Verdict.Judged.Ops = 99
	return o
}

func TestTableHasMedians(t *testing.T) {
	var all []Outcome
	for _, after := range []time.Duration{9, 2, 4} {
		all = append(all, outcome(14, after*time.Second, int64(after)*100))
	}
	wrong := outcome(24, time.Second, 10)
	wrong.Wrong = []string{"the twin is invalid"}
	skipped := Outcome{Exhibit: Exhibits[21], Show: Exhibits[21].Shows[0], Skipped: "no java"}
	all = append(all, wrong, skipped)
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("before\n"+tableBegins+"\nold\n"+tableEnds+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteTable(path, all); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ := strings.Cut(string(b), "\nNot built")
	want := "before\n" + tableBegins + `
| # | real bug | shown by | convicted of | seconds | operations | twin |
|---|---|---|---|---|---|---|
| 14 | Bufstream 0.1.0: acknowledged records are lost in a healthy cluster (Jepsen, Bufstream 0.1.0 (2024)) | ` + "`museum run 14`: ack-and-drop" + ` | lost-write | 4.0 | 400 | valid |
| 24 | Kafka's Java client: records are written to the wrong log (KAFKA-19012) | ` + "`museum run 24`: misroute" + ` | misrouted-record | 1.0 | 10 | **invalid** |
| 22 | Kafka: acks=1, or an unclean election, loses records; the contract allows it (Kafka documentation, unclean.leader.election.enable) | ` + "`museum run 22`: unclean-election on kafka" + ` | inconsistent-offset or truncated-ack or lost-write or unseen (allowed by contract) | | | skipped |
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.HasSuffix(string(b), tableEnds+"\nafter\n") {
		t.Errorf("what stands behind the table is gone:\n%s", b)
	}
	if err := os.WriteFile(path, []byte("no markers\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteTable(path, all); err == nil || !strings.Contains(err.Error(), "no lines") {
		t.Errorf("a page without markers: %v", err)
	}
}

func TestWorst(t *testing.T) {
	good, bad, open, skipped := outcome(14, 1, 1), outcome(14, 1, 1), outcome(14, 1, 1), Outcome{Skipped: "no java"}
	bad.Wrong = []string{"no headline"}
	open.Twin.Verdict.Valid = checker.Unknown
	for _, c := range []struct {
		all  []Outcome
		want checker.Validity
	}{
		{nil, checker.Unknown},
		{[]Outcome{skipped}, checker.Unknown},
		{[]Outcome{skipped, good}, checker.Valid},
		{[]Outcome{open, good}, checker.Unknown},
		{[]Outcome{open, bad, good}, checker.Invalid},
	} {
		if got := Worst(c.all); got != c.want {
			t.Errorf("%d outcomes: %v, want %v", len(c.all), got, c.want)
		}
	}
}

// TestIdle: a run is made again where the broker had no opportunity, and never
// where somebody was convicted or a sin went unnoticed.
func TestIdle(t *testing.T) {
	for _, c := range []struct {
		balance *run.Balance
		valid   checker.Validity
		want    bool
	}{
		{&run.Balance{}, checker.Valid, true},
		{&run.Balance{Ledger: 2}, checker.Unknown, true},
		{&run.Balance{Ledger: 2, Proven: 1}, checker.Valid, false},
		{&run.Balance{Ledger: 2}, checker.Invalid, false},
		{nil, checker.Valid, false},
	} {
		o := Outcome{Balance: c.balance}
		o.Broken.Verdict.Valid = c.valid
		if got := o.idle(); got != c.want {
			t.Errorf("%+v, %v: %v", c.balance, c.valid, got)
		}
	}
}

func TestLine(t *testing.T) {
	o := outcome(14, 2500*time.Millisecond, 400)
	want := "14 ack-and-drop: convicted of lost-write 3, as the ledger says (3, 2 proven), after 2.5 s and 400 operations; twin valid, 99 operations judged  store/x"
	if got := o.Line(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	o.Wrong = []string{"no headline lost-write"}
	if got := o.Line(); got != "14 ack-and-drop: WRONG: no headline lost-write  store/x" {
		t.Error(got)
	}
}
