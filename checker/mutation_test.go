package checker

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ackproof/ackproof/internal/histtest"
)

// TestMutations makes a perfect history sin once and asks for that sin, at
// that record, and for nothing that is not known to come with it.
func TestMutations(t *testing.T) {
	for _, m := range slices.Concat(histtest.Mutations, histtest.Allowed, histtest.Innocents) {
		t.Run(m.Name, func(t *testing.T) {
			done := 0
			for seed := range uint64(8) {
				h := histtest.Valid(histtest.Options{Seed: seed, Txns: m.Txns, Groups: m.Groups, Ops: 1500, Logs: 2 + int(seed%2), Clients: 3 + int(seed), InfoRate: 0.03, FailRate: 0.02})
				h, e, err := m.Apply(rand.New(rand.NewPCG(seed, 5)), h)
				if err != nil {
					continue
				}
				done++
				mutated(t, m, e, judge(h, Options{MinAcked: 5, MinOpsPerFault: 1, MaxExamples: -1}), seed)
			}
			if done == 0 {
				t.Fatal("no history held an opportunity")
			}
		})
	}
}

func mutated(t *testing.T, m histtest.Mutation, e histtest.Evidence, v Verdict, seed uint64) {
	t.Helper()
	want := Valid
	if m.Kind != "" && m.AllowedBy == "" {
		want = Invalid
	}
	if v.Valid != want {
		t.Fatalf("seed %d: %v, want %v: %s\n%+v\n%s", seed, v.Valid, want, headlinesOf(v), e, text(v))
	}
	for _, a := range v.Anomalies {
		// Reads between two sends out of order may contradict the first one before
		// the second send does; then the pairs shown are send and read.
		if m.Groups && a.AllowedBy == "consumers=subscribe" {
			continue // members are moved
		}
		near := m.Kind == string(OffsetRegression) && a.Kind == NonlinearizableLog
		if string(a.Kind) != m.Kind && !near || a.AllowedBy != m.AllowedBy {
			t.Fatalf("seed %d: headlines %s, want %s alone\n%+v\n%s", seed, headlinesOf(v), m.Kind, e, text(v))
		}
		for _, f := range a.Follows {
			if !slices.Contains(m.Follows, string(f.Kind)) {
				t.Errorf("seed %d: %s follows from %s\n%+v\n%s", seed, f.Kind, m.Name, e, text(v))
			}
		}
		if !slices.ContainsFunc(a.Examples, func(x Example) bool {
			if e.Log < 0 { // it is about operations
				return !slices.ContainsFunc(e.Ops, func(op int64) bool { return !slices.Contains(x.Ops, op) })
			}
			return x.Log == e.Log && (e.Value < 0 || x.Value == e.Value || x.Offset == e.Offset)
		}) {
			t.Errorf("seed %d: no example shows %+v\n%s", seed, e, text(v))
		}
	}
	if m.Kind != "" && len(v.Anomalies) == 0 {
		t.Fatalf("seed %d: nothing found, want %s\n%+v", seed, m.Kind, e)
	}
}
