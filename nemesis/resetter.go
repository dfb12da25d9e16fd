package nemesis

import (
	"context"
	"errors"
	"net"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

// resetter is a second proxy to a node on our own server, whose connections end
// with a reset (RST) instead of a close. While a reset acts, new connections
// are led through it.
//
// Only Toxiproxy's reset_peer makes sockets reset on close, and only on
// connections opened while it stands; taking it off a proxy in use can freeze
// that proxy. So it stands on this one for good, with a toxicity of 0, which
// makes it pass everything on, in front of the control toxic, which decides
// when a connection ends.
type resetter struct {
	up, down *toxic.Slot
	address  string
}

// reset leads new connections through the link's resetter, in the shape.
func (k *link) reset(ctx context.Context, s shape) error {
	if k.resetter == nil {
		r, err := k.newResetter(ctx)
		if err != nil {
			return err
		}
		k.resetter = r
	}
	k.resetter.up.Set(s.up)
	k.resetter.down.Set(s.down)
	k.at.Store(&k.resetter.address)
	return nil
}

// newResetter makes the second proxy.
func (k *link) newResetter(ctx context.Context) (*resetter, error) {
	p := k.srv.api.NewProxy()
	p.Name, p.Listen, p.Upstream = k.name+"-reset", net.JoinHostPort(k.host, "0"), k.node.upstream()
	if err := call(ctx, "create the proxy "+p.Name, p.Save); err != nil {
		return nil, err
	}
	r := &resetter{up: toxic.NewSlot(), down: toxic.NewSlot()}
	err := call(ctx, "add reset_peer to "+p.Name, func() error {
		_, err := p.AddToxic("reset", "reset_peer", Upstream, 0, tc.Attributes{"timeout": 0})
		return err
	})
	if err == nil {
		err = addControl(ctx, p, r.up, r.down)
	}
	if err == nil {
		err = call(ctx, "enable "+p.Name, p.Enable)
	}
	if err == nil {
		r.address, err = k.reached(p)
	}
	if err != nil {
		r.free()
		return nil, errors.Join(err, k.remove(ctx, p.Name))
	}
	return r, nil
}

// end ends every connection through the resetter.
func (r *resetter) end() {
	if r != nil {
		r.up.Set(toxic.Params{Cut: true})
		r.down.Set(toxic.Params{Cut: true})
	}
}

// free gives its switches back.
func (r *resetter) free() {
	if r != nil {
		r.up.Free()
		r.down.Free()
	}
}
