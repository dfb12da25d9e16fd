package nemesis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// hold makes an event happen until its bite is spoken of, and heals it.
func (c *fakeCluster) hold(t *testing.T, e Event) *history {
	t.Helper()
	h := &history{}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	n := New(Config{World: c.world, Log: t.Output(), Record: func(op *histories.Op) {
		h.record(op)
		if op.F == histories.Bite {
			cancel()
		}
	}})
	if err := n.Hold(ctx, e); err != nil {
		t.Fatal(err)
	}
	if err := n.Heal(t.Context()); err != nil {
		t.Error(err)
	}
	return h
}

// clusterCases has every fault that acts on the cluster, in every direction.
func clusterCases() []Event {
	args := map[string]map[string]float64{
		"peer-latency":    {"latency_ms": 100},
		"peer-bandwidth":  {"rate_kBps": 100},
		"peer-slicer":     {"average_bytes": 128, "variation_bytes": 16, "delay_us": 2000},
		"peer-slow-close": {"delay_ms": 200},
		"peer-retransmit": {"share": 0.3, "rto_ms": 50},
		"power-loss":      {"tail_bytes": 1000},
		"reassign":        {"partitions": 2},
	}
	var out []Event
	for _, f := range Faults {
		if f.Family == OnLinks || f.Family == OnPackets {
			continue
		}
		on := []string{"n2"}
		if f.Hits == HitsAll {
			on = []string{"n3", "n1", "n2"}
		}
		directions := f.Directions
		if len(directions) == 0 {
			directions = []string{""}
		}
		for _, d := range directions {
			out = append(out, Event{ID: len(out), For: time.Hour, Fault: f.Name, On: on, Direction: d, Args: args[f.Name]})
		}
	}
	return out
}

// TestClusterFaultsBiteAndHeal holds every fault that acts on the cluster until
// it is proven: then it must be gone, and the cluster whole.
func TestClusterFaultsBiteAndHeal(t *testing.T) {
	shards := 3 // clusters side by side
	var group sync.WaitGroup
	for s := range shards {
		c := newFakeCluster(t, 3)
		group.Go(func() {
			for i, e := range clusterCases() {
				if i%shards != s {
					continue
				}
				t.Run(strings.TrimSuffix(e.Fault+"/"+e.Direction, "/"), func(t *testing.T) {
					c.awaitWhole()
					h := c.hold(t, e)
					checkProven(t, h, e)
					c.checkNothingLeft(t)
				})
			}
		})
	}
	group.Wait()
}

// checkNothingLeft looks for what a fault may leave behind.
func (c *fakeCluster) checkNothingLeft(t *testing.T) {
	t.Helper()
	for _, n := range c.nodes {
		if !n.up() {
			t.Errorf("%s is not up", n.name)
		}
	}
	for _, k := range append(slices.Clone(c.world.Peers.links), c.world.Links.links...) {
		if up, down := k.up.Params(), k.down.Params(); k.shape.closed || up.Drop || up.Stall || down.Drop || down.Stall || up.Latency+down.Latency > 0 {
			t.Errorf("%s is not clean: %+v %+v", k.node.Name, up, down)
		}
	}
}

// TestClusterFaultsWithoutBite tells a cluster that does nothing to break: no
// bite may be proven, and why is said.
func TestClusterFaultsWithoutBite(t *testing.T) {
	c := newFakeCluster(t, 3)
	c.deaf = true
	var group sync.WaitGroup
	for _, e := range clusterCases() {
		f, _ := FindFault(e.Fault)
		if f.Family == OnPeers || f.Family == OnCuts { // their links are ours: they cannot be deaf
			continue
		}
		group.Go(func() {
			t.Run(e.Fault, func(t *testing.T) {
				h := &history{}
				e.For = 10 * time.Millisecond
				n := New(Config{World: c.world, Plan: Plan{e}, Record: h.record, Log: t.Output()})
				if err := n.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				bite := h.of(t, histories.Bite, e.ID)
				if bite.Held != nil && *bite.Held || bite.Why == "" {
					t.Errorf("held %v, why %q; want not proven, with a reason", bite.Held, bite.Why)
				}
			})
		})
	}
	group.Wait()
}

// TestCutWithoutTraffic cuts nodes apart that never send each other anything:
// nothing is proven.
func TestCutWithoutTraffic(t *testing.T) {
	nodes := brokers(t, 2)
	routes := []Route{
		{From: "n1", To: "n2", Port: "raft", Listen: freeAddr(t), Upstream: nodes[1].Addr},
		{From: "n2", To: "n1", Port: "raft", Listen: freeAddr(t), Upstream: nodes[0].Addr},
	}
	peers, err := OpenPeers(t.Context(), PeerConfig{Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	defer peers.Close()
	h := &history{}
	n := New(Config{World: World{Links: opened(t, LinkConfig{Nodes: nodes}), Peers: peers}, Record: h.record, Plan: Plan{
		{ID: 0, Fault: "isolate", On: []string{"n1"}, For: 200 * time.Millisecond},
	}})
	if err := n.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bite := h.of(t, histories.Bite, 0); bite.Held == nil || *bite.Held {
		t.Errorf("held %v (%s), want false", bite.Held, bite.Why)
	}
	if healed := h.of(t, histories.Healed, 0); healed.Held == nil || !*healed.Held {
		t.Errorf("healed %v (%s), want true: its ways can be dialled", healed.Held, healed.Why)
	}
}

// TestOneWayCutsAreOneWay looks at the proof of one-way cuts: one direction
// lost bytes, the other let them pass.
func TestOneWayCutsAreOneWay(t *testing.T) {
	c := newFakeCluster(t, 3)
	for _, x := range []struct{ fault, lost, flows string }{{"isolate-in", whatIn, whatOut}, {"isolate-out", whatOut, whatIn}} {
		h := c.hold(t, Event{Fault: x.fault, On: []string{"n1"}, For: time.Hour})
		bite := h.of(t, histories.Bite, 0)
		for _, p := range bite.Proof {
			if p.When != whenDuring {
				continue
			}
			if p.What == x.lost && p.Error != "lost" || p.What == x.flows && (p.Error != "" || p.Bytes == 0) {
				t.Errorf("%s: %+v", x.fault, p)
			}
		}
		c.awaitWhole()
	}
}

// TestSymbolsAreResolved lets events mean leaders, the controller and any node.
func TestSymbolsAreResolved(t *testing.T) {
	c := newFakeCluster(t, 3)
	for id := range 4 {
		for _, x := range []struct {
			asked string
			is    func(node string) bool
		}{
			{AtController, func(n string) bool { return n == "n1" }},
			{AtLeader + ":1", func(n string) bool { return n == "n2" }},
			{AtLeader, func(n string) bool { return slices.Contains(c.names(), n) }},
			{AtRandom, func(n string) bool { return slices.Contains(c.names(), n) }},
		} {
			e := Event{ID: id, Fault: "pause", On: []string{x.asked}}
			on, err := c.world.resolve(t.Context(), e)
			again, _ := c.world.resolve(t.Context(), e)
			if err != nil || len(on) != 1 || !x.is(on[0]) || !slices.Equal(on, again) {
				t.Errorf("%s is %v, then %v, %v", x.asked, on, again, err)
			}
		}
	}
	two, err := c.world.resolve(t.Context(), Event{On: []string{AtRandom, AtRandom}})
	if err != nil || len(two) != 2 || two[0] == two[1] {
		t.Errorf("two random nodes are %v, %v", two, err)
	}
	h := c.hold(t, Event{ID: 5, Fault: "kill", On: []string{AtLeader + ":2"}, For: time.Hour})
	for _, f := range []histories.F{histories.Inject, histories.Bite, histories.Heal, histories.Healed} {
		if e := h.of(t, f, 5); !slices.Equal(e.On, []string{"n3"}) || !slices.Equal(e.Asked, []string{"@leader:2"}) {
			t.Errorf("%v on %v asked %v", f, e.On, e.Asked)
		}
	}
	checkProven(t, h, Event{ID: 5})
}

// TestSymbolNobodyKnows: an event on a leader that is not there breaks nothing,
// and says so.
func TestSymbolNobodyKnows(t *testing.T) {
	c := newFakeCluster(t, 3)
	h := &history{}
	n := New(Config{World: c.world, Record: h.record})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := n.Hold(ctx, Event{Fault: "pause", On: []string{"@leader:99"}, For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	bite, healed := h.of(t, histories.Bite, 0), h.of(t, histories.Healed, 0)
	if bite.Held != nil || !strings.Contains(bite.Why, "4 partitions") || len(bite.On) > 0 {
		t.Errorf("bite %+v", bite)
	}
	if healed.Held == nil || !*healed.Held {
		t.Errorf("healed %+v", healed)
	}
}

// TestFinalHealBringsAllBack leaves a mess behind, as a walk that failed would,
// and heals it.
func TestFinalHealBringsAllBack(t *testing.T) {
	c := newFakeCluster(t, 3)
	ctx := t.Context()
	w := &c.world
	if _, err := isolate.Inject(ctx, w, Event{Fault: "isolate", On: []string{"n1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := down.Inject(ctx, w, Event{Fault: "down", On: []string{"n3"}}); err != nil {
		t.Fatal(err)
	}
	c.Kill(ctx, "n2")
	c.Pause(ctx, "n3")
	h := &history{}
	n := New(Config{World: c.world, Record: h.record, Log: t.Output()})
	for range 2 { // it may be called again
		if err := n.Heal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	c.checkNothingLeft(t)
	c.awaitWhole()
	if healed := h.of(t, histories.Healed, -1); healed.Held == nil || !*healed.Held {
		t.Errorf("healed %+v", healed)
	}
	st, err := c.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range st.Partitions {
		if p.Leader != p.Replicas[0] {
			t.Errorf("partition %d is led by %s, not by %s, which is preferred", p.Partition, p.Leader, p.Replicas[0])
		}
	}
}

// TestClusterFaultsAreRefused walks plans where something is missing.
func TestClusterFaultsAreRefused(t *testing.T) {
	l := opened(t, LinkConfig{Nodes: brokers(t, 3)})
	for fault, says := range map[string]string{
		"isolate": "links between the nodes", "kill": "the nodes' processes", "move-leaders": "nobody can be asked", "latency @leader": "name a node",
	} {
		name, on, _ := strings.Cut(fault, " ")
		e := Event{Fault: name, On: []string{"n1"}, For: time.Second}
		if on != "" {
			e.On = []string{on}
		}
		err := New(Config{World: World{Links: l}, Plan: Plan{e}}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one that says %q", fault, err, says)
		}
		if err := New(Config{World: World{Links: l}}).Hold(t.Context(), e); err == nil {
			t.Errorf("%s was held", fault)
		}
	}
}

// TestRingsHearMajorities: every node hears a majority, and no two the same.
func TestRingsHearMajorities(t *testing.T) {
	for n := 3; n <= 9; n++ {
		var on []string
		for i := range n {
			on = append(on, fmt.Sprintf("n%d", i))
		}
		cuts := majorities(Event{On: on}, on)
		seen := map[string]bool{}
		for _, to := range on {
			var hears []string
			for _, from := range on {
				if !slices.Contains(cuts, pair{from, to}) {
					hears = append(hears, from)
				}
			}
			if len(hears) != n/2+1 || !slices.Contains(hears, to) || seen[fmt.Sprint(hears)] {
				t.Errorf("%d nodes: %s hears %v", n, to, hears)
			}
			seen[fmt.Sprint(hears)] = true
		}
	}
}
