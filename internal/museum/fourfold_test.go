package museum

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/histtest"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

// proof is what shows that a kind has teeth and does not bite the innocent: a
// saved history that is guilty of it, and how one of its lines has to read for it
// to be innocent. The mutation and the broken broker are found by the kind.
type proof struct {
	kind     checker.Kind
	guilty   string // a file of histories/corpus
	old, new string // the twin has new where the guilty history has old
}

var proofs = []proof{
	{checker.CorruptRecord, "corrupt-record", "-1@1 fetch=0:0/2 bad=0:1:corrupt", "2@1 fetch=0:0/2"},
	{checker.MisroutedRecord, "misrouted-record", "p9 e 0:2 1:1\np9 a 0 1 seek=beginning pos=0:0 pos=1:0\np9 p 1@0 5@1 k1 5@0 fetch=0:0/2 fetch=1:0/1 bad=0:1:misrouted",
		"p9 e 0:1 1:1\np9 a 0 1 seek=beginning pos=0:0 pos=1:0\np9 p 1@0 k1 5@0 fetch=0:0/1 fetch=1:0/1"},
	{checker.PhantomRead, "foreign-record", "p0 s 1@0\nnemesis phase final\np9 e 0:2\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 -1@1 bad=0:1:foreign:\"run 00000000deadbeef\"",
		"p0 s 1@0\np0 s 2@1\nnemesis phase final\np9 e 0:2\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1"},
	{checker.AbortedRead, "refused-and-written", "p0 s 1 !fail", "p0 s 1 !info"},
	{checker.InconsistentOffset, "two-values-at-one-offset", "p1 p 1@0 7@1", "p1 p 1@0 2@1"},
	{checker.TruncatedAck, "ack-then-truncate", "p9 e 0:1\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/1", "p9 e 0:2\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 fetch=0:0/2"},
	{checker.LostWrite, "lost-below-the-end", "p9 p 1@0 3@2", "p9 p 1@0 2@1 3@2"},
	{checker.Unseen, "acknowledged-beyond-the-end", "p9 e 0:1\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/1", "p9 e 0:2\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 fetch=0:0/2"},
	{checker.DeletedEarly, "deleted-early", "retention=none", "retention=time"},
	{checker.TornBatch, "half-a-batch", "p0 s 4@2\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 4@2 fetch=0:0/3",
		"p0 s 4@3\nnemesis phase final\np9 e 0:4\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 3@2 4@3 fetch=0:0/4"},
	{checker.InvalidAck, "acknowledged-without-offset", "p0 s 1@?", "p0 s 1@0"},
	{checker.Duplicate, "duplicate-by-retry", "p9 e 0:2\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 1@1 fetch=0:0/2", "p9 e 0:1\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/1"},
	{checker.FutureRead, "read-before-it-was-sent", "p1 p 1@0 fetch=0:0/1\np0 s 1@0", "p0 s 1@0\np1 p 1@0 fetch=0:0/1"},
	{checker.IntNonmonotonicSend, "swapped-in-a-batch", "p0 s 1@1 2@0", "p0 s 2@0 1@1"},
	{checker.NonmonotonicSend, "swapped-batches", "p0 s 1@1\np0 s 2@0", "p0 s 2@0\np0 s 1@1"},
	{checker.IntNonmonotonicPoll, "poll-out-of-order", "p1 p 2@1 1@0", "p1 p 1@0 2@1"},
	{checker.NonmonotonicPoll, "consumer-goes-back", "p1 p 2@1\n", "p1 a 0 seek=back:1\np1 p 2@1\n"},
	{checker.IntPollSkip, "poll-skips-inside", "p1 p 1@0 3@2", "p1 p 1@0 2@1 3@2"},
	{checker.PollSkip, "consumer-skips", "p1 p 3@2 fetch=0:1/3", "p1 p 2@1 3@2 fetch=0:1/3"},
	{checker.IntSendSkip, "another-producer-in-between", "p0 < t s 1@0 2@2\np2 < s 3@1\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 3@1 2@2",
		"p0 < t s 1@0 2@1\np2 < s 3@2\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 3@2"},
	{checker.LeaderEpochRegression, "leader-epoch-falls", "p1 p 2@1 fetch=0:1/3~7", "p1 p 2@1 fetch=0:1/3~6"},
	{checker.OffsetRegression, "two-producers-out-of-order", "p0 s 1@1\np2 s 2@0", "p0 > s 1\np2 > s 2\np0 < s 1@1\np2 < s 2@0"},
	{checker.EndOffsetRegression, "end-moves-back", "p1 e 0:2\np1 e 0:1", "p1 e 0:0\np1 e 0:2"},
	{checker.LogStartRegression, "start-moves-back", "p1 b 0:1\np1 b 0:0", "p1 b 0:0\np1 b 0:0"},
	{checker.NonlinearizableLog, "stale-fetch", "p1 p 1@0 fetch=0:0/1", "p1 p 1@0 fetch=0:0/2"},
	{checker.StaleRead, "stale-fetch-beyond-the-bound", "staleness_ms=20", "staleness_ms=200"},
	{checker.PrecommittedRead, "precommitted-read", "p0 t s 1@0 | p 1@0 by=1:5:0 fetch=0:0/1", "p0 t s 1@0 | p by=1:5:0 fetch=0:0/0"},
	{checker.TornTransaction, "torn-transaction", "p9 p 1@0 k1 3@2 fetch", "p9 p 1@0 k1 2@0 3@2 fetch"},
	{checker.FencedProducerCommitted, "fenced-producer-commits", "p0 t s 2@2 by=1:5:0", "p0 t s 2@2 by=1:7:2"},
	{checker.EOSDuplicateEffect, "effect-twice", "p1 a 0 seek=committed group=g pos=0:0\np1 t p 1@0 | s k1 12@2", "p1 a 0 seek=committed group=g pos=0:1\np1 t p | s k1 12@2"},
	{checker.G1c, "transactions-read-each-other", "p1 < t s k1 2@0 | p 1@0 by=2:6:0 fetch=0:0/1", "p1 < t s k1 2@0 | p by=2:6:0 fetch=0:0/0"},
	{checker.G0, "transactions-side-by-side", "p0 > t s 1 | s k1 2\np1 > t s 4 | s k1 3\np0 < t s 1@0 | s k1 2@1 by=1:5:0\np1 < t s 4@1 | s k1 3@0 by=2:6:0",
		"p0 > t s 1 | s k1 3\np1 > t s 4 | s k1 2\np0 < t s 1@0 | s k1 3@0 by=1:5:0\np1 < t s 4@1 | s k1 2@1 by=2:6:0"},
	{checker.FracturedRead, "fractured-read", "p3 l 1:0", "p3 l 1:2"},
	{checker.LSORegression, "lso-goes-back", "p3 l 0:4\np3 l 0:2", "p3 l 0:2\np3 l 0:4"},
	{checker.StuckLSO, "lso-stuck", "p9 l 0:4\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/5\np9 p {} fetch=0:4/5", "p9 l 0:5\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 fetch=0:0/5\np9 p {} fetch=0:5/5"},
	{checker.CommittedOffsetRegression, "committed-offset-goes-back", "p9 committed 0:1 ids=7", "p9 committed 0:2 ids=8"},
	{checker.CommittedOffsetLost, "commit-is-lost", "p6 committed 0:1 ids=7 group=billing\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 3@2 fetch=0:0/3\np9 committed 0:1 ids=7",
		"p6 committed 0:2 ids=8 group=billing\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 3@2 fetch=0:0/3\np9 committed 0:2 ids=8"},
	{checker.CommittedOffsetNonlinearizable, "refused-commit-is-told", "p9 committed 0:2 ids=8", "p9 committed 0:1 ids=7"},
	{checker.CommitBeyondConsumed, "commit-goes-beyond", "p6 committed 0:3 ids=8 group=billing\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 3@2 fetch=0:0/3\np9 committed 0:3 ids=8",
		"p6 committed 0:2 ids=8 group=billing\nnemesis phase final\np9 e 0:3\np9 a 0 seek=beginning pos=0:0\np9 p 1@0 2@1 3@2 fetch=0:0/3\np9 committed 0:2 ids=8"},
	{checker.SkippedByGroup, "group-skips", "p6 p 3@2 group", "p6 p 2@1 3@2 group"},
	{checker.TwoOwners, "two-owners", "rebalance=assigned:4:0\np6 p 1@0 group=billing rebalance=assigned:4:0,1\np5 p 2@1 group=billing", "rebalance=assigned:4:1\np6 p 1@0 group=billing rebalance=assigned:4:0"},
	{checker.NoRecovery, "never-whole-again", "nemesis whole held=false", "nemesis whole held=true"},
	{checker.NoProgress, "nothing-is-acknowledged", "progress_ms=2000", "progress_ms=20000"},
	{checker.StuckConsumer, "consumer-gets-nothing", "progress_ms=2000", "progress_ms=20000"},
	{checker.CompactedLatest, "compacted-too-far", "p0 s 3@2 keys=9", "p0 s 3@2 keys=8"},
	{checker.DeletedRecordRead, "deleted-and-read-again", "pos=0:0\np9 p 1@0 2@1 fetch=0:0/2", "pos=0:1\np9 p 2@1 fetch=0:1/2"},
}

// TestEveryKindIsProvenFourfold: each kind that makes a run invalid, or that the
// contract allows, has a guilty history, its innocent twin, a mutation of a
// perfect history and a broken broker or, where no broker can do it, a broken
// client. The first three are judged here, the broken brokers' runs with ACKPROOF_TEST_ALL=1; a sample of them is in TestVisits.
func TestEveryKindIsProvenFourfold(t *testing.T) {
	for _, k := range checker.Kinds {
		if k.Group == checker.GroupHarness {
			continue
		}
		t.Run(string(k.Name), func(t *testing.T) {
			guiltyAndTwin(t, k.Name)
			mutation(t, k.Name)
			brokenBroker(t, k.Name)
		})
	}
}

func guiltyAndTwin(t *testing.T, kind checker.Kind) {
	i := slices.IndexFunc(proofs, func(p proof) bool { return p.kind == kind })
	if i < 0 {
		t.Errorf("%s lacks a guilty history and its innocent twin: add a line to proofs", kind)
		return
	}
	p := proofs[i]
	b, err := os.ReadFile(filepath.Join("..", "..", "histories", "corpus", p.guilty+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	guilty := string(b)
	if v := judged(t, guilty); !headline(v, kind) {
		t.Errorf("%s: the guilty history %s: %s", kind, p.guilty, told(v))
	}
	twin := strings.Replace(guilty, p.old, p.new, 1)
	if twin == guilty {
		t.Fatalf("%s: %s does not hold %q", kind, p.guilty, p.old)
	}
	if v := judged(t, twin); found(v, kind) || v.Valid != checker.Valid {
		t.Errorf("%s: the twin of %s: %s", kind, p.guilty, told(v))
	}
}

// judged judges a history in the one-line notation; no amounts are asked for.
func judged(t *testing.T, text string) checker.Verdict {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.txt")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	v, err := run.CheckFile(path, checker.Options{MinAcked: -1, MinOpsPerFault: -1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// headline tells whether the kind is one of the verdict's headlines.
func headline(v checker.Verdict, kind checker.Kind) bool {
	return slices.ContainsFunc(v.Anomalies, func(a checker.Anomaly) bool { return a.Kind == kind })
}

// found tells whether the verdict names the kind at all.
func found(v checker.Verdict, kind checker.Kind) bool {
	return headline(v, kind) || slices.ContainsFunc(v.Anomalies, func(a checker.Anomaly) bool {
		return slices.ContainsFunc(a.Follows, func(f checker.Follow) bool { return f.Kind == kind })
	})
}

// mutation makes a perfect history sin once. What was perfect is the twin.
func mutation(t *testing.T, kind checker.Kind) {
	all := slices.Concat(histtest.Mutations, histtest.Allowed)
	i := slices.IndexFunc(all, func(m histtest.Mutation) bool { return m.Kind == string(kind) })
	if i < 0 {
		t.Errorf("%s lacks a mutation: add one to histtest.Mutations", kind)
		return
	}
	m := all[i]
	for seed := range uint64(16) {
		perfect := histtest.Valid(histtest.Options{Seed: seed, Txns: m.Txns, Groups: m.Groups, Ops: 1500, Logs: 2 + int(seed%2), Clients: 3 + int(seed), InfoRate: 0.03, FailRate: 0.02})
		sinful, _, err := m.Apply(rand.New(rand.NewPCG(seed, 6)), perfect)
		if err != nil {
			continue // no opportunity in this one
		}
		if v := ofHistory(t, sinful); !headline(v, kind) {
			t.Errorf("%s: mutation %s, seed %d: %s", kind, m.Name, seed, told(v))
		}
		if v := ofHistory(t, perfect); found(v, kind) || v.Valid != checker.Valid {
			t.Errorf("%s: before mutation %s, seed %d: %s", kind, m.Name, seed, told(v))
		}
		return
	}
	t.Errorf("%s: mutation %s found no opportunity", kind, m.Name)
}

// ofHistory judges a history in memory.
func ofHistory(t *testing.T, h histtest.History) checker.Verdict {
	t.Helper()
	j := checker.NewJudge(h.Header, true, checker.Options{MinAcked: 5, MinOpsPerFault: 1})
	for i := range h.Ops {
		j.Observe(&h.Ops[i])
	}
	return j.Finish()
}

// brokenBroker finds the broker or the client that is broken that way and, in the
// long version of the tests, runs it beside its sound twin, as the exhibit that shows it does.
func brokenBroker(t *testing.T, kind checker.Kind) {
	i := slices.IndexFunc(mutants.Mutants, func(m mutants.Mutant) bool { return m.Headline == string(kind) })
	if i < 0 {
		if !slices.ContainsFunc(brokenClients, func(c brokenClient) bool { return c.kind == kind }) && !slices.Contains(innocent, kind) {
			t.Errorf("%s lacks a broken broker: add one to mutants.Mutants; or a broken client, where only a client can do it", kind)
		}
		return // TestBrokenClients and TestWhatSoundBrokersShow
	}
	if !*museumAll {
		return
	}
	e, s := shownBy(mutants.Mutants[i].Name)
	if e.Built() {
		return // TestVisits visits it
	}
	out, err := s.Visit(context.Background(), e, 1, Options{Store: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if out.Valid() != checker.Valid || out.Kind != kind {
		t.Errorf("%s: %s", kind, out.Line())
	}
	t.Logf("kind %s: %s", kind, out.Line())
}

// shownBy returns the exhibit that shows a mutant, or one of its own for it.
func shownBy(name string) (Exhibit, Show) {
	for _, e := range Exhibits {
		for _, s := range e.Shows {
			if s.Mutant == name {
				return e, s
			}
		}
	}
	return Exhibit{}, mutant(name)
}
