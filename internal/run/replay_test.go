package run

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
)

// asked lists what each worker asked for in the main phase, in its order.
func asked(t *testing.T, s Spec, h histories.Header, dir string) [][]string {
	t.Helper()
	clients, err := s.Workers(s.Nodes)
	if err != nil {
		t.Fatal(err)
	}
	cfg := generator.Config{Seed: s.Seed, Concurrency: clients, Logs: h.Logs, Batch: s.Batch}
	out := make([][]string, h.Workers)
	for _, op := range readAll(t, filepath.Join(dir, histories.HistoryFile)) {
		if op.F == histories.Phase && op.Event.Phase == histories.PhaseFinal {
			break
		}
		if op.Process < 0 || op.Type != histories.Invoke {
			continue
		}
		worker := int(op.Process % int64(h.Workers))
		if !cfg.Counted(worker, &op) {
			continue
		}
		what := fmt.Sprintf("%v keys %v seek %+v", op.F, op.Keys, op.Seek)
		for _, m := range op.Mops {
			what += fmt.Sprintf("; send %v key %d value %d", m.Send, m.Key, m.Value)
		}
		out[worker] = append(out[worker], what)
	}
	return out
}

// A replay walks the same plan, byte for byte, and every worker asks the same
// operations in the same order: of the run and its replay, one is the prefix of
// the other. The faults make some processes die, at other times in each run.
func TestReplayRepeatsPlanAndOperations(t *testing.T) {
	t.Parallel()
	for _, workload := range []string{"log", "queue"} {
		t.Run(workload, func(t *testing.T) {
			t.Parallel()
			spec := Default()
			spec.Seed, spec.Workload, spec.Rate, spec.Topics = 12, workload, 1500, 1
			spec.TimeLimit, spec.Calm, spec.Quiet = Duration(4*time.Second), Duration(500*time.Millisecond), Duration(300*time.Millisecond)
			spec.Nemesis, spec.Interval = []string{"oneway-reply", "reset"}, Duration(time.Second)
			first, err := Run(t.Context(), spec, Options{Store: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			saved, again, err := Replay(t.Context(), first.Dir, Options{Store: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []Result{first, again} {
				if r.Verdict.Valid == checker.Invalid {
					t.Errorf("a sound broker is convicted: %+v", r.Verdict.Anomalies)
				}
			}
			samePlan(t, first.Dir, again.Dir)
			saved.Spec.KeepGoing = true // a replay goes on after its first violation
			if !bytes.Equal(saved.Spec.Encode(), again.Spec.Encode()) {
				t.Errorf("the replay's spec differs:\n%s\n%s", saved.Spec.Encode(), again.Spec.Encode())
			}
			a, b := asked(t, spec, first.Header, first.Dir), asked(t, spec, again.Header, again.Dir)
			for w := range a {
				n := min(len(a[w]), len(b[w]))
				if n < 10 {
					t.Errorf("worker %d asked %d and %d operations: too few to compare", w, len(a[w]), len(b[w]))
				}
				for i := range n {
					if a[w][i] != b[w][i] {
						t.Errorf("operation %d of worker %d:\n%s\n%s", i, w, a[w][i], b[w][i])
						break
					}
				}
			}
		})
	}
}

func samePlan(t *testing.T, a, b string) {
	t.Helper()
	before, err := os.ReadFile(filepath.Join(a, histories.PlanFile))
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(b, histories.PlanFile))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) || len(before) < 100 {
		t.Errorf("the plans are not the same:\n%s\n%s", before, after)
	}
}

// The verdict of a replay is compared by what was found, not by how often.
func TestReproduces(t *testing.T) {
	found := func(v checker.Validity, kinds ...checker.Kind) checker.Verdict {
		r := checker.Verdict{Valid: v}
		for _, k := range kinds {
			r.Anomalies = append(r.Anomalies, checker.Anomaly{Kind: k, Count: 1})
		}
		return r
	}
	allowed := checker.Verdict{Valid: checker.Valid, Anomalies: []checker.Anomaly{{Kind: checker.LostWrite, AllowedBy: "acks=1"}}}
	for _, c := range []struct {
		before, after checker.Verdict
		want          bool
	}{
		{found(checker.Valid), found(checker.Valid), true},
		{found(checker.Valid), found(checker.Unknown), false},
		{found(checker.Unknown), found(checker.Valid), false},
		{found(checker.Valid), allowed, true},
		{found(checker.Valid), found(checker.Invalid, checker.LostWrite), false},
		{found(checker.Invalid, checker.LostWrite), found(checker.Invalid, checker.LostWrite, checker.Duplicate), true},
		{found(checker.Invalid, checker.LostWrite, checker.Duplicate), found(checker.Invalid, checker.LostWrite), false},
		{found(checker.Invalid, checker.LostWrite), allowed, false},
	} {
		if got := Reproduces(c.before, c.after); got != c.want {
			t.Errorf("%v %v, then %v %v: %v, want %v", c.before.Valid, Violations(c.before), c.after.Valid, Violations(c.after), got, c.want)
		}
	}
}
