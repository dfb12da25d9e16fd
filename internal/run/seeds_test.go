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
// the run's own. ACKPROOF_TEST_ALL=1 runs fifty seeds; each prints one line.
func TestHealthySeeds(t *testing.T) {
	unknown := 0
	for _, seed := range seeds(2, 50) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			v := runHealthy(t, seed).Verdict
			bit, healed := 0, 0
			for _, f := range v.Faults {
				if f.Bit == checker.Valid {
					bit++
				}
				if f.Healed == checker.Valid {
					healed++
				}
			}
			t.Logf("healthy, seed %d: %s, %d operations, %d acknowledged, %d faults, %d proven to have bitten, %d to have healed, %d windows",
				seed, v.Valid, v.Judged.Ops, v.Judged.Acked, len(v.Faults), bit, healed, v.Judged.Windows)
			switch {
			case len(v.Anomalies) > 0 && v.Valid == checker.Invalid:
				t.Errorf("a healthy broker was convicted: %s", told(v))
			case v.Valid != checker.Valid:
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
		t.Errorf("%d runs are unknown; at most one may be", unknown)
	}
}

// runHealthy makes the default run, shorter, under the same list of faults.
func runHealthy(t *testing.T, seed uint64) Result {
	t.Helper()
	spec := Default()
	spec.Seed = seed
	spec.TimeLimit, spec.Calm, spec.Quiet = Duration(10*time.Second), Duration(time.Second), Duration(500*time.Millisecond)
	store := t.TempDir()
	if keep := os.Getenv("ACKPROOF_TEST_STORE"); keep != "" {
		store = keep // a conviction's history is worth keeping
	}
	res, err := Run(context.Background(), spec, Options{Store: store, Tool: "test"})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return res
}
