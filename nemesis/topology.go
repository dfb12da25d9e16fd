package nemesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	tc "github.com/Shopify/toxiproxy/v2/client"
)

// Proxy is a proxy that stands on a Toxiproxy server for good, by a name and
// address that people know.
type Proxy struct {
	Name     string `json:"name" yaml:"name"`
	Listen   string `json:"listen" yaml:"listen"`
	Upstream string `json:"upstream" yaml:"upstream"`
	Carries  string `json:"carries" yaml:"carries"` // kafka or raft
}

// What a proxy carries.
const (
	CarriesKafka = "kafka" // clients to a broker
	CarriesRaft  = "raft"  // brokers to a broker
)

// Topology is a set of proxies that belong together.
type Topology struct {
	Name, Doc string
	Proxies   []Proxy
}

// Topologies is the catalogue.
var Topologies = []Topology{
	{"guide", "The six proxies of Chronik's network chaos guide: 19092–19094 to the Kafka ports 9092–9094, " +
		"15001–15003 to the Raft ports 5001–5003. The Raft proxies carry nothing unless each node's own file names them as its peers' addresses.", guide()},
}

func guide() []Proxy {
	var out []Proxy
	for _, c := range []struct {
		carries        string
		listen, behind int
	}{{CarriesKafka, 19092, 9092}, {CarriesRaft, 15001, 5001}} {
		for i := range 3 {
			out = append(out, Proxy{
				Name:   fmt.Sprintf("chronik-node%d-%s", i+1, c.carries),
				Listen: fmt.Sprintf("127.0.0.1:%d", c.listen+i), Upstream: fmt.Sprintf("127.0.0.1:%d", c.behind+i),
				Carries: c.carries,
			})
		}
	}
	return out
}

// Validate says what is wrong with a proxy of the topology.
func (t Topology) Validate() error {
	names, ports := map[string]bool{}, map[string]bool{}
	for _, p := range t.Proxies {
		switch {
		case !goodName.MatchString(p.Name):
			return fmt.Errorf("proxy %q: a name has letters, digits, dots, dashes and underscores", p.Name)
		case names[p.Name]:
			return fmt.Errorf("proxy %s stands there twice", p.Name)
		case ports[p.Listen]:
			return fmt.Errorf("proxy %s: two proxies listen on %s", p.Name, p.Listen)
		case p.Carries != CarriesKafka && p.Carries != CarriesRaft:
			return fmt.Errorf("proxy %s carries %q: want %s or %s", p.Name, p.Carries, CarriesKafka, CarriesRaft)
		}
		for _, a := range []string{p.Listen, p.Upstream} {
			if _, _, err := net.SplitHostPort(a); err != nil {
				return fmt.Errorf("proxy %s: address %q: want HOST:PORT", p.Name, a)
			}
		}
		names[p.Name], ports[p.Listen] = true, true
	}
	if len(t.Proxies) == 0 {
		return errors.New("a topology has at least one proxy")
	}
	return nil
}

// Leads tells whether the proxy leads to the address; all names of the loopback
// interface are one.
func (p Proxy) Leads(addr string) bool { return sameAddr(p.Upstream, addr) }

func sameAddr(a, b string) bool {
	ah, ap, aerr := net.SplitHostPort(a)
	bh, bp, berr := net.SplitHostPort(b)
	if aerr != nil || berr != nil {
		return a == b
	}
	return ap == bp && (ah == bh || loopback(ah) && loopback(bh))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// Standing is a proxy as it stands on a server now.
type Standing struct {
	Proxy
	Enabled bool    `json:"enabled"`
	Toxics  []Toxic `json:"toxics"`
}

// Toxic is a toxic that stands on a proxy.
type Toxic struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Toxicity   float32        `json:"toxicity"`
	Attributes map[string]any `json:"attributes"`
}

// Server is a Toxiproxy server as people drive it by hand: with proxies that
// outlive every run.
type Server struct{ *server }

// Dial finds a running Toxiproxy server.
func Dial(ctx context.Context, url string) (Server, error) {
	s, err := dialServer(ctx, url)
	return Server{s}, err
}

// Version is what the server says of itself.
func (s Server) Version(ctx context.Context) (v string, err error) {
	err = call(ctx, "ask for the version", func() (err error) {
		var b []byte
		b, err = s.api.Version()
		v = strings.TrimSpace(string(b))
		return err
	})
	return v, err
}

// List lists the proxies on the server, by name.
func (s Server) List(ctx context.Context) ([]Standing, error) {
	var out []Standing
	err := call(ctx, "list proxies", func() error {
		all, err := s.api.Proxies()
		for _, p := range all {
			out = append(out, standing(p))
		}
		return err
	})
	slices.SortFunc(out, func(a, b Standing) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

func standing(p *tc.Proxy) Standing {
	s := Standing{Proxy: Proxy{Name: p.Name, Listen: p.Listen, Upstream: p.Upstream}, Enabled: p.Enabled, Toxics: []Toxic{}}
	for _, t := range p.ActiveToxics {
		s.Toxics = append(s.Toxics, Toxic{t.Name, t.Type, t.Stream, t.Toxicity, t.Attributes})
	}
	return s
}

// Create makes the proxies that are not there yet, and leaves those that are
// there as they should be. A proxy of the same name that leads elsewhere is an
// error: it may be somebody's.
func (s Server) Create(ctx context.Context, proxies []Proxy) (made []string, err error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range proxies {
		i := slices.IndexFunc(all, func(a Standing) bool { return a.Name == p.Name })
		if i >= 0 {
			if there := all[i]; !sameAddr(there.Listen, p.Listen) || !sameAddr(there.Upstream, p.Upstream) {
				return made, fmt.Errorf("proxy %s is there already and leads from %s to %s, not from %s to %s: delete it, or choose another name",
					p.Name, there.Listen, there.Upstream, p.Listen, p.Upstream)
			}
			continue
		}
		if err := s.make(ctx, p); err != nil {
			return made, err
		}
		made = append(made, p.Name)
	}
	return made, nil
}

func (s Server) make(ctx context.Context, p Proxy) error {
	return call(ctx, "create the proxy "+p.Name, func() error {
		_, err := s.api.CreateProxy(p.Name, p.Listen, p.Upstream)
		return err
	})
}

// Reset takes every toxic off these proxies and enables them, by deleting each
// such proxy and making it anew: taking a toxic off a proxy in use can freeze
// it (Toxiproxy issue 412). Their connections are closed by that. It returns
// which it made anew.
func (s Server) Reset(ctx context.Context, names ...string) (reset []string, err error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if len(names) > 0 && !slices.Contains(names, p.Name) || p.Enabled && len(p.Toxics) == 0 {
			continue
		}
		if err := s.remove(ctx, p.Name); err != nil {
			return reset, err
		}
		if err := s.make(ctx, p.Proxy); err != nil {
			return reset, err
		}
		reset = append(reset, p.Name)
	}
	return reset, nil
}

// Undo makes the server what it was before a run that could not do so itself:
// the proxies that the run made are removed, and those of somebody else's that it
// used stand there again, clean. before is the server as it was, used names those
// proxies. What else stands there is not touched.
func (s Server) Undo(ctx context.Context, before []Standing, used []string) error {
	now, err := s.List(ctx)
	if err != nil {
		return err
	}
	for _, p := range now {
		was := slices.ContainsFunc(before, func(b Standing) bool { return b.Name == p.Name })
		if was || !strings.HasPrefix(p.Name, defaultPrefix+"-") {
			continue
		}
		if err := s.remove(ctx, p.Name); err != nil {
			return err
		}
	}
	for _, p := range before {
		if !slices.Contains(used, p.Name) {
			continue
		}
		if _, err := s.Create(ctx, []Proxy{p.Proxy}); err != nil {
			return err
		}
		if _, err := s.Reset(ctx, p.Name); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a proxy; one that is gone already is no error.
func (s Server) remove(ctx context.Context, name string) error {
	err := call(ctx, "delete "+name, func() error {
		old := s.api.NewProxy()
		old.Name = name
		return old.Delete()
	})
	var refused *tc.ApiError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// Clean says what stands on the proxies that does not belong there: toxics, or
// that they are missing, disabled, or lead elsewhere.
func (s Server) Clean(ctx context.Context, proxies []Proxy) ([]string, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range proxies {
		i := slices.IndexFunc(all, func(a Standing) bool { return a.Name == p.Name })
		if i < 0 {
			out = append(out, p.Name+" is missing")
			continue
		}
		out = append(out, all[i].faults(p)...)
	}
	return out, nil
}

// faults says in what the proxy is not what it should be.
func (s Standing) faults(want Proxy) []string {
	var out []string
	if !sameAddr(s.Listen, want.Listen) || !sameAddr(s.Upstream, want.Upstream) {
		out = append(out, fmt.Sprintf("%s leads from %s to %s, not from %s to %s", s.Name, s.Listen, s.Upstream, want.Listen, want.Upstream))
	}
	if !s.Enabled {
		out = append(out, s.Name+" is disabled")
	}
	for _, t := range s.Toxics {
		out = append(out, fmt.Sprintf("%s has a left-over toxic: %s (%s, %s)", s.Name, t.Name, t.Type, t.Stream))
	}
	return out
}

// Serve starts a Toxiproxy server of our own whose API listens on addr,
// host:port. It knows Toxiproxy's own toxics, as any server does.
func Serve(addr string, log io.Writer) (Server, error) {
	s, err := startServerOn(addr, log)
	return Server{s}, err
}

// URL is where the server's API is.
func (s Server) URL() string { return s.url }

// Stop ends a server that was started by Serve.
func (s Server) Stop() error { return s.stop() }
