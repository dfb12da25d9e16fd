package run

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
)

// TestHealthySeeds: a healthy broker is never convicted, whatever the nemesis
// does, and hardly ever left unknown. One run at a time, so that the machine is
// the run's own. ACKPROOF_TEST_ALL=1 runs fifty seeds of the default workload
// and ten of the other one; each prints one line.
func TestHealthySeeds(t *testing.T) {
	for _, w := range []struct {
		workload string
		few, all int
	}{{"log", 2, 50}, {"queue", 1, 10}} {
		unknown := 0
		for _, seed := range seeds(w.few, w.all) {
			t.Run(fmt.Sprintf("%s/seed=%d", w.workload, seed), func(t *testing.T) {
				v := runHealthy(t, w.workload, seed).Verdict
				t.Logf("healthy %s, seed %d: %s, %d operations, %d acknowledged, %s, %d windows",
					w.workload, seed, v.Valid, v.Judged.Ops, v.Judged.Acked, proven(v), v.Judged.Windows)
				switch v.Valid {
				case checker.Invalid:
					t.Errorf("a healthy broker was convicted: %s", told(v))
				case checker.Unknown:
					unknown++
					t.Logf("seed %d: %s", seed, told(v))
				}
				for _, r := range v.Unknown {
					if r.Kind == checker.CheckerDisagreement {
						t.Errorf("%s: %s", r.Checker, r.Why)
					}
				}
			})
		}
		if unknown > 1 {
			t.Errorf("%d runs of %s are unknown; at most one may be", unknown, w.workload)
		}
	}
}

// proven counts the faults by what is proven of them.
func proven(v checker.Verdict) string {
	bit, healed := 0, 0
	for _, f := range v.Faults {
		if f.Bit == checker.Valid {
			bit++
		}
		if f.Healed == checker.Valid {
			healed++
		}
	}
	return fmt.Sprintf("%d faults, %d proven to have bitten, %d to have healed", len(v.Faults), bit, healed)
}

// runHealthy makes the default run, shorter, under the same list of faults.
// ACKPROOF_TEST_STORE names a directory that keeps the runs.
func runHealthy(t *testing.T, workload string, seed uint64) Result {
	t.Helper()
	spec := Default()
	spec.Seed, spec.Workload = seed, workload
	spec.TimeLimit, spec.Calm, spec.Quiet = Duration(6*time.Second), Duration(time.Second), Duration(500*time.Millisecond)
	if testAll() {
		spec.TimeLimit = Duration(10 * time.Second)
	}
	store := t.TempDir()
	if keep := os.Getenv("ACKPROOF_TEST_STORE"); keep != "" {
		store = keep
	}
	res, err := Run(context.Background(), spec, Options{Store: store, Tool: "test"})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return res
}
