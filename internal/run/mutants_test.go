package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

// Every mutant is run as a user runs it, under all faults, and judged from the
// saved history. Its verdict must be invalid by its headline kind; whatever
// else is found must be a follower that its row names; and the records that are
// convicted must be those of its ledger.
//
// An answer that a fault cut off on its way is in the broker's ledger and in no
// history: nobody can convict it. The broker marks a sin as proven once the
// client went on after the answer, or once the sin stands in a log for everybody
// to read. So: every proven sin is convicted, and nobody is convicted without a
// sin. TestLedgerWithoutCuts holds the two to be equal where no fault cuts.
func TestMutants(t *testing.T) {
	for _, seed := range seeds(1, 3) {
		for _, m := range mutants.Mutants {
			t.Run(fmt.Sprintf("%s/seed=%d", m.Name, seed), func(t *testing.T) {
				t.Parallel()
				tr := tryMutant(t, m, seed, "all")
				tr.convicted(t)
				tr.balanced(t)
			})
		}
		t.Run(fmt.Sprintf("twin/seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			v := runShort(t, seed, "", "all").Verdict
			if v.Valid == checker.Unknown { // a busy machine may leave a fault unproven once
				t.Log(told(v))
				v = runShort(t, seed, "", "all").Verdict
			}
			if v.Valid != checker.Valid {
				t.Errorf("the same seed without a mutant: %s", told(v))
			}
			t.Logf("twin of the mutants, seed %d: %s, %d operations, %d acknowledged", seed, v.Valid, v.Judged.Ops, v.Judged.Acked)
		})
	}
}

// TestLedgerWithoutCuts: under faults that delay and cut to pieces but lose
// nothing, every answer arrives, and the convictions equal the ledger.
func TestLedgerWithoutCuts(t *testing.T) {
	if !testAll() {
		t.Skip("TestMutants holds every mutant to its ledger under all faults; ACKPROOF_TEST_ALL=1 runs this too")
	}
	for _, m := range mutants.Mutants {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			tr := tryMutant(t, m, 1, "latency", "slicer")
			for i := range tr.sins {
				tr.sins[i].Proven = true
			}
			tr.convicted(t)
			tr.balanced(t)
		})
	}
}

// trial is a run of a mutant with its ledger.
type trial struct {
	mutant  mutants.Mutant
	res     Result
	verdict checker.Verdict // with every example
	sins    []mutants.Sin
}

// tryMutant runs a mutant under faults.
func tryMutant(t *testing.T, m mutants.Mutant, seed uint64, faults ...string) *trial {
	t.Helper()
	tr := &trial{mutant: m, res: runShort(t, seed, m.Name, faults...)}
	var err error
	if tr.verdict, err = CheckFile(tr.res.Dir, checker.Options{MaxExamples: -1}); err != nil {
		t.Fatal(err)
	}
	if tr.sins, err = readLedger(filepath.Join(tr.res.Dir, LedgerFile)); err != nil {
		t.Fatal(err)
	}
	return tr
}

// runShort makes a run of a few seconds: long enough for faults and sins to
// meet honest traffic, short enough to have one for every mutant. The broker
// behaves for two of them.
func runShort(t *testing.T, seed uint64, mutant string, faults ...string) Result {
	t.Helper()
	spec := Default()
	spec.Seed, spec.Mutant, spec.Nemesis = seed, mutant, faults
	spec.TimeLimit, spec.Calm, spec.Quiet = Duration(5*time.Second), Duration(time.Second), Duration(500*time.Millisecond)
	if testAll() {
		spec.TimeLimit = Duration(8 * time.Second)
	}
	res, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test"})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return res
}

// testAll tells whether the long version of the tests was asked for.
func testAll() bool { return os.Getenv("ACKPROOF_TEST_ALL") == "1" }

// seeds lists the seeds of a test: a few, or all of them with ACKPROOF_TEST_ALL=1.
func seeds(few, all int) []uint64 {
	n := few
	if testAll() {
		n = all
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = uint64(i + 1)
	}
	return out
}

// readLedger reads what a broken broker said of itself.
func readLedger(path string) (sins []mutants.Sin, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for dec := json.NewDecoder(bufio.NewReader(f)); ; {
		var s mutants.Sin
		switch err := dec.Decode(&s); {
		case errors.Is(err, io.EOF):
			return sins, nil
		case err != nil:
			return nil, fmt.Errorf("ledger %s: %w", path, err)
		}
		sins = append(sins, s)
	}
}

// convicted holds the verdict to the mutant's row.
func (tr *trial) convicted(t *testing.T) {
	t.Helper()
	v, m := tr.verdict, tr.mutant
	if v.Valid != checker.Invalid {
		t.Fatalf("the verdict is %v with %d sins: %s", v.Valid, len(tr.sins), told(v))
	}
	if tr.res.Verdict.Valid != checker.Invalid {
		t.Errorf("the run said %v", tr.res.Verdict.Valid)
	}
	if tr.headline() == nil {
		t.Errorf("no headline %s: %s", m.Headline, told(v))
	}
	for _, a := range v.Anomalies {
		if a.AllowedBy == "" && string(a.Kind) != m.Headline && !slices.Contains(m.Followers, string(a.Kind)) {
			t.Errorf("%s is not in the row of %s: %s", a.Kind, m.Name, told(v))
		}
		for _, f := range a.Follows {
			if string(f.Kind) != m.Headline && !slices.Contains(m.Followers, string(f.Kind)) {
				t.Errorf("%s follows from %s but is not in the row of %s", f.Kind, a.Kind, m.Name)
			}
		}
	}
	for _, r := range v.Unknown {
		if r.Kind == checker.CheckerDisagreement || r.Kind == checker.CheckerTimeout {
			t.Errorf("%s: %s", r.Checker, r.Why)
		}
	}
}

// headline returns the anomaly that the mutant's row names; nil: there is none.
func (tr *trial) headline() *checker.Anomaly {
	for i, a := range tr.verdict.Anomalies {
		if a.AllowedBy == "" && string(a.Kind) == tr.mutant.Headline {
			return &tr.verdict.Anomalies[i]
		}
	}
	return nil
}

// culprit is what a sin and a conviction have in common: the log, and the
// offset or, for an acknowledgement that has none, the value.
type culprit struct{ log, n int64 }

// balanced compares the convictions with the ledger. A sin may be convicted by
// a follower alone, where what contradicts it is of another kind; that the
// headline is there is held by convicted.
func (tr *trial) balanced(t *testing.T) {
	t.Helper()
	sinned, proven := map[culprit]bool{}, map[culprit]bool{}
	convicted, follower := map[culprit]bool{}, map[culprit]bool{}
	for _, s := range tr.sins {
		sinned[tr.culprit(s)] = true
		if s.Proven {
			proven[tr.culprit(s)] = true
		}
	}
	for _, a := range tr.verdict.Anomalies {
		for _, e := range a.Examples {
			c := tr.convict(e)
			if string(a.Kind) != tr.mutant.Headline {
				follower[c] = true
				continue
			}
			convicted[c] = true
			if !sinned[c] {
				t.Errorf("convicted without a sin: %+v", e)
			}
		}
	}
	for _, s := range tr.sins {
		if c := tr.culprit(s); s.Proven && !convicted[c] && !follower[c] {
			t.Errorf("not convicted: %+v", s)
		}
	}
	t.Logf("mutant %s, seed %d: %s, %d convicted of %s, %d in the ledger, %d of them proven",
		tr.mutant.Name, tr.res.Spec.Seed, tr.verdict.Valid, len(convicted), tr.mutant.Headline, len(sinned), len(proven))
}

// byValue tells whether sins are matched by the record's value.
func (tr *trial) byValue() bool {
	return tr.mutant.Headline == string(checker.InvalidAck) || tr.mutant.Headline == string(checker.TornBatch)
}

func (tr *trial) convict(e checker.Example) culprit {
	if tr.byValue() {
		return culprit{e.Log, e.Value}
	}
	return culprit{e.Log, e.Offset}
}

func (tr *trial) culprit(s mutants.Sin) culprit {
	i := slices.IndexFunc(tr.res.Header.Logs, func(l histories.Log) bool { return l.Topic == s.Topic && l.Partition == s.Partition })
	if i < 0 {
		return culprit{-1, s.Offset}
	}
	key := tr.res.Header.Logs[i].Key
	if tr.byValue() {
		return culprit{key, s.Value}
	}
	return culprit{key, s.Offset}
}

// told is a verdict in one line.
func told(v checker.Verdict) string {
	s := fmt.Sprint(v.Valid)
	for _, a := range v.Anomalies {
		s += fmt.Sprintf("; %s %d", a.Kind, a.Count)
		if a.AllowedBy != "" {
			s += " (allowed by " + a.AllowedBy + ")"
		}
		for _, f := range a.Follows {
			s += fmt.Sprintf(" > %s %d", f.Kind, f.Count)
		}
		if len(a.Examples) > 0 {
			s += ": " + a.Examples[0].Why
		}
	}
	for _, u := range v.Unknown {
		s += "; " + u.Checker + ": " + u.Why
	}
	return s
}
