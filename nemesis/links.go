package nemesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Node is a broker as the links see it.
type Node struct {
	Name string // n1, n2, …
	Addr string // the host:port that whoever dials asks for; clients: the advertised one
	// Upstream is where the proxy leads; empty: Addr.
	Upstream string
	// Listen is where the proxy listens; empty: a free port of the server's choice.
	Listen string
}

// upstream is where the proxy leads.
func (n Node) upstream() string { return cmp.Or(n.Upstream, n.Addr) }

// LinkConfig is what links are made from.
type LinkConfig struct {
	Nodes []Node
	// Toxiproxy is the URL of a foreign server; empty: one of our own, in this process.
	Toxiproxy string
	Seed      uint64
	Log       io.Writer // the Toxiproxy server's log; nil: none
	// Reset removes proxies that an earlier run left behind on a foreign
	// server; without it they are an error.
	Reset bool
	// Greet makes a connection to the node at addr ready for requests, where the
	// brokers want TLS or SASL; nil: it is ready. The connection's deadline bounds it.
	Greet func(ctx context.Context, c net.Conn, addr string) (net.Conn, error)
	// Adopt are proxies of the foreign server that stand there already and are to
	// be used; nil: the links make their own.
	Adopt []Proxy
	// Prefix begins the names of our proxies on a foreign server; empty: ackproof.
	Prefix string
}

// defaultPrefix begins the names of proxies that a run makes.
const defaultPrefix = "ackproof"

// Links leads every client connection through one proxy for each broker.
type Links struct {
	cfg    LinkConfig
	srv    *server
	links  []*link
	byAddr map[string]*link

	mu       sync.Mutex
	unmapped []string
	closed   bool
}

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// OpenLinks makes one proxy for each node. It starts a Toxiproxy server of our
// own, or uses the foreign one named.
func OpenLinks(ctx context.Context, cfg LinkConfig) (*Links, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = defaultPrefix
	}
	l := &Links{cfg: cfg, byAddr: map[string]*link{}}
	if err := l.checkNodes(); err != nil {
		return nil, err
	}
	listen, host, err := listenAddr(cfg.Toxiproxy)
	if err != nil {
		return nil, err
	}
	if cfg.Toxiproxy == "" {
		l.srv, err = startServer(cfg.Log)
	} else if l.srv, err = dialServer(ctx, cfg.Toxiproxy); err == nil {
		err = l.clearOld(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, node := range cfg.Nodes {
		k := newLink(l, node, listen, host)
		l.links, l.byAddr[node.Addr] = append(l.links, k), k
		begin := func() error { return k.create(ctx, shape{}) }
		if cfg.Adopt != nil {
			begin = func() error { return k.adopt(ctx) }
		}
		if err := begin(); err != nil {
			return nil, errors.Join(fmt.Errorf("open the link to %s: %w", node.Name, err), l.Close())
		}
	}
	return l, nil
}

// checkNodes refuses nodes that cannot be told apart.
func (l *Links) checkNodes() error {
	if len(l.cfg.Nodes) == 0 {
		return errors.New("open links: no nodes")
	}
	if !goodName.MatchString(l.cfg.Prefix) {
		return fmt.Errorf("open links: prefix %q: letters, digits, dots, dashes and underscores are allowed", l.cfg.Prefix)
	}
	names, addrs := map[string]bool{}, map[string]bool{}
	for _, n := range l.cfg.Nodes {
		if !goodName.MatchString(n.Name) {
			return fmt.Errorf("open links: node name %q: letters, digits, dots, dashes and underscores are allowed", n.Name)
		}
		if _, _, err := net.SplitHostPort(n.Addr); err != nil {
			return fmt.Errorf("open links: node %s: address %q is not host:port: %w", n.Name, n.Addr, err)
		}
		for _, a := range []string{n.upstream(), cmp.Or(n.Listen, n.Addr)} {
			if _, _, err := net.SplitHostPort(a); err != nil {
				return fmt.Errorf("open links: node %s: address %q is not host:port: %w", n.Name, a, err)
			}
		}
		if names[n.Name] || addrs[n.Addr] {
			return fmt.Errorf("open links: node %s at %s stands there twice", n.Name, n.Addr)
		}
		names[n.Name], addrs[n.Addr] = true, true
	}
	return nil
}

// CheckURL tells whether url can be the URL of a Toxiproxy server.
func CheckURL(url string) error {
	_, _, err := listenAddr(url)
	return err
}

// listenAddr says where proxies listen, and by which host they are reached: on
// the loopback interface where the server is on this machine.
func listenAddr(server string) (listen, host string, err error) {
	if server == "" {
		return "127.0.0.1:0", "127.0.0.1", nil
	}
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", "", fmt.Errorf("toxiproxy %q: want http://HOST:PORT", server)
	}
	host = u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return "127.0.0.1:0", "127.0.0.1", nil
	}
	return "0.0.0.0:0", host, nil
}

// clearOld refuses what an earlier run left behind, or removes it.
func (l *Links) clearOld(ctx context.Context) error {
	var old []string
	err := call(ctx, "list proxies", func() error {
		proxies, err := l.srv.api.Proxies()
		for name := range proxies {
			if strings.HasPrefix(name, l.cfg.Prefix+"-") {
				old = append(old, name)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(old)
	if len(old) > 0 && !l.cfg.Reset {
		return fmt.Errorf("toxiproxy at %s still has %s of an earlier run, or of one that is going on: pass --reset to remove them", l.srv.url, strings.Join(old, ", "))
	}
	for _, name := range old {
		err := call(ctx, "remove "+name, func() error {
			p, err := l.srv.api.Proxy(name)
			if err != nil {
				return err
			}
			return p.Delete()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Embedded says whether the Toxiproxy server is our own.
func (l *Links) Embedded() bool { return l.srv.own != nil || l.srv.kept }

// dialLimit bounds a dial to a proxy, which is always near.
const dialLimit = 5 * time.Second

// Dial is the clients' dialer: it leads the advertised address to its proxy. An
// address without a link is an error, never a way round the proxies.
func (l *Links) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	k := l.byAddr[addr]
	if k == nil {
		l.mu.Lock()
		if !slices.Contains(l.unmapped, addr) && len(l.unmapped) < 100 {
			l.unmapped = append(l.unmapped, addr)
		}
		l.mu.Unlock()
		return nil, fmt.Errorf("dial %s: no link leads there, and clients may not go round the links (links: %s)", addr, strings.Join(l.describe(), ", "))
	}
	d := net.Dialer{Timeout: dialLimit}
	return d.DialContext(ctx, network, k.address())
}

// Unmapped lists the addresses that clients asked for and no link leads to: a
// broker that the configuration does not know.
func (l *Links) Unmapped() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.unmapped)
}

// Leftovers names what stands on our proxies and is not ours: somebody else's
// toxics, or a proxy that was switched or removed behind our back. A run during
// which that happened proves nothing.
func (l *Links) Leftovers(ctx context.Context) ([]string, error) {
	var out []string
	for _, k := range l.links {
		found, err := k.leftovers(ctx)
		if err != nil {
			return out, fmt.Errorf("look for leftovers on the link to %s: %w", k.node.Name, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// Close removes our proxies, and our own server with them. Of a foreign server
// it touches nothing else. A second Close does nothing.
func (l *Links) Close() error {
	l.mu.Lock()
	done := l.closed
	l.closed = true
	l.mu.Unlock()
	if done {
		return nil
	}
	var errs []error
	for _, k := range l.links {
		errs = append(errs, k.close())
	}
	return errors.Join(append(errs, l.srv.stop())...)
}

// names lists the nodes.
func (l *Links) names() []string {
	out := make([]string, len(l.links))
	for i, k := range l.links {
		out[i] = k.node.Name
	}
	return out
}

// describe lists the links for an error.
func (l *Links) describe() []string {
	out := make([]string, len(l.links))
	for i, k := range l.links {
		out[i] = k.node.Name + " = " + k.node.Addr
	}
	return out
}

// link finds a node's link.
func (l *Links) link(node string) (*link, error) {
	for _, k := range l.links {
		if k.node.Name == node {
			return k, nil
		}
	}
	return nil, fmt.Errorf("no link to %s: there are %s", node, strings.Join(l.names(), ", "))
}
