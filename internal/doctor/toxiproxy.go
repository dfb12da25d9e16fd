package doctor

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/nemesis"
)

func server(ctx context.Context, p *patient) {
	if p.Toxiproxy == "" {
		return
	}
	s, err := nemesis.Dial(ctx, p.Toxiproxy)
	if err == nil {
		p.standing, err = s.List(ctx)
	}
	if err == nil {
		p.server = &s
		v, _ := s.Version(ctx)
		p.note(fmt.Sprintf("%s answers, version %s, with %d proxies", p.Toxiproxy, v, len(p.standing)))
		return
	}
	who := ""
	if u, perr := url.Parse(p.Toxiproxy); perr == nil && local(u.Hostname()) {
		port, _ := strconv.Atoi(u.Port())
		held := p.holder(port)
		if held == nil {
			return // nobody listens there: said already
		}
		who = fmt.Sprintf("; port %d is held by %s (pid %d)", port, held.Name, held.PID)
	}
	p.find(fmt.Sprintf("no Toxiproxy server answers at %s: %v%s", p.Toxiproxy, err, who),
		"the port is busy, so that no server can be started there either",
		"end that process if it is yours, then ackproof proxies serve; or use another port: ackproof proxies serve --addr 127.0.0.1:8475")
}

func proxies(ctx context.Context, p *patient) {
	if p.server == nil || p.Topology == nil {
		return
	}
	wrong, err := p.server.Clean(ctx, p.Topology.Proxies)
	if err != nil {
		p.find(err.Error(), "the proxies cannot be looked at", "restart the Toxiproxy server")
		return
	}
	for _, w := range wrong {
		p.find("proxy "+w, "faults would not act where they should, or would act where they should not",
			"ackproof proxies create; ackproof proxies reset")
	}
	if len(wrong) == 0 {
		p.note(fmt.Sprintf("all %d proxies of %s are there and clean", len(p.Topology.Proxies), p.Topology.Name))
	}
}

// raft looks whether a proxy between nodes carries anything, by the kernel's
// table of connections: Toxiproxy's own counters move only when a connection
// closes.
func raft(_ context.Context, p *patient) {
	u, err := url.Parse(p.Toxiproxy)
	if p.server == nil || err != nil || !local(u.Hostname()) {
		return
	}
	for _, s := range p.standing {
		if !p.carries(s, nemesis.CarriesRaft) {
			continue
		}
		_, port, _ := net.SplitHostPort(s.Listen)
		n, _ := strconv.Atoi(port)
		conns, err := proc.Connections(n)
		switch {
		case err != nil:
			p.note(fmt.Sprintf("whether %s carries something cannot be told: %v", s.Name, err))
		case conns == 0:
			p.find(fmt.Sprintf("proxy %s at %s is between nodes and carries nothing: no connection leads through it", s.Name, s.Listen),
				"a cut of it would cut nobody off, and a test under it would prove nothing",
				"name the proxies as the peers' addresses in each node's own file, or let ackproof do it: --target process:chronik")
		default:
			p.note(fmt.Sprintf("proxy %s carries %d connections", s.Name, conns))
		}
	}
}
