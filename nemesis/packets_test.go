//go:build linux

package nemesis

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/internal/netns"
)

// insideNetns says that the test's own binary runs in a namespace of its own.
const insideNetns = "ACKPROOF_TEST_IN_NETNS"

// inNetns runs the test again in a network namespace of its own, and tells
// whether this is it.
func inNetns(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideNetns) != "" {
		if err := netns.Up(); err != nil {
			t.Fatal(err)
		}
		return true
	}
	required := os.Getenv("ACKPROOF_REQUIRE_NETNS") == "1"
	if nftProgram() == "" && !required {
		t.Skip("SKIPPED: nft is not installed; ACKPROOF_REQUIRE_NETNS=1 makes this a failure")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), insideNetns+"=1")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	err := netns.Start(cmd)
	if errors.Is(err, netns.ErrRefused) && !required {
		t.Skipf("SKIPPED: %v; ACKPROOF_REQUIRE_NETNS=1 makes this a failure", err)
	}
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		t.Error(err)
	}
	return false
}

// TestPackets drops packets between the nodes of a fake cluster, for real: bites
// and heals are proven, one direction is one direction, and no rule is left.
func TestPackets(t *testing.T) {
	if !inNetns(t) {
		return
	}
	if err := CheckNft(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := newFakeCluster(t, 3)
	c.world.Netns = true
	for i, e := range []Event{
		{Fault: "packet-drop", On: []string{"n1"}, Direction: Both},
		{Fault: "packet-drop", On: []string{"n2"}, Direction: In},
		{Fault: "packet-drop", On: []string{"n3"}, Direction: Out},
		{Fault: "packet-loss", On: []string{"n2"}, Direction: Both, Args: map[string]float64{"share": 0.3}},
		{Fault: "packet-loss", On: []string{"n1"}, Direction: Out, Args: map[string]float64{"share": 0.3}},
	} {
		e.ID, e.For = i, time.Hour
		t.Run(e.Fault+"/"+e.Direction, func(t *testing.T) {
			c.awaitWhole()
			checkProven(t, c.hold(t, e), e)
			if there, err := chains(t.Context()); err != nil || len(there) > 0 {
				t.Errorf("rules are left: %v, %v", there, err)
			}
		})
	}
	// What a walk that failed leaves behind.
	if _, err := packetDrop.Inject(t.Context(), &c.world, Event{On: []string{"n1"}, Direction: Both}); err != nil {
		t.Fatal(err)
	}
	if err := New(Config{World: c.world}).Heal(t.Context()); err != nil {
		t.Error(err)
	}
	if there, err := chains(t.Context()); err != nil || len(there) > 0 {
		t.Errorf("rules are left: %v, %v", there, err)
	}
	c.awaitWhole()
}

// TestPacketRules writes rules for each direction: the addresses name the way.
func TestPacketRules(t *testing.T) {
	p := &Peers{routes: []Route{
		{From: "n1", To: "n2", Port: "broker", Listen: "127.77.1.2:9092"}, {From: "n1", To: "n2", Port: "controller", Listen: "127.77.1.2:9093"},
		{From: "n2", To: "n1", Port: "broker", Listen: "127.77.2.1:9092"},
		{From: "n2", To: "n3", Port: "broker", Listen: "127.77.2.3:9092"}, {From: "n3", To: "n2", Port: "broker", Listen: "127.77.3.2:9092"},
	}}
	for _, x := range []struct {
		direction string
		to, from  []string
	}{
		{Out, []string{"127.77.1.2"}, []string{"127.77.2.1"}},
		{In, []string{"127.77.2.1"}, []string{"127.77.1.2"}},
		{Both, []string{"127.77.1.2", "127.77.2.1"}, []string{"127.77.1.2", "127.77.2.1"}},
	} {
		r, err := newPacketRule(p, Event{ID: 4, On: []string{"n1"}, Direction: x.direction}, 0.25)
		if err != nil || !slices.Equal(r.to, x.to) || !slices.Equal(r.from, x.from) {
			t.Errorf("%s: %+v, %v", x.direction, r, err)
		}
	}
	r := &packetRule{name: "event4", share: 0.25, to: []string{"127.77.1.2"}, from: []string{"127.77.2.1"}}
	for _, want := range []string{
		"hook input", "ip daddr { 127.77.1.2 } numgen random mod 10000 < 2500 counter name event4_dropped drop",
		"ip saddr { 127.77.2.1 } numgen random mod 10000 < 2500 counter name event4_dropped drop",
	} {
		if !strings.Contains(r.script(), want) {
			t.Errorf("%s\nhas no %q", r.script(), want)
		}
	}
	if r.share = 1; strings.Contains(r.script(), "numgen") {
		t.Errorf("all packets by lot:\n%s", r.script())
	}
	if _, err := newPacketRule(p, Event{On: []string{"n9"}, Direction: Both}, 1); err == nil {
		t.Error("a node without ways has a rule")
	}
}

// TestNoNft says what to do where nft is missing.
func TestNoNft(t *testing.T) {
	places := nftPlaces
	defer func() { nftPlaces = places }()
	nftPlaces = []string{"no-such-nft"}
	if err := CheckNft(context.Background()); err == nil || !strings.Contains(err.Error(), "install nftables, or leave out --netns") {
		t.Errorf("error %v", err)
	}
}
