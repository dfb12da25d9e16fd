package checker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// What members of group g do, in the notation: process 5 joins and is given
// records 1 and 2, process 8 reads everything.
const (
	groupLogs  = "p0 s 1@0 2@1 3@2; p8 p 1@0 2@1 3@2; "
	groupBegin = groupLogs + "p5 u 0 group=g; p5 p 1@0 2@1 group=g; "
	commitOnce = groupBegin + "p5 commit 0:1 ids=7 group=g; "
	commitTwo  = commitOnce + "p5 commit 0:2 ids=8 group=g; "
)

// groupCases are of the kinds of consumer groups; each group's cases stand
// together, guilty ones with the innocents nearest to them. Every one of them
// is judged under the model that is named, strict where none is.
var groupCases = []struct{ name, model, want, history string }{
	{"an older commit is told again", "", "committed-offset-regression 1", commitTwo + "p6 committed 0:2 ids=8 group=g; p6 committed 0:1 ids=7 group=g"},
	{"to somebody else", "", "committed-offset-regression 1", commitTwo + "p6 committed 0:2 ids=8 group=g; p9 committed 0:1 ids=7 group=g"},
	{"to the next member", "", "committed-offset-regression 1", commitTwo + "p6 committed 0:2 ids=8 group=g; p9 u 0 group=g; p9 p pos=0:1 ids=7 group=g"},
	{"to a member that asked before", "", "", commitOnce + "p9 u 0 group=g; p5 commit 0:2 ids=8 group=g; p6 committed 0:2 ids=8 group=g; p9 p pos=0:1 ids=7 group=g"},
	{"an older one was asked for before", "", "", commitOnce + "p9 > committed 0 group=g; p5 commit 0:2 ids=8 group=g; p6 committed 0:2 ids=8 group=g; p9 < committed 0:1 ids=7 group=g"},
	{"committed again by the next owner", "", "", commitTwo + "p6 u 0 group=g; p6 p 1@0 group=g; p6 commit 0:1 ids=9 group=g; p6 committed 0:1 ids=9 group=g"},
	{"the offset of a commit goes down", "", "committed-offset-regression 1", commitTwo + "p6 committed 0:1 ids=8 group=g"},

	{"nobody is ever told of a commit", "", "committed-offset-lost 1", commitTwo + "p6 committed 0:1 ids=7 group=g"},
	{"all commits are gone", "", "committed-offset-lost 1", commitTwo + "p6 committed 0:2 ids=8 group=g; p6 committed 0:-1 ids=-1 group=g"},
	{"the next member is told nothing", "", "committed-offset-lost 1", commitOnce + "p6 u 0 group=g; p6 p pos=0:-1 ids=-1 group=g"},
	{"a commit without an outcome is not there", "", "", commitOnce + "p5 commit 0:2 ids=8 group=g !info; p6 committed 0:1 ids=7 group=g"},
	{"it lands late", "", "", commitOnce + "p5 commit 0:2 ids=8 group=g !info; p6 committed 0:1 ids=7 group=g; p6 committed 0:2 ids=8 group=g"},
	{"it lands after the next one", "", "", commitOnce + "p5 commit 0:2 ids=8 group=g !info; p6 u 0 group=g; p6 p 1@0 group=g; p6 commit 0:1 ids=9 group=g; p6 committed 0:1 ids=9 group=g; p6 committed 0:2 ids=8 group=g"},
	{"it lands and is gone", "", "committed-offset-regression 1", commitOnce + "p5 commit 0:2 ids=8 group=g !info; p6 committed 0:2 ids=8 group=g; p6 committed 0:1 ids=7 group=g"},
	{"it was never completed", "", "", commitOnce + "p5 > commit 0 ids=8 group=g; p6 committed 0:2 ids=8 group=g"},
	{"nothing was committed", "", "", groupBegin + "p6 committed 0:-1 ids=-1 group=g"},
	{"nothing was committed of this log", "", "", commitTwo + "p6 committed 1:-1 ids=-1 group=g"},
	{"nothing was committed by this group", "", "", commitTwo + "p6 committed 0:-1 ids=-1 group=late"},

	{"a refused commit is told", "", "committed-offset-nonlinearizable 1", commitOnce + "p5 commit 0:2 ids=8 group=g !fail; p6 committed 0:2 ids=8 group=g"},
	{"a commit of nobody is told", "", "committed-offset-nonlinearizable 1", commitOnce + "p6 committed 0:1 ids=99 group=g"},
	{"a commit without an id is told", "", "committed-offset-nonlinearizable 1", commitOnce + "p6 committed 0:1 ids=-1 group=g"},
	{"a commit is told before it is made", "", "committed-offset-nonlinearizable 1", groupBegin + "p6 committed 0:1 ids=7 group=g; p5 commit 0:1 ids=7 group=g"},
	{"a commit is told while it is made", "", "", groupBegin + "p5 > commit 0 ids=7 group=g; p6 committed 0:1 ids=7 group=g; p5 < commit 0:1 ids=7 group=g"},
	{"an older commit of the same offset", "", "committed-offset-nonlinearizable 1", commitOnce + "p5 commit 0:1 ids=8 group=g; p6 committed 0:1 ids=7 group=g"},
	{"there and back", "", "committed-offset-nonlinearizable 1", groupBegin + "p5 > commit 0 ids=7 group=g; p6 u 0 group=g; p6 > commit 0 ids=8 group=g; p5 < commit 0:2 ids=7 group=g; p6 < commit 0:1 ids=8 group=g; p9 committed 0:2 ids=7 group=g; p9 committed 0:1 ids=8 group=g; p9 committed 0:2 ids=7 group=g"},

	{"an older state, where reads are Kafka's", "kafka", "", commitTwo + "p6 committed 0:2 ids=8 group=g; p6 committed 0:1 ids=7 group=g"},
	{"an older state in the final reads", "kafka", "committed-offset-regression 1", commitTwo + "p6 committed 0:2 ids=8 group=g; nemesis phase final; p9 committed 0:1 ids=7 group=g"},
	{"lost in the final reads", "kafka", "committed-offset-lost 1", commitTwo + "nemesis phase final; p9 committed 0:1 ids=7 group=g"},
	{"a refused commit, where reads are Kafka's", "kafka", "committed-offset-nonlinearizable 1", commitOnce + "p5 commit 0:2 ids=8 group=g !fail; p6 committed 0:2 ids=8 group=g"},
	{"an older state between processes", "session", "", commitTwo + "p6 committed 0:2 ids=8 group=g; p9 committed 0:1 ids=7 group=g"},
	{"an older state of the process's own commits", "session", "committed-offset-lost 1", commitTwo + "p5 committed 0:1 ids=7 group=g"},
	{"an older state to one process", "session", "committed-offset-regression 1", commitTwo + "p6 committed 0:1 ids=7 group=g; p6 committed 0:2 ids=8 group=g; p6 committed 0:1 ids=7 group=g"},

	{"a commit goes beyond", "", "commit-beyond-consumed 1 / skipped-by-group 1", groupBegin + "p5 commit 0:3 ids=7 group=g"},
	{"more is told than was committed", "", "commit-beyond-consumed 1 / skipped-by-group 1", commitTwo + "p6 committed 0:3 ids=8 group=g"},
	{"more is told, of what was delivered", "", "committed-offset-nonlinearizable 1", commitOnce + "p6 committed 0:2 ids=7 group=g"},
	{"the consumer's own commit goes beyond", "", "commit-beyond-consumed 1 / skipped-by-group 1", groupLogs + "p5 u 0 group=auto; p5 p 1@0 group=auto; p6 committed 0:2 ids=-1 group=auto"},
	{"the consumer commits by itself", "", "", groupLogs + "p5 u 0 group=auto; p5 p 1@0 2@1 group=auto; p6 committed 0:1 ids=-1 group=auto; p6 committed 0:2 ids=-1 group=auto; p6 committed 0:1 ids=-1 group=auto"},
	{"what a poll was given is not known", "", "", groupLogs + "p5 u 0 group=auto; p5 p group=auto !info; p6 committed 0:2 ids=-1 group=auto"},
	{"the log begins there", "", "", "p0 s 1@5; p8 p 1@5; p8 b 0:5; p5 u 0 group=g; p5 commit 0:5 ids=7 group=g"},
	{"the group begins at the end", "", "", groupLogs + "p5 u 0 group=late; p5 commit 0:3 ids=7 group=late; p6 committed 0:3 ids=7 group=late"},

	{"a record is committed over", "", "skipped-by-group 1", groupLogs + "p5 u 0 group=g; p5 p 1@0 group=g; p5 commit 0:1 ids=7 group=g; p6 u 0 group=g; p6 p 3@2 group=g; p6 commit 0:3 ids=8 group=g"},
	{"the other member was given it", "", "", groupLogs + "p5 u 0 group=g; p5 p 1@0 2@1 group=g; p5 commit 0:1 ids=7 group=g; p6 u 0 group=g; p6 p 3@2 group=g; p6 commit 0:3 ids=8 group=g"},
	{"it was given later", "", "", groupLogs + "p5 u 0 group=g; p5 p 1@0 group=g; p6 u 0 group=g; p6 p 3@2 group=g; p6 commit 0:3 ids=8 group=g; p5 p 2@1 group=g"},
	{"it is not committed over", "", "", groupLogs + "p5 u 0 group=g; p5 p 1@0 group=g; p5 commit 0:1 ids=7 group=g; p6 u 0 group=g; p6 p 3@2 group=g"},
	{"nobody ever polled it", "", "", "p0 s 1@0; p0 s 2 !info; p0 s 3@2; p8 p 1@0 3@2; p5 u 0 group=g; p5 p 1@0 3@2 group=g; p5 commit 0:3 ids=7 group=g"},
	{"it is skipped inside of a poll", "", "int-poll-skip 1 / skipped-by-group 1", groupLogs + "p5 u 0 group=g; p5 p 1@0 3@2 group=g; p5 commit 0:3 ids=7 group=g"},
	{"skipped, for a group that began before", "", "skipped-by-group 1", "p0 s 1@0 2@1 3@2 4@3; p8 p 1@0 2@1 3@2 4@3; p5 u 0 group=late; p5 p 2@1 group=late; p5 commit 0:2 ids=6 group=late; p6 u 0 group=late; p6 p 4@3 group=late; p6 commit 0:4 ids=7 group=late"},
	{"skipped, for a group that began twice at the end", "", "", "p0 s 1@0 2@1 3@2 4@3; p8 p 1@0 2@1 3@2 4@3; p5 u 0 group=late; p5 p 2@1 group=late; p6 u 0 group=late; p6 p 4@3 group=late; p6 commit 0:4 ids=7 group=late"},
	{"delivered again after a rebalance", "", "", commitOnce + "p5 u group=g; p6 u 0 group=g; p6 p 2@1 3@2 pos=0:1 ids=7 group=g; p6 commit 0:3 ids=9 group=g"},

	{"two owners", "", "two-owners 1", groupLogs + "p5 u 0 group=g; p6 u 0 group=g; p5 p 1@0 group=g rebalance=assigned:4:0; p6 p 1@0 group=g rebalance=assigned:4:0; p5 p 2@1 group=g; p6 p 2@1 group=g"},
	{"two owners, since an older generation", "", "two-owners 1", groupLogs + "p5 u 0 1 group=g; p6 u 0 1 group=g; p5 p 1@0 group=g rebalance=assigned:3:0; p5 p 2@1 group=g rebalance=assigned:4:1; p6 p 1@0 group=g rebalance=assigned:4:0; p5 p group=g; p6 p group=g"},
	{"the next generation", "", "", groupLogs + "p5 u 0 group=g; p6 u 0 group=g; p5 p 1@0 group=g rebalance=assigned:4:0; p6 p 1@0 group=g rebalance=assigned:5:0; p5 p 2@1 group=g; p6 p 2@1 group=g"},
	{"given up before, told after", "", "", groupLogs + "p5 u 0 group=g; p6 u 0 group=g; p5 p 1@0 group=g rebalance=assigned:4:0; p6 p 1@0 group=g rebalance=assigned:4:0; p5 p group=g rebalance=revoked:4:0; p6 p 2@1 group=g"},
	{"left before", "", "", groupLogs + "p5 u 0 group=g; p6 u 0 group=g; p5 p 1@0 group=g rebalance=assigned:1:0; p5 u group=g; p6 p 1@0 group=g rebalance=assigned:1:0; p6 p 2@1 group=g"},
	{"crashed before", "", "", groupLogs + "p5 u 0 group=g; p6 u 0 group=g; p5 p 1@0 group=g rebalance=assigned:1:0; p5 c; p6 p 1@0 group=g rebalance=assigned:1:0; p6 p 2@1 group=g"},
	{"two logs", "", "", groupLogs + "p5 u 0 1 group=g; p6 u 0 1 group=g; p5 p 1@0 group=g rebalance=assigned:4:0; p6 p group=g rebalance=assigned:4:1; p5 p 2@1 group=g; p6 p group=g"},
	{"two groups", "", "", groupLogs + "p5 u 0 group=g; p6 u 0 group=late; p5 p 1@0 group=g rebalance=assigned:4:0; p6 p 1@0 group=late rebalance=assigned:4:0; p5 p 2@1 group=g; p6 p 2@1 group=late"},
	{"an unknown generation", "", "", groupLogs + "p5 u 0 group=g; p6 u 0 group=g; p5 p 1@0 group=g rebalance=assigned:-1:0; p6 p 1@0 group=g rebalance=assigned:-1:0; p5 p 2@1 group=g; p6 p 2@1 group=g"},
}

// grouped is the header of a run with groups whose contract allows nothing.
func grouped(reads string) histories.Header {
	h := promised(false)
	h.Contract.Reads, h.Contract.Consumers = reads, ""
	h.Groups = []histories.Group{
		{Name: "g", Protocol: histories.ProtocolClassic, Commits: histories.CommitsByOp, Reset: histories.ResetEarliest},
		{Name: "auto", Protocol: histories.ProtocolClassic, Commits: histories.CommitsAuto, Reset: histories.ResetEarliest},
		{Name: "late", Protocol: histories.ProtocolConsumer, Commits: histories.CommitsByOp, Reset: histories.ResetLatest},
	}
	return h
}

func TestGroups(t *testing.T) {
	for _, c := range groupCases {
		t.Run(c.name, func(t *testing.T) {
			h := parse(t, c.history)
			h.Header = grouped(cmp.Or(c.model, Strict))
			v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
			var heads []string
			for _, a := range v.Anomalies {
				if a.AllowedBy != "" {
					continue // consumers that subscribe may be moved
				}
				s := fmt.Sprintf("%s %d", a.Kind, a.Count)
				for i, f := range a.Follows {
					s += []string{" / ", ", "}[min(i, 1)] + fmt.Sprintf("%s %d", f.Kind, f.Count)
				}
				heads = append(heads, s)
				for _, e := range a.Examples {
					if e.Why == "" || len(e.Ops) == 0 || e.Group == "" && a.Kind != IntPollSkip {
						t.Errorf("%s without evidence: %+v", a.Kind, e)
					}
				}
			}
			if got := strings.Join(heads, ", "); got != c.want {
				t.Fatalf("%s\ngot  %s\nwant %s\n%s", c.history, got, c.want, text(v))
			}
			for _, u := range v.Unknown {
				if u.Kind == CheckerDisagreement {
					t.Errorf("%s: %s", u.Checker, u.Why)
				}
			}
		})
	}
}

// TestGroupLossAllowed: what an unclean election or a crash of all replicas
// takes with it is reported with the clause.
func TestGroupLossAllowed(t *testing.T) {
	yes := true
	h := parse(t, commitTwo+"p6 committed 0:2 ids=8 group=g; nemesis inject id=0 fault=kill-all on=n1,n2,n3; p6 committed 0:1 ids=7 group=g")
	for _, c := range []struct {
		name, want string
		change     func(*histories.Contract)
	}{
		{"promised", "committed-offset-regression 1", func(*histories.Contract) {}},
		{"unclean election", "committed-offset-regression 1 (unclean_election=true)", func(c *histories.Contract) { c.UncleanElection = &yes }},
		{"replicated", "committed-offset-regression 1 (durability=replicated)", func(c *histories.Contract) { c.Durability, c.ReplicationFactor = "replicated", 3 }},
		{"synced", "committed-offset-regression 1", func(c *histories.Contract) { c.Durability, c.ReplicationFactor = "synced", 3 }},
	} {
		h.Header = grouped(Strict)
		c.change(&h.Header.Contract)
		if got := headlinesOf(judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestGroupFigures: what was judged is counted, and without commits nothing is
// called valid.
func TestGroupFigures(t *testing.T) {
	h := parse(t, commitTwo+"p5 commit 0:2 ids=9 group=g !info; p6 committed 0:2 ids=8 group=g; p6 u 0 group=g; p6 p 2@1 3@2 pos=0:2 ids=8 group=g rebalance=assigned:2:0")
	h.Header = grouped(Strict)
	v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
	if v.Judged.Commits != 2 || v.Judged.CommitReads != 2 || v.Judged.CommitWindows == 0 {
		t.Errorf("judged %+v", v.Judged)
	}
	if v.Valid != Valid {
		t.Errorf("%v: %s", v.Valid, text(v))
	}
	want := `"groups":[{"group":"g","members":2,"rebalances":1,"commits":{"ok":2,"fail":0,"info":1},"answers":2,"delivered":4,"redelivered":1}]`
	if !strings.Contains(string(v.Stats), want) {
		t.Errorf("stats %s, want %s", v.Stats, want)
	}
	h = parse(t, groupBegin+"p6 committed 0:-1 ids=-1 group=g")
	h.Header = grouped(Strict)
	if v := judge(h, Options{MinAcked: 1, MinOpsPerFault: -1}); v.Valid != Unknown || len(v.Unknown) != 1 || v.Unknown[0].Kind != TooLittleWork {
		t.Errorf("without a commit: %v: %s", v.Valid, text(v))
	}
}

// TestPerfectGroupsAreValid: nothing is held against members that are moved,
// crash, and commit with unknown outcomes.
func TestPerfectGroupsAreValid(t *testing.T) {
	redelivered := int64(0)
	for seed := range uint64(20) {
		h := histtest.Valid(histtest.Options{Seed: seed, Groups: true, Ops: 4000, Logs: 1 + int(seed%4), Clients: 2 + int(seed), InfoRate: 0.03, FailRate: 0.02})
		if seed%4 == 3 {
			h.Header.Contract.Reads = []string{Kafka, Session}[seed/4%2]
		}
		v := judge(h, Options{MinAcked: 5, MinOpsPerFault: 1})
		for _, a := range v.Anomalies {
			if a.AllowedBy != "consumers=subscribe" {
				t.Fatalf("seed %d: %s", seed, text(v))
			}
		}
		if v.Valid != Valid || v.Judged.Commits == 0 || v.Judged.CommitReads == 0 || v.Judged.CommitWindows == 0 {
			t.Fatalf("seed %d: %v, judged %+v, %v", seed, v.Valid, v.Judged, v.Unknown)
		}
		var s Stats
		if err := json.Unmarshal(v.Stats, &s); err != nil {
			t.Fatal(err)
		}
		for _, g := range s.Groups {
			redelivered += g.Redelivered
		}
	}
	if redelivered == 0 {
		t.Error("no rebalance delivered anything again: the members are never moved")
	}
}
