package nemesis

import (
	"context"
	"fmt"
	"strings"

	tc "github.com/Shopify/toxiproxy/v2/client"
)

// adopt makes the link lead through a proxy that stands on the foreign server
// already. It is never removed: for each fault it is deleted and made anew with
// its own name, listener and upstream, and at the end it stands there clean.
func (k *link) adopt(ctx context.Context) error {
	p, err := k.find(ctx)
	if err != nil {
		return err
	}
	k.name, k.listen, k.upstream = p.Name, p.Listen, p.Upstream
	k.adopted = true
	if s := standing(p); !s.Enabled || len(s.Toxics) > 0 {
		if !k.owner.cfg.Reset {
			return fmt.Errorf("%s: pass --reset to clean it", strings.Join(s.faults(s.Proxy), ", "))
		}
		return k.recreate(ctx, shape{})
	}
	k.proxy = p
	own, err := k.reached(p)
	if err != nil {
		return err
	}
	k.own = own
	k.at.Store(&own)
	return nil
}

// find looks for the proxy of the topology that leads to the node.
func (k *link) find(ctx context.Context) (*tc.Proxy, error) {
	for _, want := range k.owner.cfg.Adopt {
		if want.Carries == CarriesRaft || !want.Leads(k.node.upstream()) {
			continue
		}
		var p *tc.Proxy
		err := call(ctx, "look at "+want.Name, func() (err error) {
			p, err = k.srv.api.Proxy(want.Name)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%w: make it with ackproof proxies create", err)
		}
		if !want.Leads(p.Upstream) {
			return nil, fmt.Errorf("proxy %s leads to %s, not to %s: correct it, or the topology", p.Name, p.Upstream, want.Upstream)
		}
		return p, nil
	}
	var known []string
	for _, p := range k.owner.cfg.Adopt {
		known = append(known, p.Name+" → "+p.Upstream)
	}
	return nil, fmt.Errorf("no proxy leads to the broker at %s (there are %s): the brokers must be the ones that the proxies lead to", k.node.upstream(), strings.Join(known, ", "))
}
