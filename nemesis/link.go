package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/internal/seed"
	"github.com/ackproof/ackproof/nemesis/toxic"
)

// shape is what a link is made to do; the zero value passes everything on.
type shape struct {
	up, down toxic.Params // on our own server
	resets   bool         // on our own server new connections go through the resetter
	stock    []stock      // on a foreign one
	closed   bool         // the proxy's listener and connections are closed
}

// stock is one of Toxiproxy's own toxics.
type stock struct {
	kind, direction string
	attrs           tc.Attributes
}

// slot is the switch of one direction of a link on a server of ours: in this
// process, or in that of a cluster's keeper.
type slot interface {
	Number() int64
	Set(toxic.Params)
	Params() toxic.Params
	Counters() toxic.Counters
	Err() error // why the last call did not do what it should
	Free()
}

// link is the way to one node: a proxy, and on our own server two switches.
type link struct {
	owner *Links
	node  Node
	name  string // of the proxy
	// upstream is where the proxy leads, as its server writes it.
	upstream string
	adopted  bool   // the proxy is somebody's: it stays
	listen   string // where a new proxy listens
	host     string // by which its address is reached
	seed     seed.Seed

	at atomic.Pointer[string] // where dialers go now

	mu       sync.Mutex // one switch at a time
	srv      *server
	proxy    *tc.Proxy
	up, down slot              // our own server
	mark     [2]toxic.Counters // of up and down when the shape was put on
	own      string            // the proxy's own address
	resetter *resetter         // our own server, once a reset was asked for
	added    []string          // stock toxics that stand on the proxy now
	shape    shape
	broken   bool // a switch failed: nothing is known of the proxy, build it anew
	frozen   bool // a call was given up: keep away from its server
}

func newLink(owner *Links, node Node, listen, host string) *link {
	k := &link{
		owner: owner, node: node, srv: owner.srv, listen: listen, host: host,
		name: owner.cfg.Prefix + "-" + node.Name, upstream: node.upstream(),
		seed: seed.Seed(owner.cfg.Seed).Derive("link/" + node.Name),
	}
	if node.Listen != "" {
		k.listen = node.Listen
		k.host, _, _ = net.SplitHostPort(node.Listen) // checkNodes has seen it
	}
	if owner.srv.own != nil {
		k.up, k.down = toxic.NewSlot(), toxic.NewSlot()
	}
	none := ""
	k.at.Store(&none)
	return k
}

// address is where clients reach the proxy now.
func (k *link) address() string { return *k.at.Load() }

// create makes the proxy in the given shape. Toxics are added while it is
// disabled: nothing passes before they stand.
func (k *link) create(ctx context.Context, s shape) error {
	p := k.srv.api.NewProxy()
	p.Name, p.Listen, p.Upstream = k.name, k.listen, k.upstream
	if err := call(ctx, "create the proxy "+k.name, p.Save); err != nil {
		return err
	}
	k.proxy, k.added = p, nil
	if k.up != nil {
		if err := addControl(ctx, p, k.up, k.down); err != nil {
			return err
		}
	}
	if k.up == nil {
		if err := k.addStock(ctx, s.stock); err != nil {
			return err
		}
	}
	if s.closed {
		return nil
	}
	return k.enable(ctx)
}

// addControl adds the control toxic in both directions.
func addControl(ctx context.Context, p *tc.Proxy, up, down slot) error {
	add := func(direction string, s slot) error {
		return call(ctx, "add the control toxic to "+p.Name, func() error {
			_, err := p.AddToxic("control-"+direction, toxic.Type, direction, 1, tc.Attributes{"slot": s.Number()})
			return err
		})
	}
	if err := add(Upstream, up); err != nil {
		return err
	}
	return add(Downstream, down)
}

// enable opens the listener and notes its address. Where the port was taken
// meanwhile, another one does: dialers ask for it anew each time.
func (k *link) enable(ctx context.Context) error {
	err := call(ctx, "enable "+k.name, k.proxy.Enable)
	var refused *tc.ApiError // an answer: without one the call may still be under way
	if free := k.freeListen(); errors.As(err, &refused) && k.listen != free && !k.adopted {
		k.proxy.Listen = free
		err = call(ctx, "enable "+k.name, k.proxy.Enable)
	}
	if err != nil {
		return err
	}
	own, err := k.reached(k.proxy)
	if err != nil {
		return err
	}
	k.own, k.listen = own, k.proxy.Listen
	k.at.Store(&own)
	return nil
}

// reached is the address by which a proxy is reached from here.
func (k *link) reached(p *tc.Proxy) (string, error) {
	_, port, err := net.SplitHostPort(p.Listen)
	if err != nil {
		return "", fmt.Errorf("toxiproxy: %s listens on %q: %w", p.Name, p.Listen, err)
	}
	return net.JoinHostPort(k.host, port), nil
}

// freeListen is a listen address with a port of the server's choice, or the one
// that the node's peers were told of.
func (k *link) freeListen() string {
	if k.node.Listen != "" {
		return k.node.Listen
	}
	listen, _, _ := listenAddr(k.owner.cfg.Toxiproxy)
	return listen
}

// addStock adds stock toxics and remembers them.
func (k *link) addStock(ctx context.Context, list []stock) error {
	for _, s := range list {
		name := s.kind + "-" + s.direction
		k.added = append(k.added, name)
		err := call(ctx, "add "+name+" to "+k.name, func() error {
			_, err := k.proxy.AddToxic(name, s.kind, s.direction, 1, s.attrs)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// put gives the link a shape. After an error its state is unknown until clear.
func (k *link) put(ctx context.Context, s shape) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() { k.broken, k.frozen = k.broken || err != nil, k.frozen || errors.Is(err, errNoAnswer) }()
	k.shape = s
	if k.up == nil {
		if s.closed {
			return call(ctx, "disable "+k.name, k.proxy.Disable)
		}
		return k.recreate(ctx, s)
	}
	if s.resets {
		if err := k.reset(ctx, s); err != nil {
			return err
		}
	}
	// Both directions at the same moment, as near as two stores can be. What is
	// held downstream passes after the upstream cut, and is counted so.
	k.up.Set(s.up)
	k.mark[0], k.mark[1] = k.up.Counters(), k.down.Counters()
	k.down.Set(s.down)
	if err := errors.Join(k.up.Err(), k.down.Err()); err != nil {
		return err
	}
	if s.closed {
		return call(ctx, "disable "+k.name, k.proxy.Disable)
	}
	return nil
}

// since counts what happened in each direction since the shape was put on.
func (k *link) since() (up, down toxic.Counters) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.up.Counters().Sub(k.mark[0]), k.down.Counters().Sub(k.mark[1])
}

// clear makes the link pass everything on again. Where that fails the proxy is
// torn down and built anew. On a clean link it does nothing.
func (k *link) clear(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.shape
	k.shape = shape{}
	if k.up != nil {
		own := k.own // dialers read what they found, whatever becomes of ours
		k.at.Store(&own)
		k.resetter.end()
		k.up.Set(toxic.Params{})
		k.down.Set(toxic.Params{})
		if err := errors.Join(k.up.Err(), k.down.Err()); err != nil {
			return err
		}
	}
	if k.broken || k.up == nil && len(was.stock) > 0 {
		return k.rebuild(ctx)
	}
	if was.closed {
		if err := k.enable(ctx); err != nil {
			k.frozen = errors.Is(err, errNoAnswer)
			return k.rebuild(ctx)
		}
	}
	return nil
}

// leftovers names what stands on the proxy and is not ours.
func (k *link) leftovers(ctx context.Context) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var p *tc.Proxy
	err := call(ctx, "look at "+k.name, func() (err error) {
		p, err = k.srv.api.Proxy(k.name)
		return err
	})
	var refused *tc.ApiError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return []string{k.node.Name + ": its proxy " + k.name + " was removed"}, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, t := range p.ActiveToxics {
		if t.Type != toxic.Type && !slices.Contains(k.added, t.Name) {
			out = append(out, fmt.Sprintf("%s: toxic %s (%s, %s) on %s", k.node.Name, t.Name, t.Type, t.Stream, k.name))
		}
	}
	if !p.Enabled && !k.shape.closed {
		out = append(out, k.node.Name+": its proxy "+k.name+" was disabled")
	}
	if p.Upstream != k.upstream {
		out = append(out, fmt.Sprintf("%s: its proxy %s leads to %s instead of %s", k.node.Name, k.name, p.Upstream, k.upstream))
	}
	return out, nil
}

// close removes the proxy.
func (k *link) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.up != nil {
		k.up.Free()
		k.down.Free()
		k.resetter.free()
	}
	if k.srv.kept { // the proxy stays, clean
		if k.shape.closed || k.broken {
			return k.rebuild(context.Background())
		}
		return errors.Join(k.up.Err(), k.down.Err())
	}
	if k.proxy == nil || k.adopted && len(k.added) == 0 && !k.shape.closed && !k.broken {
		return nil
	}
	if k.adopted {
		return k.recreate(context.Background(), shape{})
	}
	err := k.remove(context.Background(), k.name) // what else is on our own server ends with it
	if k.srv != k.owner.srv {
		err = errors.Join(err, k.srv.stop())
	}
	return err
}
