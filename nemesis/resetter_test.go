package nemesis

import (
	"net"
	"runtime"
	"testing"
	"time"
)

// TestResetReachesAnAddressOfItsOwn: a node whose link listens on an address of
// its own, as those of a managed cluster do, is reset there and nowhere else.
func TestResetReachesAnAddressOfItsOwn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	nodes := brokers(t, 1)
	nodes[0].Listen = "127.0.0.2:0"
	l := opened(t, LinkConfig{Nodes: nodes, Seed: 7, Log: t.Output()})
	e := Event{ID: 0, For: time.Second, Fault: "reset", On: []string{"n1"}, Direction: Downstream}
	h := run(t, l, Plan{e})
	checkProven(t, h, e)
	host, _, err := net.SplitHostPort(l.links[0].resetter.address)
	if err != nil || host != "127.0.0.2" {
		t.Errorf("the resetter listens on %q (%v), where the node does not", host, err)
	}
}
