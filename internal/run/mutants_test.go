package run

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
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
			if variants[m.Name] && !testAll() {
				continue
			}
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

// variants are mutants that differ from another one in when they sin; the long
// version of the tests runs them.
var variants = map[string]bool{
	"forget-aborts-compressed": true, "forget-aborts-at-first": true, "forget-aborts-elsewhere": true,
	"lso-is-end": true, "late-end-txn": true, "drop-tail-when-down": true,
}

// TestLedgerWithoutCuts: under faults that delay and cut to pieces but lose
// nothing, every answer arrives, and the convictions equal the ledger.
func TestLedgerWithoutCuts(t *testing.T) {
	if !testAll() {
		t.Skip("TestMutants holds every mutant to its ledger under all faults; ACKPROOF_TEST_ALL=1 runs this too")
	}
	for _, m := range mutants.Mutants {
		if m.Fault != "" {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			tr := tryMutant(t, m, 1, "latency", "slicer")
			for i := range tr.Sins {
				tr.Sins[i].Proven = tr.Sins[i].Proven || m.Doubt == ""
			}
			tr.convicted(t)
			tr.balanced(t)
		})
	}
}

// trial is a run of a mutant with its ledger.
type trial struct {
	*Trial
	res Result
}

// tryMutant runs a mutant under faults.
func tryMutant(t *testing.T, m mutants.Mutant, seed uint64, faults ...string) *trial {
	t.Helper()
	for tries := 1; ; tries++ {
		res := runFor(t, seed, m.Name, tries, faults...)
		tr, err := NewTrial(res)
		if err != nil {
			t.Fatal(err)
		}
		if len(tr.Sins) > 0 || tries == 3 { // on a busy machine there may be no opportunity
			return &trial{tr, res}
		}
		t.Logf("mutant %s, seed %d: no sin in run %d", m.Name, seed, tries)
	}
}

// runShort makes a run of a few seconds: long enough for faults and sins to
// meet honest traffic, short enough to have one for every mutant. The broker
// behaves for two of them.
func runShort(t *testing.T, seed uint64, mutant string, faults ...string) Result {
	t.Helper()
	return runFor(t, seed, mutant, 1, faults...)
}

// runFor is runShort for some times as long.
func runFor(t *testing.T, seed uint64, mutant string, times int, faults ...string) Result {
	t.Helper()
	spec := short(seed, faults...)
	if m, err := mutants.ByName(mutant); err == nil {
		switch m.Workload {
		case "group", "admin": // few committed offsets are asked for, and records are deleted only once there are enough
			spec.TimeLimit = Duration(8 * time.Second)
		}
		spec.Break(m)
	}
	spec.TimeLimit *= Duration(times)
	res, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test"})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return res
}

// short is the Spec of such a run.
func short(seed uint64, faults ...string) Spec {
	spec := Default()
	spec.Seed, spec.Nemesis, spec.KeepGoing = seed, faults, true
	spec.WholeLimit = Duration(2 * time.Second)
	spec.TimeLimit, spec.Calm, spec.Quiet = Duration(5*time.Second), Duration(time.Second), Duration(500*time.Millisecond)
	if testAll() {
		spec.TimeLimit = Duration(8 * time.Second)
	}
	return spec
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

// convicted holds the verdict to the mutant's row.
func (tr *trial) convicted(t *testing.T) {
	t.Helper()
	if tr.res.Verdict.Valid != tr.Verdict.Valid {
		t.Errorf("the run said %v", tr.res.Verdict.Valid)
	}
	for _, why := range tr.Convicted() {
		t.Errorf("%s: %s", why, told(tr.Verdict))
	}
}

// balanced compares the convictions with the ledger.
func (tr *trial) balanced(t *testing.T) {
	t.Helper()
	b := tr.Balance()
	for _, why := range b.Wrong {
		t.Error(why)
	}
	t.Logf("mutant %s, seed %d: %s, %d convicted of %s, %d in the ledger, %d of them proven",
		tr.Mutant.Name, tr.res.Spec.Seed, tr.Verdict.Valid, b.Convicted, tr.Mutant.Headline, b.Ledger, b.Proven)
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
