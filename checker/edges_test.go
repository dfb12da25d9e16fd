package checker

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// edgeCases are histories that lie just beside a condition of a pass.
var edgeCases = []kindCase{
	{"a batch read out of its order is another matter", "int-nonmonotonic-send 1 / int-send-skip 1", "p0 s 1 2 3 !info; p1 s 9@2 8@3; p2 p 2@0 1@1 9@2 8@3 3@4"},
	{"skipped while its topic is deleted", "", "p0 s k1 1@0 2@1 3@2; p4 p k1 1@0 2@1 3@2; p3 > delete 1; p1 p k1 1@0; p1 p k1 3@2; p3 < delete 1; p0 s 9@0; p4 p 9@0"},
	{"skipped, and the deletion of its topic was refused", "poll-skip 1", "p0 s k1 1@0 2@1 3@2; p4 p k1 1@0 2@1 3@2; p3 delete 1 !fail; p1 p k1 1@0; p1 p k1 3@2; p0 s 9@0; p4 p 9@0"},
	{"skipped before its topic was deleted", "poll-skip 1", "p0 s k1 1@0 2@1 3@2; p4 p k1 1@0 2@1 3@2; p1 p k1 1@0; p1 p k1 3@2; p3 delete 1; p0 s 9@0; p4 p 9@0"},
	{"two lost in two logs", "aborted-read 2", "p0 s 1 !fail; p0 s k1 2 !fail; p1 p 1@0; p1 p k1 2@0"},
	{"two lost in one log", "aborted-read 2", "p0 s 1 !fail; p0 s 2 !fail; p1 p 1@0; p1 p 2@1"},
	{"not whole, and the heal of everything was left open", "no-recovery 1", "p0 s 1@0; nemesis healed id=-1; p1 p 1@0; nemesis whole held=false"},
	{"not whole, and the heal of a fault was left open", "", "p0 s 1@0; nemesis inject id=3 fault=down on=n1; nemesis bite id=3 fault=down on=n1 held=true; nemesis healed id=3 fault=down on=n1; p1 p 1@0; nemesis whole held=false"},
	{"not whole, and the heal of everything did not hold", "", "p0 s 1@0; nemesis healed id=-1 held=false; p1 p 1@0; nemesis whole held=false"},
	{"half of a transaction was deleted on request", "", "p0 t s 1@0 k1 2@0; p0 s 3@2; p0 s k1 4@2; p7 p 1@0 3@2 k1 2@0 4@2; p7 trim 0:1; nemesis phase final; p9 b 0:1; p9 e 0:3 1:3; p9 a 0 1 seek=beginning pos=0:1 pos=1:0; p9 p 3@2 k1 2@0 4@2 fetch=0:1/3 fetch=1:0/3; p9 p {} fetch=0:3/3 fetch=1:3/3; nemesis phase end"},
	{"half of a transaction is gone from above the log's start", "torn-transaction 1 / lost-write 1, poll-skip 1", "p0 t s 1@0 k1 2@0; p0 t s 5@2 k1 6@2; p0 s k1 4@4; p7 p k1 2@0; p7 trim 1:1; nemesis phase final; p9 b 1:1; p9 e 0:3 1:5; p9 a 0 1 seek=beginning pos=0:0 pos=1:1; p9 p 1@0 5@2 k1 4@4 fetch=0:0/3 fetch=1:1/5; p9 p {} fetch=0:3/3 fetch=1:5/5; nemesis phase end"},
	{"one record acknowledged and read elsewhere, then there", "duplicate 1 / nonmonotonic-poll 1", "p0 s 1@0; p1 p 1@2; p1 p 1@0"},
}

func TestEdges(t *testing.T) {
	for _, c := range edgeCases {
		t.Run(c.name, func(t *testing.T) {
			h := parse(t, c.history)
			h.Header = c.header()
			v := judge(h, Options{Model: Session, MinAcked: -1, MinOpsPerFault: -1})
			if got := headlinesOf(v); got != c.want {
				t.Fatalf("%s\ngot  %s\nwant %s\n%s", c.history, got, c.want, text(v))
			}
		})
	}
}

// TestAdministrationThatDidNotHappen: a run that is about administration says
// what of it there was none of, by what its header lets it do.
func TestAdministrationThatDidNotHappen(t *testing.T) {
	for _, c := range []struct {
		name, want string
		logs       []histories.Log
		retention  string
		cleanup    string
	}{
		{"nothing but deletions", "deleted records", []histories.Log{{Key: 0, Topic: "t", Life: 1}}, "none", "delete"},
		{"lives", "deleted records, topics that were deleted and created again", []histories.Log{{Key: 0, Topic: "t", Life: 1}, {Key: 1, Topic: "t", Life: 2}}, "none", "delete"},
		{"partitions", "deleted records, added partitions", []histories.Log{{Key: 0, Topic: "t", Added: true}}, "none", "delete"},
		{"partitions of a topic that is created again", "deleted records, topics that were deleted and created again", []histories.Log{{Key: 0, Topic: "t", Added: true, Life: 2}}, "none", "delete"},
		{"retention", "deleted records, records that retention let go", []histories.Log{{Key: 0, Topic: "t"}}, "1m0s", "delete"},
		{"compaction", "deleted records, records that were compacted away", []histories.Log{{Key: 0, Topic: "t"}}, "none", "compact"},
	} {
		h := parse(t, "p0 s 1@0; p1 p 1@0")
		h.Header = promised(false)
		h.Header.Workload, h.Header.Logs = "admin", c.logs
		h.Header.Contract.Retention, h.Header.Contract.Cleanup = c.retention, c.cleanup
		v := judge(h, Options{MinAcked: -1})
		want := "nothing can be said of " + c.want + ": there were none"
		if v.Valid != Unknown || len(v.Unknown) != 1 || v.Unknown[0].Why != want {
			t.Errorf("%s: want %q\n%s", c.name, want, text(v))
		}
	}
}

// TestWorkOfTransactionsCounts: a transaction that commits after the heal is
// work like a send.
func TestWorkOfTransactionsCounts(t *testing.T) {
	const fault = "nemesis inject id=0 fault=down on=n1; nemesis bite id=0 fault=down on=n1 held=true; %s; nemesis heal id=0 fault=down on=n1; nemesis healed id=0 fault=down on=n1 held=true; %s"
	for _, c := range []struct {
		after string
		want  Validity
	}{{"p0 t s 3@4; p1 p 3@4", Valid}, {"p0 s 3@4; p1 p 3@4", Valid}, {"p1 p 1@0; p1 p 2@2", Unknown}} {
		h := parse(t, "p0 t s 1@0; "+fmt.Sprintf(fault, "p0 t s 2@2; p2 p 1@0 2@2", c.after))
		h.Header = promised(false)
		if v := judge(h, Options{MinAcked: -1, MinOpsPerFault: 2}); v.Valid != c.want {
			t.Errorf("after the heal %s: %v, want %v\n%s", c.after, v.Valid, c.want, text(v))
		}
	}
}

// TestUndecidedCommits: where porcupine has no time for an answer, the zones'
// verdict stands and no disagreement is claimed.
func TestUndecidedCommits(t *testing.T) {
	h := parse(t, commitOnce+"p5 commit 0:2 ids=8 group=g !fail; p6 committed 0:2 ids=8 group=g")
	h.Header = grouped(Strict)
	v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1, WindowTimeout: time.Nanosecond})
	if got := headlinesOf(v); got != "committed-offset-nonlinearizable 1" {
		t.Errorf("%s\n%s", got, text(v))
	}
	for _, u := range v.Unknown {
		if u.Kind == CheckerDisagreement {
			t.Error(u.Why)
		}
	}
}

// TestStatsOfTheCluster: what brokers say of themselves is summed up by phase.
func TestStatsOfTheCluster(t *testing.T) {
	look := func(controller string, epoch int32, leader, failed string, isr ...string) histories.Op {
		return histories.Op{Process: histories.Nemesis, Type: histories.Info, F: histories.State, Event: &histories.Event{State: &histories.ClusterState{
			Controller: controller, Error: failed,
			Partitions: []histories.PartitionState{
				{Topic: "t", Leader: leader, Epoch: epoch, Replicas: []string{"n1", "n2"}, ISR: isr},
				{Topic: "t", Partition: 1, Leader: "n1", Epoch: 1, Replicas: []string{"n1"}, ISR: []string{"n1"}},
			}}}}
	}
	sample := func(node, failed string, v float64) histories.Op {
		s := histories.NodeSample{Node: node, Error: failed}
		if failed == "" {
			s.Values = map[string]float64{"lag": v}
		}
		return histories.Op{Process: histories.Nemesis, Type: histories.Info, F: histories.Sample, Event: &histories.Event{Samples: []histories.NodeSample{s}}}
	}
	phase := func(name string) histories.Op {
		return histories.Op{Process: histories.Nemesis, Type: histories.Info, F: histories.Phase, Event: &histories.Event{Phase: name}}
	}
	h := histtest.History{Header: promised(false), Ops: []histories.Op{
		look("n9", 9, "", "too early"), // before the first phase: of none
		phase("calm"),
		look("n1", 1, "n1", "", "n1", "n2"), sample("n1", "", 3), look("n1", 1, "n1", "", "n1", "n2"), sample("n1", "", 7),
		{Process: histories.Nemesis, Type: histories.Info, F: histories.State},
		phase("cut"),
		look("n1", 3, "n2", "", "n2"), look("", 3, "", "n2 does not answer"), look("n2", 4, "n1", "", "n1", "n2"), sample("n1", "", 2), sample("n2", "refused", 0), sample("n2", "refused", 0),
		phase("end"),
	}}
	for i := range h.Ops {
		h.Ops[i].Index, h.Ops[i].Time = int64(i), time.Duration(i)*ms
	}
	var s Stats
	v := judge(h, Options{})
	if err := json.Unmarshal(v.Stats, &s); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		got  any
		want string
	}{
		{"cluster", s.Cluster, `[{"phase":"calm","looks":2,"leader_changes":0,"controller_changes":0,"offline_partitions":0,"under_replicated_partitions":0,"unanswered":0},` +
			`{"phase":"cut","looks":3,"leader_changes":3,"controller_changes":1,"offline_partitions":1,"under_replicated_partitions":1,"unanswered":1}]`},
		{"metrics", s.Metrics, `[{"name":"lag","node":"n1","phase":"calm","first":3,"last":7,"max":7},{"name":"lag","node":"n1","phase":"cut","first":2,"last":2,"max":2}]`},
		{"unmeasured", s.Unmeasured, `["n2: refused"]`},
	} {
		if got, _ := json.Marshal(c.got); string(got) != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.what, got, c.want)
		}
	}
}

// TestStatsOfAFaultThatLasts: a fault that never ends lasts until the run does,
// and only what was acknowledged is counted as such.
func TestStatsOfAFaultThatLasts(t *testing.T) {
	h := parse(t, "nemesis phase main; t=1000000000 p0 s 1@0; t=2000000000 nemesis inject id=0 fault=down on=n1; t=3000000000 p0 s 2@1 3@2; t=4000000000 p0 s 4 !fail; t=5000000000 p1 p 1@0 2@1")
	h.Header = promised(false)
	var s Stats
	if err := json.Unmarshal(judge(h, Options{}).Stats, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Phases) != 1 || s.Phases[0].OK != 3 || s.Phases[0].Fail != 1 || s.Phases[0].Acked != 3 || s.Phases[0].End < 5e9 {
		t.Errorf("phases %+v", s.Phases)
	}
	if len(s.Faults) != 1 {
		t.Fatalf("faults %+v", s.Faults)
	}
	if f := s.Faults[0]; f.During.Begin != 2e9 || f.During.End < 5e9 || f.During.Acked != 2 || f.During.Fail != 1 || f.Before.Acked != 1 || f.After.Begin != f.After.End {
		t.Errorf("fault %+v", f)
	}
}

// TestMoreExpectations: what does not count for an expectation.
func TestMoreExpectations(t *testing.T) {
	for _, c := range []struct {
		name    string
		expect  histories.Expect
		met     Validity
		why     string
		history string
	}{
		{"a gap that the end of the run cuts off", histories.Expect{Kind: "longest-gap", Phase: "cut", Args: args("at_most_ms", 2.0)}, Invalid, "t/0 got no",
			"nemesis phase cut; p0 s 1@0; p1 p 1@0; p1 p; p1 p; p1 p"},
		{"a refused send is no recovery", histories.Expect{Kind: "recovery", Phase: "after", Args: args("at_most_ms", 2.0)}, Invalid, "acknowledged nothing",
			"p0 s 1@0; " + cut + "; nemesis phase after; " + mend + "; p0 s 2 !fail; p1 p 1@0; p1 p; p1 p"},
		{"the heal of everything where nothing acted", histories.Expect{Kind: "recovery", Args: args("at_most_ms", 1.0)}, Unknown, "nothing was healed",
			"p0 s 1@0; nemesis heal id=-1; nemesis healed id=-1 held=true; p0 s 2@1; p1 p 1@0 2@1"},
		{"the heal of everything", histories.Expect{Kind: "must-fail", Phase: "cut", Args: args("at_least", 1.0)}, Valid, "all 1 send",
			"nemesis phase cut; " + cut + "; p0 s 1 !fail; nemesis heal id=-1; nemesis healed id=-1 held=true; p0 s 2@0; p1 p 2@0"},
		{"one of two healed", histories.Expect{Kind: "must-fail", Phase: "cut", Args: args("at_least", 1.0)}, Invalid, "1 of 1 send",
			"nemesis phase cut; nemesis inject id=1 fault=isolate on=n3; nemesis bite id=1 fault=isolate on=n3 held=true; " + cut + "; " + mend + "; p0 s 2@0; p1 p 2@0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := parse(t, c.history)
			for i := range h.Ops {
				h.Ops[i].Time = time.Duration(i) * ms
			}
			got := expecting(t, h, c.expect)
			if got.Met != c.met || !strings.Contains(got.Why, c.why) {
				t.Errorf("%s\ngot  %v: %s\nwant %v: …%s…", c.history, got.Met, got.Why, c.met, c.why)
			}
		})
	}
}
