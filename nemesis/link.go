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
	stock    []stock      // on a foreign one
	stockOwn bool         // on our own server the stock toxics too
	closed   bool         // the proxy's listener and connections are closed
}

// stock is one of Toxiproxy's own toxics.
type stock struct {
	kind, direction string
	attrs           tc.Attributes
}

// link is the way to one node: a proxy, and on our own server two switches.
type link struct {
	owner  *Links
	node   Node
	name   string // of the proxy
	listen string // where a new proxy listens
	host   string // by which its address is reached
	seed   seed.Seed

	at atomic.Pointer[string] // the proxy's address, for dialers

	mu       sync.Mutex // one switch at a time
	srv      *server
	proxy    *tc.Proxy
	up, down *toxic.Slot       // our own server
	mark     [2]toxic.Counters // of up and down when the shape was put on
	added    []string          // stock toxics that stand on the proxy now
	shape    shape
	broken   bool // a switch failed: nothing is known of the proxy, build it anew
}

func newLink(owner *Links, node Node, listen, host string) *link {
	k := &link{
		owner: owner, node: node, srv: owner.srv, listen: listen, host: host,
		name: owner.cfg.Prefix + "-" + node.Name,
		seed: owner.cfg.Seed.Derive("link/" + node.Name),
	}
	if owner.Embedded() {
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
	p.Name, p.Listen, p.Upstream = k.name, k.listen, k.node.Addr
	if err := call(ctx, "create the proxy "+k.name, p.Save); err != nil {
		return err
	}
	k.proxy, k.added = p, nil
	if k.up != nil {
		for _, c := range []struct {
			direction string
			slot      *toxic.Slot
		}{{Upstream, k.up}, {Downstream, k.down}} {
			err := call(ctx, "add the control toxic to "+k.name, func() error {
				_, err := p.AddToxic("control-"+c.direction, toxic.Type, c.direction, 1, tc.Attributes{"slot": c.slot.ID})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	if k.up == nil || s.stockOwn {
		if err := k.addStock(ctx, s.stock); err != nil {
			return err
		}
	}
	if s.closed {
		return nil
	}
	return k.enable(ctx)
}

// enable opens the listener and notes its address. Where the port was taken
// meanwhile, another one does: dialers ask for it anew each time.
func (k *link) enable(ctx context.Context) error {
	err := call(ctx, "enable "+k.name, k.proxy.Enable)
	var refused *tc.ApiError // an answer: without one the call may still be under way
	if errors.As(err, &refused) && k.listen != k.owner.freeListen() {
		k.proxy.Listen = k.owner.freeListen()
		err = call(ctx, "enable "+k.name, k.proxy.Enable)
	}
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(k.proxy.Listen)
	if err != nil {
		return fmt.Errorf("toxiproxy: %s listens on %q: %w", k.name, k.proxy.Listen, err)
	}
	addr := net.JoinHostPort(k.host, port)
	k.at.Store(&addr)
	k.listen = k.proxy.Listen
	return nil
}

// freeListen is a listen address with a port of the server's choice.
func (l *Links) freeListen() string {
	listen, _, _ := listenAddr(l.cfg.Toxiproxy)
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
	defer func() { k.broken = k.broken || err != nil }()
	k.shape = s
	if k.up == nil {
		if s.closed {
			return call(ctx, "disable "+k.name, k.proxy.Disable)
		}
		return k.recreate(ctx, s)
	}
	// Both directions at the same moment, as near as two stores can be. What is
	// held downstream passes after the upstream cut, and is counted so.
	k.up.Set(s.up)
	k.mark[0], k.mark[1] = k.up.Counters(), k.down.Counters()
	k.down.Set(s.down)
	if s.closed {
		return call(ctx, "disable "+k.name, k.proxy.Disable)
	}
	if s.stockOwn {
		return k.addStock(ctx, s.stock)
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
		k.up.Set(toxic.Params{})
		k.down.Set(toxic.Params{})
	}
	if k.broken || k.up == nil && len(was.stock) > 0 {
		return k.rebuild(ctx)
	}
	for len(k.added) > 0 {
		name := k.added[0]
		if err := call(ctx, "remove "+name+" from "+k.name, func() error { return k.proxy.RemoveToxic(name) }); err != nil {
			return k.rebuild(ctx)
		}
		k.added = k.added[1:]
	}
	if was.closed && k.enable(ctx) != nil {
		return k.rebuild(ctx)
	}
	return nil
}

// recreate deletes the proxy and makes it again in the shape: the only way to
// switch toxics on a server that is not ours and cannot freeze it.
func (k *link) recreate(ctx context.Context, s shape) error {
	if err := k.remove(ctx); err != nil {
		return err
	}
	return k.create(ctx, s)
}

// remove deletes the proxy; one that is gone already is no error.
func (k *link) remove(ctx context.Context) error {
	p := k.srv.api.NewProxy() // k.proxy may still be in the hands of a call that was given up
	p.Name = k.name
	err := call(ctx, "delete "+k.name, p.Delete)
	var refused *tc.ApiError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// rebuild makes the link work again, whatever state its proxy is in: with a new
// proxy, then with one on another port, and where the server does not answer
// and is ours, on a new server.
func (k *link) rebuild(ctx context.Context) error {
	k.broken = true
	err := k.recreate(ctx, shape{})
	if err != nil && k.up == nil {
		k.listen = k.owner.freeListen()
		err = k.recreate(ctx, shape{})
	}
	if err != nil && k.up != nil {
		err = k.move(ctx, err)
	}
	if err != nil {
		return fmt.Errorf("rebuild the link to %s: %w", k.node.Name, err)
	}
	k.broken = false
	return nil
}

// move gives the link a server of its own. The old one goes on for the other
// links, if it can, and is ended with them.
func (k *link) move(ctx context.Context, why error) error {
	srv, err := startServer(k.owner.cfg.Log)
	if err != nil {
		return errors.Join(why, err)
	}
	if k.srv != k.owner.srv {
		go k.srv.stop()
	}
	k.srv, k.listen = srv, k.owner.freeListen()
	return k.create(ctx, shape{})
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
	if p.Upstream != k.node.Addr {
		out = append(out, fmt.Sprintf("%s: its proxy %s leads to %s instead of %s", k.node.Name, k.name, p.Upstream, k.node.Addr))
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
	}
	if k.proxy == nil {
		return nil
	}
	err := k.remove(context.Background())
	if k.srv != k.owner.srv {
		err = errors.Join(err, k.srv.stop())
	}
	return err
}
