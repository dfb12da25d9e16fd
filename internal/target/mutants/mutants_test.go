package mutants

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/ackproof/ackproof/internal/seed"
)

// quick makes a mutant sin often and soon.
var quick = Options{Seed: 7, After: time.Millisecond, Pause: time.Millisecond, Requests: 15}

// findings are places where a history is wrong.
type findings map[string]bool

func (f findings) add(partition int32, offset int64) {
	f[fmt.Sprintf("%s/%d@%d", testTopic, partition, offset)] = true
}

// witness finds the sins of one mutant in what the clients saw.
type witness func(l *lab, final [testPartitions][]record) findings

// witnesses has one for every mutant.
var witnesses = map[string]witness{
	"ack-and-drop":       lost,
	"drop-tail":          reused,
	"duplicate":          twice,
	"swap-batches":       backwards,
	"wrong-offset":       mistold,
	"ack-no-offset":      untold,
	"two-values":         ambiguous,
	"end-back":           regressed,
	"stale-fetch":        stale,
	"skip-record":        skipped,
	"foreign-record":     foreign,
	"misroute":           misrouted,
	"corrupt":            damaged,
	"append-then-refuse": refused,
	"lose-middle":        lost,
	"epoch-back":         usurped,
}

const noGroups = "the lab's clients are in no group"

// beyondTheLab are the mutants whose sins the lab's clients do not ask for.
// internal/run holds them to their ledgers.
var beyondTheLab = map[string]string{
	"leaderless":   "the lab does not judge how long a log stands still",
	"stuck-fetch":  "the lab does not judge how long a log stands still",
	"tear-batch":   "the lab's producers send records one by one",
	"delete-early": "the lab's clients do not ask where logs begin",

	"drop-tail-when-down": "the lab cuts nobody off",

	"replay-order":             noGroups,
	"rewind-commit":            noGroups,
	"forget-commit":            noGroups,
	"refuse-and-commit":        noGroups,
	"commit-ahead":             noGroups,
	"reset-to-end":             noGroups,
	"double-owner":             noGroups,
	"ack-beyond":               "the lab's final reads know no listed end",
	"skip-first":               "the lab's readers do not remember their last fetch",
	"reverse-batch":            "the lab's producers send records one by one",
	"lag":                      "the lab has no clock to say how old a read is",
	"late-slot":                "the lab's producers know no order in real time",
	"late-slot-own":            "the lab's producers know no order in real time",
	"start-back":               "the lab's clients do not ask where logs begin",
	"stay-broken":              "the lab has one replica of each partition",
	"zero-start":               "the lab deletes nothing",
	"undelete":                 "the lab deletes nothing",
	"ack-zero":                 "the lab tells sins apart by their offsets",
	"clean-latest":             "the lab has no compacted log",
	"no-sequences":             "the lab's producers have no sequence numbers",
	"refuse-retry":             "the lab's producers have no sequence numbers",
	"resend-after-move":        "the lab's producers have no sequence numbers",
	"resend-after-error":       "the lab's producers have no sequence numbers",
	"forget-aborts":            "the lab's clients make no transactions",
	"forget-aborts-compressed": "the lab's clients make no transactions",
	"forget-aborts-at-first":   "the lab's clients make no transactions",
	"forget-aborts-elsewhere":  "the lab's clients make no transactions",
	"lose-aborts":              "the lab's clients make no transactions",
	"read-past-lso":            "the lab's clients make no transactions",
	"lso-is-end":               "the lab's clients make no transactions",
	"read-own":                 "the lab's clients make no transactions",
	"read-early":               "the lab's clients make no transactions",
	"tear-transaction":         "the lab's clients make no transactions",
	"late-end-txn":             "the lab's clients make no transactions",
	"accept-zombie":            "the lab's clients make no transactions",
	"lose-positions":           "the lab's clients make no transactions",
	"fracture":                 "the lab's clients make no transactions",
	"lso-back":                 "the lab's clients make no transactions",
	"hang-lso":                 "the lab's clients make no transactions",
}

// index says where each value and what at each offset the final reads found.
func index(final [testPartitions][]record) (where map[string][]int64, what [testPartitions]map[int64]string) {
	where = map[string][]int64{}
	for p, records := range final {
		what[p] = map[int64]string{}
		for _, r := range records {
			where[r.value] = append(where[r.value], r.offset)
			what[p][r.offset] = r.value
		}
	}
	return where, what
}

func lost(l *lab, final [testPartitions][]record) findings {
	f := findings{}
	where, what := index(final)
	for _, a := range l.acks {
		_, taken := what[a.partition][a.offset]
		if a.code == 0 && a.offset >= 0 && len(where[a.value]) == 0 && !taken && len(what[a.partition]) > 0 {
			f.add(a.partition, a.offset)
		}
	}
	return f
}

func reused(l *lab, final [testPartitions][]record) findings {
	f := findings{}
	where, what := index(final)
	for _, a := range l.acks {
		if _, taken := what[a.partition][a.offset]; a.code == 0 && taken && len(where[a.value]) == 0 {
			f.add(a.partition, a.offset)
		}
	}
	return f
}

func twice(_ *lab, final [testPartitions][]record) findings {
	f := findings{}
	for p, records := range final {
		seen := map[string]bool{}
		for _, r := range records {
			if seen[r.value] {
				f.add(int32(p), r.offset)
			}
			seen[r.value] = true
		}
	}
	return f
}

func backwards(l *lab, _ [testPartitions][]record) findings {
	f := findings{}
	for _, g := range l.fetches {
		for i := 1; i < len(g.records); i++ {
			if g.records[i].offset < g.records[i-1].offset {
				f.add(g.partition, g.records[i].offset)
			}
		}
	}
	return f
}

func mistold(l *lab, final [testPartitions][]record) findings {
	f := findings{}
	where, _ := index(final)
	for _, a := range l.acks {
		if a.code == 0 && a.offset >= 0 && len(where[a.value]) > 0 && !slices.Contains(where[a.value], a.offset) {
			f.add(a.partition, a.offset)
		}
	}
	return f
}

func untold(l *lab, final [testPartitions][]record) findings {
	f := findings{}
	where, _ := index(final)
	for _, a := range l.acks {
		if a.code == 0 && a.offset < 0 && len(where[a.value]) == 1 {
			f.add(a.partition, where[a.value][0])
		}
	}
	return f
}

func ambiguous(l *lab, _ [testPartitions][]record) findings {
	f := findings{}
	type slot struct {
		partition int32
		offset    int64
	}
	seen := map[slot]string{}
	for _, g := range l.fetches {
		for _, r := range g.records {
			at := slot{g.partition, r.offset}
			if v, ok := seen[at]; ok && v != r.value {
				f.add(g.partition, r.offset)
			}
			seen[at] = r.value
		}
	}
	return f
}

func regressed(l *lab, _ [testPartitions][]record) findings {
	f := findings{}
	for _, b := range l.lists {
		for _, a := range l.lists {
			if a.partition == b.partition && a.returned < b.called && a.end > b.end {
				f.add(b.partition, b.end)
			}
		}
	}
	return f
}

func stale(l *lab, _ [testPartitions][]record) findings {
	f := findings{}
	for _, g := range l.fetches {
		for _, a := range l.acks {
			if a.partition == g.partition && a.code == 0 && a.returned < g.called && a.offset >= g.end {
				f.add(g.partition, g.end)
			}
		}
	}
	return f
}

func skipped(l *lab, final [testPartitions][]record) findings {
	f := findings{}
	_, what := index(final)
	for _, g := range l.fetches {
		sorted := slices.SortedFunc(slices.Values(g.records), func(a, b record) int { return int(a.offset - b.offset) })
		for i := 1; i < len(sorted); i++ {
			for o := sorted[i-1].offset + 1; o < sorted[i].offset; o++ {
				if what[g.partition][o] != "" {
					f.add(g.partition, o)
				}
			}
		}
	}
	return f
}

func foreign(_ *lab, final [testPartitions][]record) findings {
	f := findings{}
	for p, records := range final {
		for _, r := range records {
			if _, ok := partitionOf(r.value); !ok {
				f.add(int32(p), r.offset)
			}
		}
	}
	return f
}

func misrouted(_ *lab, final [testPartitions][]record) findings {
	f := findings{}
	for p, records := range final {
		for _, r := range records {
			if q, ok := partitionOf(r.value); ok && q != int32(p) {
				f.add(int32(p), r.offset)
			}
		}
	}
	return f
}

func damaged(_ *lab, final [testPartitions][]record) findings {
	f := findings{}
	for p, records := range final {
		for _, r := range records {
			if _, ok := partitionOf(r.value); ok && r.value[len(r.value)-1:] != lastByte {
				f.add(int32(p), r.offset)
			}
		}
	}
	return f
}

func refused(l *lab, final [testPartitions][]record) findings {
	f := findings{}
	where, _ := index(final)
	for _, a := range l.acks {
		if a.code != 0 {
			for _, o := range where[a.value] {
				f.add(a.partition, o)
			}
		}
	}
	return f
}

func usurped(l *lab, _ [testPartitions][]record) findings {
	f := findings{}
	for _, g := range l.fetches {
		if n := len(g.records); n > 0 && g.epoch >= falseEpochs {
			f.add(g.partition, g.records[n-1].offset)
		}
	}
	return f
}

// TestMutants runs every mutant and holds what its clients saw against its
// ledger, sin by sin. Clients of Kafka 2.6 name topics instead of their ids and
// have other headers; one mutant of each sort meets them, with
// ACKPROOF_TEST_ALL=1 all of them do.
func TestMutants(t *testing.T) {
	old := []kfake.Opt{kfake.MaxVersions(kversion.V2_6_0())}
	sorts := []string{"ack-and-drop", "two-values", "misroute", "end-back", "stale-fetch"}
	for _, m := range Mutants {
		if beyondTheLab[m.Name] != "" {
			continue
		}
		for name, opts := range map[string][]kfake.Opt{"newest": nil, "old": old} {
			if opts != nil && !slices.Contains(sorts, m.Name) && os.Getenv("ACKPROOF_TEST_ALL") != "1" {
				continue
			}
			t.Run(m.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, m, quick, opts...)
				for l.run(300); l.proven() < 5 && l.sent < 8000; {
					l.run(200)
				}
				final := l.final()
				proven, all := findings{}, findings{}
				for _, s := range l.broker.Ledger() {
					all.add(s.Partition, s.Offset)
					if s.Proven {
						proven.add(s.Partition, s.Offset)
					}
					if s.Mutant != m.Name || s.Topic != testTopic || s.Detail == "" {
						t.Errorf("sin %+v", s)
					}
				}
				seen := witnesses[m.Name](l, final)
				if len(proven) < 3 {
					t.Errorf("only %d sins are proven, of %d", len(proven), len(all))
				}
				for k := range proven {
					if !seen[k] {
						t.Errorf("%s stands in the ledger and no client saw it", k)
					}
				}
				for k := range seen {
					if !all[k] {
						t.Errorf("a client saw %s, which is not in the ledger", k)
					}
				}
				t.Logf("%d sins, %d proven, %d requests", len(all), len(proven), l.broker.requests)
			})
		}
	}
}

// TestHonest: without a mutant no witness finds anything.
func TestHonest(t *testing.T) {
	l := newLab(t, Mutant{}, quick)
	l.run(500)
	final := l.final()
	for name, w := range witnesses {
		if f := w(l, final); len(f) > 0 {
			t.Errorf("the witness against %s accuses an honest broker: %v", name, slices.Sorted(maps.Keys(f)))
		}
	}
	if n := len(l.broker.Ledger()); n != 0 {
		t.Errorf("an honest broker has %d sins", n)
	}
}

// TestShare: with the default rate at most one request in a hundred is
// concerned, and none before its time.
func TestShare(t *testing.T) {
	m, err := ByName("end-back") // the mutant that lies several times at once
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, m, Options{Seed: seed.Seed(3), After: 50 * time.Millisecond, Pause: time.Millisecond})
	began := time.Now()
	for len(l.broker.Ledger()) == 0 && time.Since(began) < 20*time.Second {
		l.run(100)
	}
	if d := time.Since(began); d < 50*time.Millisecond {
		t.Errorf("the first sin came after %v", d)
	}
	l.run(1500)
	n, requests := len(l.broker.Ledger()), l.broker.requests
	if n == 0 || n*100 > requests {
		t.Errorf("%d sins in %d requests", n, requests)
	}
	t.Logf("%d sins in %d requests", n, requests)
}

// TestCatalogue: every mutant has its witness, and says what it is.
func TestCatalogue(t *testing.T) {
	for _, m := range Mutants {
		if m.Name == "" || m.Doc == "" || m.Headline == "" || m.Offset == "" || m.sinner == nil || witnesses[m.Name] == nil && beyondTheLab[m.Name] == "" {
			t.Errorf("mutant %+v is not complete", m)
		}
	}
	if n := len(witnesses) + len(beyondTheLab); n != len(Mutants) {
		t.Errorf("%d witnesses and reasons against %d mutants", n, len(Mutants))
	}
	_, err := ByName("drop-tale")
	if want := `mutant "drop-tale" (did you mean "drop-tail"?)`; err == nil || err.Error()[:len(want)] != want {
		t.Errorf("error %v", err)
	}
}
