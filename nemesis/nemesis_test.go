package nemesis

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ackproof/ackproof/histories"
)

// TestNoBiteIsSaid injects faults whose arguments have no effect: the probes
// must say so.
func TestNoBiteIsSaid(t *testing.T) {
	plan := Plan{
		{Fault: "latency", Direction: Both, Args: map[string]float64{"latency_ms": 0}},
		{Fault: "latency", Direction: Upstream, Args: map[string]float64{"latency_ms": 30, "jitter_ms": 30}},
		{Fault: "bandwidth", Direction: Both, Args: map[string]float64{"rate_kBps": 10_000_000}},
		{Fault: "timeout", Direction: Upstream, Args: map[string]float64{"timeout_ms": 600_000}},
		{Fault: "slicer", Direction: Both, Args: map[string]float64{"average_bytes": 1 << 20, "delay_us": 0}},
		{Fault: "slow-close", Direction: Both, Args: map[string]float64{"delay_ms": 0}},
		{Fault: "limit-data", Direction: Both, Args: map[string]float64{"limit_bytes": 1 << 40}},
		{Fault: "retransmit", Direction: Both, Args: map[string]float64{"share": 0, "rto_ms": 50}},
	}
	nodes := brokers(t, len(plan))
	l := opened(t, LinkConfig{Nodes: nodes})
	for i := range plan {
		plan[i].ID, plan[i].On, plan[i].For = i, []string{nodes[i].Name}, 800*time.Millisecond
	}
	h := run(t, l, plan)
	for _, e := range plan {
		bite := h.of(t, histories.Bite, e.ID)
		switch {
		case bite.Held != nil && *bite.Held, bite.Why == "":
			t.Errorf("%v %v: held %v, why %q; want not proven, with a reason", e, e.Args, bite.Held, bite.Why)
		case bite.Held == nil && e.Fault != "timeout": // 600 s do not pass: that is not measured
			t.Errorf("%v %v: %s; want a measurement", e, e.Args, bite.Why)
		}
		if healed := h.of(t, histories.Healed, e.ID); healed.Held == nil || !*healed.Held {
			t.Errorf("%v: not healed: %s", e, healed.Why)
		}
	}
}

// TestCancelHeals ends the walk while faults act: they are healed, and what
// follows is not begun.
func TestCancelHeals(t *testing.T) {
	l := opened(t, LinkConfig{Nodes: brokers(t, 2)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := &history{}
	n := New(Config{World: World{Links: l}, Record: func(op *histories.Op) {
		h.record(op)
		if op.F == histories.Bite {
			cancel()
		}
	}, Plan: Plan{
		{ID: 0, Fault: "blackhole", For: time.Hour, On: []string{"n1"}},
		{ID: 1, Fault: "down", At: 30 * time.Minute, For: time.Hour, On: []string{"n2"}},
	}})
	if err := n.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if healed := h.of(t, histories.Healed, 0); healed.Held == nil || !*healed.Held {
		t.Errorf("not healed: %s", healed.Why)
	}
	for _, op := range h.ops {
		if op.Event.ID == 1 {
			t.Error("an event began after the cancel")
		}
	}
}

// TestActiveAndOrder looks at the status while a fault acts, and lets events on
// one node follow each other at once.
func TestActiveAndOrder(t *testing.T) {
	l := opened(t, LinkConfig{Nodes: brokers(t, 1)})
	var n *Nemesis
	h := &history{}
	seen := make(chan struct{})
	var active []string
	n = New(Config{World: World{Links: l}, Record: h.record, Plan: Plan{
		{ID: 0, Fault: "blackhole", For: 500 * time.Millisecond, On: []string{"n1"}},
		{ID: 1, Fault: "stall", At: 500 * time.Millisecond, For: 2 * time.Second, On: []string{"n1"}, Direction: Both},
	}, Log: writerFunc(func(b []byte) (int, error) {
		if strings.Contains(string(b), "bite 1") {
			go func() { active = n.Active(); close(seen) }()
		}
		return len(b), nil
	})})
	if err := n.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-seen
	if len(active) != 1 || active[0] != "stall n1" {
		t.Errorf("active %v, want stall n1", active)
	}
	checkProven(t, h, Event{ID: 0})
	checkProven(t, h, Event{ID: 1})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestDeadBrokerIsNotAFailedHeal takes the broker away while its link is cut:
// neither bite nor heal can be told, and that is no error of the harness.
func TestDeadBrokerIsNotAFailedHeal(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	l := opened(t, LinkConfig{Nodes: []Node{{Name: "n1", Addr: c.ListenAddrs()[0]}}})
	c.Close()
	h := &history{}
	n := New(Config{World: World{Links: l}, Record: h.record, Plan: Plan{
		{Fault: "latency", Direction: Both, Args: map[string]float64{"latency_ms": 50}, For: 300 * time.Millisecond, On: []string{"n1"}},
	}})
	if err := n.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []int{0, -1} {
		if e := h.of(t, histories.Healed, id); e.Held != nil || !strings.Contains(e.Why, "does not answer") {
			t.Errorf("event %d: held %v, why %q; want unknown", id, e.Held, e.Why)
		}
	}
	if e := h.of(t, histories.Bite, 0); e.Held != nil {
		t.Errorf("bite held %v (%s), want unknown", *e.Held, e.Why)
	}
}
