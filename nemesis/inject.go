package nemesis

import (
	"context"
	"errors"
	"sync"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/internal/seed"
	"github.com/ackproof/ackproof/nemesis/toxic"
)

// onLinks makes the Inject of a fault that gives each of its nodes' links a
// shape. All links are switched at the same time, and healed so.
func onLinks(make func(e Event) shape) func(context.Context, *World, Event) (Heal, error) {
	return func(ctx context.Context, w *World, e Event) (Heal, error) {
		var links []*link
		for _, node := range e.On {
			k, err := w.Links.link(node)
			if err != nil {
				return func(context.Context) error { return nil }, err
			}
			links = append(links, k)
		}
		heal := func(ctx context.Context) error { return together(links, func(k *link) error { return k.clear(ctx) }) }
		s := make(e)
		return heal, together(links, func(k *link) error {
			s := s
			s.up.Seed = draws(k.seed, e, Upstream)
			s.down.Seed = draws(k.seed, e, Downstream)
			return k.put(ctx, s)
		})
	}
}

// together does something to every link at the same time.
func together(links []*link, do func(*link) error) error {
	errs := make([]error, len(links))
	var group sync.WaitGroup
	for i, k := range links {
		group.Go(func() { errs[i] = do(k) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// draws is the seed of an event's random draws on one direction of a link.
func draws(s seed.Seed, e Event, direction string) uint64 {
	return uint64(s.Derive(e.Fault+"/"+direction).Worker("event", e.ID).Uint64())
}

// sided is a shape with the same parameters in each direction of the event,
// and Toxiproxy's own toxic of that kind on a foreign server.
func sided(e Event, p toxic.Params, kind string, attrs tc.Attributes) shape {
	var s shape
	up, down := e.sides()
	if up {
		s.up = p
		s.stock = append(s.stock, stock{kind, Upstream, attrs})
	}
	if down {
		s.down = p
		s.stock = append(s.stock, stock{kind, Downstream, attrs})
	}
	return s
}

// sidesOf counts the directions of an event.
func sidesOf(e Event) int {
	if e.Direction == Both {
		return 2
	}
	return 1
}

// anyDirection is what most faults allow.
var anyDirection = []string{Upstream, Downstream, Both}
