package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	tc "github.com/Shopify/toxiproxy/v2/client"
)

// recreate deletes the proxy and makes it again in the shape: the only way to
// switch toxics on a server that is not ours and cannot freeze it.
func (k *link) recreate(ctx context.Context, s shape) error {
	if err := k.remove(ctx, k.name); err != nil {
		return err
	}
	return k.create(ctx, s)
}

// remove deletes a proxy; one that is gone already is no error.
func (k *link) remove(ctx context.Context, name string) error {
	p := k.srv.api.NewProxy() // k.proxy may still be in the hands of a call that was given up
	p.Name = name
	err := call(ctx, "delete "+name, p.Delete)
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
	var err error
	if k.up == nil {
		if err = k.recreate(ctx, shape{}); err != nil && !k.adopted {
			k.listen = k.freeListen()
			err = k.recreate(ctx, shape{})
		}
	} else {
		if err = errNoAnswer; !k.frozen {
			err = k.recreate(ctx, shape{})
		}
		if err != nil && !k.srv.kept { // another server of ours would end with this process
			err = k.move(ctx, err)
		}
	}
	if err != nil {
		return fmt.Errorf("rebuild the link to %s: %w", k.node.Name, err)
	}
	k.broken, k.frozen = false, false
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
	k.resetter.free()
	k.srv, k.listen, k.resetter = srv, k.freeListen(), nil
	return k.create(ctx, shape{})
}
