package nemesis

import (
	"context"
	"fmt"
	"net"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

// URL is where the Toxiproxy server of the links is: what JoinPeers asks for.
func (p *Peers) URL() string { return p.srv.url }

// JoinPeers uses the links that another process of ours opened with OpenPeers on
// the same routes, its server being at url: they are switched as if they were
// ours, and stay when they are closed here.
func JoinPeers(ctx context.Context, url string, cfg PeerConfig) (*Peers, error) {
	srv, err := dialServer(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("join the links between nodes: %w", err)
	}
	srv.kept = true
	l := &Links{cfg: LinkConfig{Seed: cfg.Seed, Log: cfg.Log, Prefix: peerPrefix}, srv: srv, byAddr: map[string]*link{}}
	for _, r := range cfg.Routes {
		l.cfg.Nodes = append(l.cfg.Nodes, r.node())
	}
	if err := l.checkNodes(); err != nil {
		return nil, err
	}
	for _, node := range l.cfg.Nodes {
		host, _, _ := net.SplitHostPort(node.Listen) // checkNodes has seen it
		k := newLink(l, node, node.Listen, host)
		if err := k.join(ctx); err != nil {
			return nil, fmt.Errorf("join the link %s: %w", node.Name, err)
		}
		l.links, l.byAddr[node.Addr] = append(l.links, k), k
	}
	return &Peers{Links: l, routes: cfg.Routes}, nil
}

// join finds the proxy and its two switches on the keeper's server.
func (k *link) join(ctx context.Context) error {
	err := call(ctx, "look at "+k.name, func() (err error) {
		k.proxy, err = k.srv.api.Proxy(k.name)
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range k.proxy.ActiveToxics {
		n, ok := t.Attributes["slot"].(float64)
		if t.Type != toxic.Type || !ok {
			continue
		}
		s := toxic.NewRemote(k.srv.url, int64(n))
		if t.Stream == Upstream {
			k.up = s
		} else {
			k.down = s
		}
	}
	if k.up == nil || k.down == nil {
		return fmt.Errorf("the proxy %s has no control toxics", k.name)
	}
	own, err := k.reached(k.proxy)
	if err != nil {
		return err
	}
	k.own = own
	k.at.Store(&own)
	return nil
}

// Restore makes every link pass everything on, whatever somebody who had joined
// them left behind.
func (p *Peers) Restore(ctx context.Context) error {
	return together(p.links, func(k *link) error {
		err := k.clear(ctx)
		if left, lerr := k.leftovers(ctx); err == nil && lerr == nil && len(left) == 0 {
			return nil
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.rebuild(ctx)
	})
}
