package nemesis

import (
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// TestJoinedPeers breaks the links of a cluster that another process keeps (here
// this one, by way of its API): bites and heals are proven, and what somebody
// leaves behind who does not heal is restored.
func TestJoinedPeers(t *testing.T) {
	c := newFakeCluster(t, 3)
	ctx := t.Context()
	kept := c.world.Peers
	joined, err := JoinPeers(ctx, kept.URL(), PeerConfig{Routes: kept.routes})
	if err != nil {
		t.Fatal(err)
	}
	c.world.Peers = joined
	for _, e := range []Event{
		{ID: 0, Fault: "isolate", For: time.Hour, On: []string{"n2"}},
		{ID: 1, Fault: "isolate-stall", For: time.Hour, On: []string{"n1"}},
		{ID: 2, Fault: "isolate-down", For: time.Hour, On: []string{"n3"}},
		{ID: 3, Fault: "peer-latency", For: time.Hour, On: []string{"n3"}, Direction: Both, Args: map[string]float64{"latency_ms": 100}},
	} {
		c.awaitWhole()
		checkProven(t, c.hold(t, e), e)
	}
	if left, err := joined.Leftovers(ctx); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	for _, e := range []Event{{Fault: "isolate", On: []string{"n1"}}, {Fault: "isolate-down", On: []string{"n2"}}} {
		f, _ := FindFault(e.Fault)
		if _, err := f.Inject(ctx, &c.world, e); err != nil {
			t.Fatal(err)
		}
	}
	gone := joined.links[5]
	if err := gone.remove(ctx, gone.name); err != nil {
		t.Fatal(err)
	}
	if err := kept.Restore(ctx); err != nil {
		t.Fatal(err)
	}
	c.world.Peers = kept
	c.checkNothingLeft(t)
	c.awaitWhole()
	if err := joined.Close(); err != nil {
		t.Error(err)
	}
	c.awaitWhole()
}

// TestJoinedPeersGone: whoever keeps the links has ended; that is an error and
// not a heal.
func TestJoinedPeersGone(t *testing.T) {
	nodes := brokers(t, 2)
	routes := []Route{{From: "n1", To: "n2", Port: "raft", Listen: freeAddr(t), Upstream: nodes[1].Addr}}
	kept, err := OpenPeers(t.Context(), PeerConfig{Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	joined, err := JoinPeers(t.Context(), kept.URL(), PeerConfig{Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	h := &history{}
	w := World{Links: opened(t, LinkConfig{Nodes: nodes}), Peers: joined}
	n := New(Config{World: w, Record: h.record, Plan: Plan{{Fault: "isolate", On: []string{"n1"}, For: 100 * time.Millisecond}}})
	if err := n.Run(t.Context()); err == nil {
		t.Error("links that are gone were healed")
	}
	if bite := h.of(t, histories.Bite, 0); bite.Held != nil && *bite.Held {
		t.Errorf("bite %+v", bite)
	}
	if _, err := JoinPeers(t.Context(), kept.URL(), PeerConfig{Routes: routes}); err == nil {
		t.Error("links that are gone were joined")
	}
}
