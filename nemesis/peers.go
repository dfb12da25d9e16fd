package nemesis

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Route is the way that one node takes to another: where the one dials, and
// where the other really listens. Each route has a proxy of its own.
type Route struct {
	From, To string // node names
	Port     string // what the connection is for: broker, controller, raft, wal, …
	Listen   string // host:port that From was told to dial
	Upstream string // host:port that To listens on
}

// Name is the route's name in probes and of its proxy: n1.n2.broker.
func (r Route) Name() string { return r.From + "." + r.To + "." + r.Port }

// node is the route as a link's far end.
func (r Route) node() Node {
	return Node{Name: r.Name(), Addr: r.Listen, Listen: r.Listen, Upstream: r.Upstream}
}

// peerPrefix begins the names of the proxies between nodes.
const peerPrefix = "peer"

// Peers are the links between nodes. Bytes from a to b pass on the routes that a
// dialled upstream, and on those that b dialled downstream: a cut of a
// direction needs both, because either side may have dialled.
type Peers struct {
	*Links
	routes []Route
	layers layers // cuts that act now
}

// PeerConfig is what the links between nodes are made from. They are always on
// a Toxiproxy server of our own.
type PeerConfig struct {
	Routes []Route
	Seed   uint64
	Log    io.Writer // the Toxiproxy server's log; nil: none
}

// OpenPeers opens a proxy for each route. It is called before the nodes start,
// so that no connection ever goes round them.
func OpenPeers(ctx context.Context, cfg PeerConfig) (*Peers, error) {
	if len(cfg.Routes) == 0 {
		return nil, errors.New("open the links between nodes: no routes")
	}
	lc := LinkConfig{Seed: cfg.Seed, Log: cfg.Log, Prefix: peerPrefix}
	for _, r := range cfg.Routes {
		lc.Nodes = append(lc.Nodes, r.node())
	}
	l, err := OpenLinks(ctx, lc)
	if err != nil {
		return nil, fmt.Errorf("between nodes: %w", err)
	}
	return &Peers{Links: l, routes: cfg.Routes}, nil
}
