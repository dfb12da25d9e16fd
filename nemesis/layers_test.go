package nemesis

import (
	"testing"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

// TestOverlappingCuts: a link that two cuts have in common stays cut until both
// are healed, and keeps what the other one does to it.
func TestOverlappingCuts(t *testing.T) {
	p := openTestPeers(t)
	k := p.links[0]
	cut := shape{up: toxic.Params{Drop: true}, down: toxic.Params{Drop: true}}
	half := shape{up: toxic.Params{Drop: true}}
	step := func(what string, err error, want shape) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if k.shape.up != want.up || k.shape.down != want.down || k.shape.closed != want.closed {
			t.Errorf("%s: the link is %+v, want %+v", what, k.shape, want)
		}
	}
	ctx := t.Context()
	step("the first cut", p.layers.lay(ctx, k, 1, half), half)
	step("the second cut", p.layers.lay(ctx, k, 2, cut), cut)
	step("the second healed", p.layers.lift(ctx, k, 2), half)
	step("cut again", p.layers.lay(ctx, k, 3, half), half)
	step("the first healed", p.layers.lift(ctx, k, 1), half)
	step("a refusal on top", p.layers.lay(ctx, k, 4, shape{closed: true}), shape{up: half.up, closed: true})
	step("the refusal healed", p.layers.lift(ctx, k, 4), half)
	step("all healed", p.layers.lift(ctx, k, 3), shape{})
	step("healed twice", p.layers.lift(ctx, k, 3), shape{})
}

// openTestPeers opens the links between two nodes that are not there.
func openTestPeers(t *testing.T) *Peers {
	t.Helper()
	p, err := OpenPeers(t.Context(), PeerConfig{Routes: []Route{
		{From: "n1", To: "n2", Port: "broker", Listen: "127.0.0.1:0", Upstream: "127.0.0.1:1"},
		{From: "n2", To: "n1", Port: "broker", Listen: "127.0.0.2:0", Upstream: "127.0.0.1:1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}
