package checker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// expecting judges a history in the notation against one expectation. Each
// entry is a millisecond after the one before it, or where t= puts it.
func expecting(t *testing.T, h histtest.History, e histories.Expect) Expectation {
	t.Helper()
	e.Name = "it"
	h.Header = promised(false)
	h.Header.Logs = []histories.Log{{Key: 0, Topic: "t", Partition: 0}}
	h.Header.Expect = []histories.Expect{e}
	v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
	if len(v.Expectations) != 1 || v.Expectations[0].Name != "it" || v.Expectations[0].Why == "" {
		t.Fatalf("want one expectation with its reason\n%s", text(v))
	}
	x := v.Expectations[0]
	switch {
	case x.Met == Invalid && v.Valid != Invalid:
		t.Errorf("an expectation that is not met leaves the verdict %v", v.Valid)
	case x.Met == Unknown && v.Valid == Valid:
		t.Error("an expectation that nobody knows leaves the verdict valid")
	}
	return x
}

const (
	ms   = time.Millisecond
	cut  = "nemesis inject id=0 fault=isolate on=n2; nemesis bite id=0 fault=isolate on=n2 held=true"
	mend = "nemesis heal id=0 fault=isolate on=n2; nemesis healed id=0 fault=isolate on=n2 held=true"
)

func args(kv ...any) map[string]float64 {
	m := map[string]float64{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i].(string)] = kv[i+1].(float64)
	}
	return m
}

// TestExpectations holds each kind to a history that meets it, one that does
// not, and one that cannot tell. Entries stand a millisecond apart.
func TestExpectations(t *testing.T) {
	for _, c := range []struct {
		name    string
		expect  histories.Expect
		met     Validity
		why     string // a part of the sentence
		history string
	}{
		{"available", histories.Expect{Kind: "availability", Phase: "cut", Args: args("at_least", 0.5)}, Valid, "1 of 2",
			"nemesis phase cut; p0 s 1@0; p0 s 2 !info; nemesis phase end; p1 p 1@0"},
		{"not available", histories.Expect{Kind: "availability", Phase: "cut", Args: args("at_least", 0.6)}, Invalid, "0.500",
			"nemesis phase cut; p0 s 1@0; p0 s 2 !info; nemesis phase end; p1 p 1@0"},
		{"begun before the phase", histories.Expect{Kind: "availability", Phase: "cut", Args: args("at_least", 0.5)}, Unknown, "no send",
			"p0 > s 1; nemesis phase cut; p0 < s 1@0; nemesis phase end; p1 p 1@0"},
		{"never entered", histories.Expect{Kind: "acked", Phase: "cut", Args: args("at_least", 1.0)}, Unknown, `"cut"`,
			"nemesis phase calm; p0 s 1@0; p1 p 1@0"},
		{"polls", histories.Expect{Kind: "availability", Of: []string{"poll"}, Args: args("at_most", 0.0)}, Invalid, "1 of 1 poll",
			"nemesis phase calm; p0 s 1@0; p1 p 1@0"},

		{"gap", histories.Expect{Kind: "longest-gap", Phase: "cut", Args: args("at_most_ms", 1.0)}, Invalid, "t/0 got no",
			"nemesis phase cut; p0 s 1@0; p1 p 1@0; p1 p; p1 p; p0 s 2@1; nemesis phase end; p1 p 2@1"},
		{"no gap", histories.Expect{Kind: "longest-gap", Phase: "cut", Args: args("at_most_ms", 20.0)}, Valid, "t/0 got no",
			"nemesis phase cut; p0 s 1@0; p1 p 1@0; p1 p; p1 p; p0 s 2@1; nemesis phase end; p1 p 2@1"},
		{"a gap that the phase cuts off", histories.Expect{Kind: "longest-gap", Phase: "cut", Args: args("at_most_ms", 3.0)}, Invalid, "t/0 got no",
			"nemesis phase cut; p0 s 1@0; p1 p 1@0; p1 p; p1 p; nemesis phase end; p0 s 2@1; p1 p 2@1"},

		{"recovered", histories.Expect{Kind: "recovery", Phase: "after", Args: args("at_most_ms", 9.0)}, Valid, "every log",
			"p0 s 1@0; " + cut + "; nemesis phase after; " + mend + "; p0 s 2@1; p1 p 1@0 2@1"},
		{"recovered late", histories.Expect{Kind: "recovery", Phase: "after", Args: args("at_most_ms", 2.0)}, Invalid, "every log",
			"p0 s 1@0; " + cut + "; nemesis phase after; " + mend + "; p1 p 1@0; p0 s 2@1; p1 p 2@1"},
		{"sent before the heal", histories.Expect{Kind: "recovery", Phase: "after", Args: args("at_most_ms", 1.0)}, Invalid, "acknowledged nothing",
			"p0 s 1@0; " + cut + "; p0 > s 2; nemesis phase after; " + mend + "; p0 < s 2@1; p1 p 1@0 2@1; p1 p"},
		{"no time to recover", histories.Expect{Kind: "recovery", Phase: "after", Args: args("at_most_ms", 1000.0)}, Unknown, "acknowledged nothing",
			"p0 s 1@0; " + cut + "; nemesis phase after; " + mend + "; p1 p 1@0"},
		{"nothing healed", histories.Expect{Kind: "recovery", Args: args("at_most_ms", 1.0)}, Unknown, "nothing was healed",
			"p0 s 1@0; p1 p 1@0"},

		{"as fast", histories.Expect{Kind: "throughput", Phase: "slow", Baseline: "base", Args: args("at_least", 0.2)}, Valid, "against",
			"nemesis phase base; p0 s 1@0; p0 s 2@1; nemesis phase slow; p0 s 3@2; p1 p 1@0 2@1 3@2; nemesis phase end"},
		{"slower", histories.Expect{Kind: "throughput", Phase: "slow", Baseline: "base", Args: args("at_least", 0.9)}, Invalid, "against",
			"nemesis phase base; p0 s 1@0; p0 s 2@1; nemesis phase slow; p0 s 3@2; p1 p 1@0 2@1 3@2; nemesis phase end"},
		{"no baseline", histories.Expect{Kind: "throughput", Phase: "slow", Baseline: "base", Args: args("at_least", 0.9)}, Unknown, "nothing to compare",
			"nemesis phase base; p1 p; nemesis phase slow; p0 s 1@0; p1 p 1@0; nemesis phase end"},

		{"slow enough", histories.Expect{Kind: "latency", Phase: "slow", Args: args("at_least_ms", 3.0)}, Valid, "p99 of 1 send",
			"nemesis phase slow; p0 > s 1; p1 p; p0 < s 1@0; p1 p 1@0"},
		{"not slow enough", histories.Expect{Kind: "latency", Phase: "slow", Args: args("at_least_ms", 3.1)}, Invalid, "is 3.0 ms",
			"nemesis phase slow; p0 > s 1; p1 p; p0 < s 1@0; p1 p 1@0"},
		{"median", histories.Expect{Kind: "latency", Args: args("quantile", 0.5, "at_most_ms", 1.0)}, Valid, "p50 of 3 send",
			"p0 > s 1; p1 p; p0 < s 1@0; p0 s 2@1; p0 s 3@2; p1 p 1@0 2@1 3@2"},
		{"only failures", histories.Expect{Kind: "latency", Args: args("at_most_ms", 1.0)}, Unknown, "none has a latency",
			"p0 s 1 !fail; p1 s 2 !info"},

		{"all fail", histories.Expect{Kind: "must-fail", Phase: "cut", Args: args("at_least", 2.0)}, Valid, "all 2 send",
			"p0 s 1@0; nemesis phase cut; " + cut + "; p0 s 2 !fail; p2 s 3 !info; " + mend + "; nemesis phase end; p1 p 1@0"},
		{"one succeeds", histories.Expect{Kind: "must-fail", Phase: "cut", Args: args("at_least", 2.0)}, Invalid, "1 of 3 send",
			"p0 s 1@0; nemesis phase cut; " + cut + "; p0 s 2 !fail; p0 s 3@1; p2 s 4 !info; " + mend + "; nemesis phase end; p1 p 1@0 3@1"},
		{"begun before the proof", histories.Expect{Kind: "must-fail", Phase: "cut", Args: args("at_least", 1.0)}, Valid, "all 1 send",
			"nemesis phase cut; p0 > s 1; " + cut + "; p0 < s 1@0; p0 s 2 !fail; " + mend + "; p1 p 1@0"},
		{"surfaces after the heal", histories.Expect{Kind: "must-fail", Phase: "cut", Args: args("at_least", 1.0)}, Valid, "1 more",
			"nemesis phase cut; " + cut + "; p0 s 2 !fail; p0 > s 3; " + mend + "; p0 < s 3@0; p1 p 3@0"},
		{"too few to say", histories.Expect{Kind: "must-fail", Phase: "cut"}, Unknown, "10 are needed",
			"p0 s 1@0; nemesis phase cut; " + cut + "; p0 s 2 !fail; " + mend + "; p1 p 1@0"},
		{"one of two proven", histories.Expect{Kind: "must-fail", Phase: "cut"}, Unknown, "never proven",
			"p0 s 1@0; nemesis phase cut; nemesis inject id=1 fault=isolate on=n3; " + cut + "; p0 s 2 !fail; " + mend + "; p1 p 1@0"},

		{"enough", histories.Expect{Kind: "acked", Phase: "cut", Args: args("at_least", 2.0)}, Valid, "2 records",
			"nemesis phase cut; p0 s 1@0 2@1; nemesis phase end; p1 p 1@0 2@1"},
		{"too few", histories.Expect{Kind: "acked", Phase: "cut", Args: args("at_least", 3.0)}, Invalid, "2 records",
			"nemesis phase cut; p0 s 1@0 2@1; nemesis phase end; p1 p 1@0 2@1"},

		{"nothing found", histories.Expect{Kind: "anomalies"}, Valid, "nothing was found", "p0 s 1@0; p1 p 1@0"},
		{"found", histories.Expect{Kind: "anomalies"}, Invalid, "duplicate 1", "p0 s 1@0; p1 p 1@0 1@1"},
		{"found and listed", histories.Expect{Kind: "anomalies", Of: []string{"duplicate"}}, Valid, "nothing", "p0 s 1@0; p1 p 1@0 1@1"},
		{"only informational", histories.Expect{Kind: "anomalies"}, Valid, "nothing", "p0 > t s 1 2; p1 > s 3; p0 < t s 1@0 2@2; p1 < s 3@1; p2 p 1@0 3@1 2@2"},
		{"a control that loses nothing", histories.Expect{Kind: "allowed"}, Invalid, "none of", "p0 s 1@0; p1 p 1@0"},
		{"a control that breaks the contract", histories.Expect{Kind: "allowed", Of: []string{"duplicate"}}, Invalid, "nothing in the contract", "p0 s 1@0; p1 p 1@0 1@1"},

		{"whole", histories.Expect{Kind: "whole", Args: args("at_most_ms", 100.0)}, Valid, "40 ms",
			`p0 s 1@0; p1 p 1@0; nemesis whole {"id":-1,"held":true,"args":{"waited_ms":40}}`},
		{"whole too late", histories.Expect{Kind: "whole", Args: args("at_most_ms", 30.0)}, Invalid, "40 ms",
			`p0 s 1@0; p1 p 1@0; nemesis whole {"id":-1,"held":true,"args":{"waited_ms":40}}`},
		{"never whole", histories.Expect{Kind: "whole", Args: args("at_most_ms", 30.0)}, Invalid, "no leader",
			`p0 s 1@0; p1 p 1@0; nemesis whole {"id":-1,"held":false,"why":"t/0 has no leader"}`},
		{"whole, from the heal on", histories.Expect{Kind: "whole", Args: args("at_most_ms", 3.0)}, Invalid, "6 ms",
			"p0 s 1@0; " + cut + "; " + mend + `; p0 s 2@1; p1 p 1@0 2@1; nemesis whole {"id":-1,"held":true,"args":{"waited_ms":1}}`},
		{"whole, asked again", histories.Expect{Kind: "whole", Args: args("at_most_ms", 3.0)}, Valid, "after 2 ms",
			"p0 s 1@0; " + cut + "; " + mend + `; nemesis whole {"id":-1,"held":true,"args":{"waited_ms":1}}; p0 s 2@1; p1 p 1@0 2@1; nemesis whole {"id":-1,"held":true,"args":{"waited_ms":1}}`},
		{"nobody asked", histories.Expect{Kind: "whole", Args: args("at_most_ms", 30.0)}, Unknown, "nobody asked", "p0 s 1@0; p1 p 1@0"},
		{"unknown kind", histories.Expect{Kind: "availabilty"}, Unknown, "availability", "p0 s 1@0; p1 p 1@0"},
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

// TestAllowedExpectation: a loss that the contract allows is what a positive
// control wants to see.
func TestAllowedExpectation(t *testing.T) {
	h := parse(t, "p0 s 1@0; p0 s 2@1; p0 s 3@2"+final("3", "1@0 3@2"))
	h.Header = promised(true)
	h.Header.Contract.Acks = "1"
	h.Header.Expect = []histories.Expect{{Name: "lost", Kind: "allowed"}, {Name: "clean", Kind: "anomalies"}}
	v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
	if got := []Validity{v.Expectations[0].Met, v.Expectations[1].Met}; !slices.Equal(got, []Validity{Valid, Invalid}) {
		t.Errorf("%v\n%s", got, text(v))
	}
	if !strings.Contains(v.Expectations[0].Why, "acks=1") {
		t.Errorf("the clause is missing: %s", v.Expectations[0].Why)
	}
}

// TestAllowedBehindAnotherHeadline: a loss whose offset was used again has
// another headline, and is a loss all the same.
func TestAllowedBehindAnotherHeadline(t *testing.T) {
	h := parse(t, "p0 s 1@0; p1 p 1@0; p0 s 2@0; p2 p 2@0"+final("1", "2@0"))
	h.Header = promised(true)
	yes, no := true, false
	h.Header.Contract.UncleanElection = &yes
	h.Header.Expect = []histories.Expect{{Name: "lost", Kind: "allowed"}}
	v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
	if len(v.Anomalies) == 0 || v.Anomalies[0].Kind != InconsistentOffset {
		t.Fatalf("the headline is not inconsistent-offset\n%s", text(v))
	}
	if e := v.Expectations[0]; e.Met != Valid || !strings.Contains(e.Why, "truncated-ack 1 (unclean_election=true)") {
		t.Errorf("%v: %s\n%s", e.Met, e.Why, text(v))
	}
	h.Header.Contract.UncleanElection = &no
	v = judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
	if e := v.Expectations[0]; e.Met != Invalid || !strings.Contains(e.Why, "nothing in the contract") {
		t.Errorf("without unclean elections: %v: %s", e.Met, e.Why)
	}
}

// TestReadsModelIsNoAnomaly: an old end, which Kafka's reads allow, is not what
// an experiment that expects no anomalies looks for.
func TestReadsModelIsNoAnomaly(t *testing.T) {
	h := parse(t, "p0 s 1@0 2@1; p1 e 0:2; p2 e 0:1"+final("2", "1@0 2@1"))
	h.Header = promised(true)
	h.Header.Contract.Reads = Kafka
	h.Header.Expect = []histories.Expect{{Name: "clean", Kind: "anomalies"}}
	v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
	if len(v.Anomalies) != 1 || v.Anomalies[0].AllowedBy != byDeposed || v.Expectations[0].Met != Valid {
		t.Errorf("%+v\n%s", v.Expectations, text(v))
	}
}

// sampleOps makes a history of samples: in phase a and then in phase b, one
// value of each node.
func sampleOps(metric string, a, b map[string]float64) histtest.History {
	var h histtest.History
	add := func(f histories.F, e *histories.Event) {
		i := len(h.Ops)
		h.Ops = append(h.Ops, histories.Op{Index: int64(i), Time: time.Duration(i) * ms, Process: histories.Nemesis, Type: histories.Info, F: f, Event: e})
	}
	for _, p := range []struct {
		name   string
		values map[string]float64
	}{{"a", a}, {"b", b}} {
		add(histories.Phase, &histories.Event{ID: -1, Phase: p.name})
		var s []histories.NodeSample
		for _, node := range []string{"n1", "n2"} {
			ns := histories.NodeSample{Node: node}
			if v, ok := p.values[node]; ok {
				ns.Values = map[string]float64{metric: v}
			}
			s = append(s, ns)
		}
		add(histories.Sample, &histories.Event{ID: -1, Samples: s})
	}
	return h
}

func TestMetricExpectations(t *testing.T) {
	type at = map[string]float64
	for _, c := range []struct {
		name   string
		expect histories.Expect
		metric string
		a, b   at
		met    Validity
		why    string
	}{
		{"inside", histories.Expect{Kind: "metric", Of: []string{"m"}, Phase: "b", Args: args("at_most", 5.0)}, "m", at{"n1": 9}, at{"n1": 5, "n2": 1}, Valid, "5 to 5 on n1, 1 to 1 on n2"},
		{"outside", histories.Expect{Kind: "metric", Of: []string{"m"}, Phase: "b", Args: args("at_most", 4.0)}, "m", at{}, at{"n1": 5, "n2": 1}, Invalid, "5 to 5"},
		{"missing is not 0", histories.Expect{Kind: "metric", Of: []string{"m"}, Phase: "b", Args: args("at_most", 4.0)}, "other", at{"n1": 1}, at{"n1": 1}, Unknown, "is not 0"},
		{"growth of what is missing", histories.Expect{Kind: "metric-increase", Of: []string{"m"}, Args: args("at_most", 0.0)}, "other", at{"n1": 1}, at{"n1": 1}, Unknown, "is not 0"},
		{"never sampled there", histories.Expect{Kind: "metric", Of: []string{"m"}, Phase: "c", Args: args("at_most", 1.0)}, "m", at{"n1": 1}, at{"n1": 1}, Unknown, "did not enter"},
		{"growth", histories.Expect{Kind: "metric-increase", Of: []string{"m"}, Args: args("at_least", 3.0)}, "m", at{"n1": 1, "n2": 4}, at{"n1": 3, "n2": 5}, Valid, "grew by 3"},
		{"a counter that began anew", histories.Expect{Kind: "metric-increase", Of: []string{"m"}, Args: args("at_least", 7.0)}, "m", at{"n1": 10}, at{"n1": 7}, Valid, "grew by 7"},
		{"no leak", histories.Expect{Kind: "leaks", Baseline: "a", Phase: "b", Args: args("sockets_at_most", 4.0)}, histories.MetricSockets, at{"n1": 10, "n2": 10}, at{"n1": 14, "n2": 9}, Valid, "n1 10 → 14"},
		{"leak", histories.Expect{Kind: "leaks", Baseline: "a", Phase: "b", Args: args("sockets_at_most", 3.0)}, histories.MetricSockets, at{"n1": 10, "n2": 10}, at{"n1": 14, "n2": 9}, Invalid, "n1 10 → 14"},
		{"memory", histories.Expect{Kind: "leaks", Baseline: "a", Phase: "b", Args: args("memory_at_most", 1.3)}, histories.MetricMemory, at{"n1": 10}, at{"n1": 14}, Invalid, "1.3 times"},
		{"leak not sampled", histories.Expect{Kind: "leaks", Baseline: "a", Phase: "b", Args: args("threads_at_most", 3.0)}, histories.MetricSockets, at{"n1": 10}, at{"n1": 14}, Unknown, "no node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := expecting(t, sampleOps(c.metric, c.a, c.b), c.expect)
			if got.Met != c.met || !strings.Contains(got.Why, c.why) {
				t.Errorf("got %v: %s\nwant %v: …%s…", got.Met, got.Why, c.met, c.why)
			}
		})
	}
}

// TestCheckExpect names the field and what is allowed there.
func TestCheckExpect(t *testing.T) {
	for _, c := range []struct {
		expect histories.Expect
		field  string
		want   string
	}{
		{histories.Expect{Kind: "must-fial"}, "kind", `"must-fail"`},
		{histories.Expect{Kind: "acked"}, "at_least", "missing"},
		{histories.Expect{Kind: "acked", Args: args("at_leats", 1.0, "at_least", 1.0)}, "at_leats", "at_least"},
		{histories.Expect{Kind: "acked", Of: []string{"send"}, Args: args("at_least", 1.0)}, "of", "leave it out"},
		{histories.Expect{Kind: "anomalies", Of: []string{"lost-wirte"}}, "of", `"lost-write"`},
		{histories.Expect{Kind: "availability", Of: []string{"sned"}, Args: args("at_least", 1.0)}, "of", `"send"`},
		{histories.Expect{Kind: "availability"}, "", "no limit"},
		{histories.Expect{Kind: "throughput", Args: args("at_least", 1.0)}, "baseline", "missing"},
		{histories.Expect{Kind: "acked", Baseline: "a", Args: args("at_least", 1.0)}, "baseline", "leave it out"},
		{histories.Expect{Kind: "latency", Args: args("quantile", 99.0, "at_most_ms", 1.0)}, "quantile", "0.99"},
		{histories.Expect{Kind: "metric", Args: args("at_most", 1.0)}, "of", "one entry"},
	} {
		field, err := CheckExpect(c.expect)
		if err == nil || field != c.field || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: field %q, %v; want field %q and %s", c.expect, field, err, c.field, c.want)
		}
	}
	for _, k := range Expectations {
		if k.Name == "" || k.Doc == "" || k.watch == nil {
			t.Errorf("expectation %q: named, with a sentence and a watcher", k.Name)
		}
	}
}
