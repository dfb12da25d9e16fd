package histtest

import (
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// base is a history with an opportunity for every mutation.
func base(seed uint64) History {
	return Valid(Options{Seed: seed, Ops: 2500, Clients: 6, InfoRate: 0.03, FailRate: 0.02, Ends: 60, Starts: 30, Assigns: 60, Crashes: 8})
}

func TestValidHistoriesHaveNoAnomaly(t *testing.T) {
	for seed := range uint64(5) {
		if found := kinds(base(seed)); len(found) > 0 {
			t.Errorf("seed %d: %s", seed, list(found))
		}
	}
	if found := kinds(Valid(Options{StaleRate: 0.2})); len(found) > 0 {
		t.Errorf("kafka reads: %s", list(found))
	}
}

func TestMutationsCommitTheirSin(t *testing.T) {
	seeds := uint64(3)
	if os.Getenv("ACKPROOF_TEST_ALL") != "" {
		seeds = 100
	}
	for seed := range seeds {
		h := base(seed)
		kept := h.Clone()
		for i, m := range slices.Concat(Mutations, Allowed, Innocents) {
			if m.Txns || m.Groups {
				continue // see TestMutationsOfOtherWorkloads
			}
			got, e, err := m.Apply(rand.New(rand.NewPCG(seed, uint64(i))), h)
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
				continue
			}
			wellFormed(t, m.Name, got)
			for _, op := range e.Ops {
				if op < 0 || op >= int64(len(got.Ops)) {
					t.Errorf("seed %d: %s: evidence %+v in %d entries", seed, m.Name, e, len(got.Ops))
				}
			}
			if m.Beyond {
				continue // the checker's own tests say what it makes of it
			}
			found := kinds(got)
			if (m.Kind != "") != slices.Contains(found, m.Kind) {
				t.Errorf("seed %d: %s: found %s; want %s; %+v", seed, m.Name, list(found), m.Kind, e)
			}
			for _, k := range found {
				if k != m.Kind && !slices.Contains(m.Follows, k) {
					t.Errorf("seed %d: %s: found %s as well; %+v", seed, m.Name, k, e)
				}
			}
		}
		if !reflect.DeepEqual(h, kept) {
			t.Fatalf("seed %d: a mutation changed its argument", seed)
		}
	}
}

// TestMutationsOfOtherWorkloads: they change a history of transactions, or of
// consumer groups, into another one that could have been recorded. What they make of it the checker's
// own tests say, and its naive judge.
func TestMutationsOfOtherWorkloads(t *testing.T) {
	done := map[string]bool{}
	for n := range uint64(8) {
		seed, txns, clients := n/2, n%2 == 0, 6
		if !txns {
			clients = 10 // every second one is a member of one of two groups
		}
		h := Valid(Options{Seed: seed, Txns: txns, Groups: !txns, Ops: 2000, Clients: clients, InfoRate: 0.03, FailRate: 0.02})
		kept := h.Clone()
		for i, m := range slices.Concat(Mutations, Allowed, Innocents) {
			if m.Txns != txns || m.Groups == txns {
				continue
			}
			got, _, err := m.Apply(rand.New(rand.NewPCG(seed, uint64(i))), h)
			if err != nil {
				continue
			}
			done[m.Name] = true
			wellFormed(t, m.Name, got)
			if reflect.DeepEqual(h.Ops, got.Ops) && reflect.DeepEqual(h.Header, got.Header) {
				t.Errorf("seed %d: %s changed nothing", seed, m.Name)
			}
		}
		if !reflect.DeepEqual(h, kept) {
			t.Fatalf("seed %d: a mutation changed its argument", seed)
		}
	}
	for _, m := range slices.Concat(Mutations, Allowed, Innocents) {
		if (m.Txns || m.Groups) && !done[m.Name] {
			t.Errorf("no history held an opportunity for %s", m.Name)
		}
	}
}

// wellFormed demands indexes that count, times that do not go back, and
// processes that do one thing at a time.
func wellFormed(t *testing.T, name string, h History) {
	t.Helper()
	open := map[int64]histories.F{}
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Index != int64(i) || i > 0 && op.Time < h.Ops[i-1].Time {
			t.Fatalf("%s: entry %d has index %d and time %d", name, i, op.Index, op.Time)
		}
		if op.Process < 0 {
			continue
		}
		f, busy := open[op.Process]
		if busy != (op.Type != histories.Invoke) || busy && f != op.F {
			t.Fatalf("%s: entry %d: %v %v of process %d, which is busy: %v", name, i, op.Type, op.F, op.Process, busy)
		}
		if busy {
			delete(open, op.Process)
		} else {
			open[op.Process] = op.F
		}
	}
}

func TestNoOpportunity(t *testing.T) {
	h := Valid(Options{Ops: 5, InfoRate: -1, FailRate: -1})
	for _, m := range Mutations {
		if m.Name == "append-failed" || m.Name == "two-values" {
			if _, _, err := m.Apply(rand.New(rand.NewPCG(1, 1)), h); err == nil {
				t.Errorf("%s found an opportunity where there is none", m.Name)
			}
		}
	}
}

// TestCatalogues demands unique names, and a mutation for each kind of anomaly.
func TestCatalogues(t *testing.T) {
	names := map[string]bool{}
	sins := map[string]bool{}
	for _, m := range slices.Concat(Mutations, Allowed, Innocents) {
		if names[m.Name] || m.Doc == "" {
			t.Errorf("mutation %q: named twice or without description", m.Name)
		}
		names[m.Name] = true
		sins[m.Kind] = true
	}
	for _, k := range []string{
		"inconsistent-offset", "truncated-ack", "lost-write", "unseen", "invalid-ack", "phantom-read",
		"misrouted-record", "corrupt-record", "duplicate", "aborted-read", "nonmonotonic-send",
		"int-nonmonotonic-send", "nonmonotonic-poll", "int-nonmonotonic-poll", "poll-skip", "int-poll-skip",
		"offset-regression", "end-offset-regression", "log-start-regression", "nonlinearizable-log",
		"future-read", "stale-read", "torn-batch", "deleted-early", "leader-epoch-regression", "int-send-skip",
		"no-recovery", "committed-offset-regression", "committed-offset-lost",
		"committed-offset-nonlinearizable", "commit-beyond-consumed", "skipped-by-group", "two-owners", "precommitted-read", "torn-transaction", "fenced-producer-committed", "eos-duplicate-effect",
		"G1c", "G0", "fractured-read", "lso-regression", "stuck-lso",
	} {
		if !sins[k] {
			t.Errorf("no mutation commits %s", k)
		}
	}
}
