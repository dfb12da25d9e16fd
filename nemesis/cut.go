package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

// pair is a direction between two nodes: bytes from one to the other, whichever
// of them dialled.
type pair struct{ from, to string }

// cut lists the directions in which an event acts. nodes are all of the cluster's.
type cut func(e Event, nodes []string) []pair

// others are the nodes that are not listed.
func others(nodes, on []string) []string {
	return slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return slices.Contains(on, n) })
}

// apart cuts each of the nodes from every other one, in both directions.
func apart(e Event, nodes []string) []pair { return append(inward(e, nodes), outward(e, nodes)...) }

// inward is what comes to each of the nodes from any other.
func inward(e Event, nodes []string) []pair {
	var out []pair
	for _, to := range e.On {
		for _, from := range nodes {
			if from != to {
				out = append(out, pair{from, to})
			}
		}
	}
	return out
}

// outward is what each of the nodes sends to any other.
func outward(e Event, nodes []string) []pair {
	out := inward(e, nodes)
	for i, p := range out {
		out[i] = pair{p.to, p.from}
	}
	return out
}

// between are both directions between two groups.
func between(a, b []string) []pair {
	var out []pair
	for _, x := range a {
		for _, y := range b {
			out = append(out, pair{x, y}, pair{y, x})
		}
	}
	return out
}

// names lists the nodes between which there are routes.
func (p *Peers) names() []string {
	var out []string
	for _, r := range p.routes {
		for _, n := range []string{r.From, r.To} {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// sides says which directions of a route the pairs are: upstream is from the
// node that dialled.
func (r Route) sides(pairs []pair) (up, down bool) {
	return slices.Contains(pairs, pair{r.From, r.To}), slices.Contains(pairs, pair{r.To, r.From})
}

// onPeers makes the Inject of a fault between nodes: every route is given the
// shape in those of its directions that the cut names, all at the same time.
func onPeers(which cut, shaped func(up, down bool) shape) func(context.Context, *World, Event) (Heal, error) {
	return func(ctx context.Context, w *World, e Event) (Heal, error) {
		pairs := which(e, w.Peers.names())
		var links []*link
		shapes := map[*link]shape{}
		for i, r := range w.Peers.routes {
			if up, down := r.sides(pairs); up || down {
				k := w.Peers.links[i]
				links, shapes[k] = append(links, k), shaped(up, down)
			}
		}
		heal := func(ctx context.Context) error {
			return together(links, func(k *link) error { return w.Peers.layers.lift(ctx, k, e.ID) })
		}
		if len(links) == 0 {
			return heal, errors.New("no link between nodes is on its way")
		}
		return heal, together(links, func(k *link) error { return w.Peers.layers.lay(ctx, k, e.ID, shapes[k]) })
	}
}

// losing, holding and refusing are what a cut does to the directions it names.
func losing(up, down bool) shape  { return both(up, down, toxic.Params{Drop: true}) }
func holding(up, down bool) shape { return both(up, down, toxic.Params{Stall: true}) }
func refusing(_, _ bool) shape    { return shape{closed: true} }

// both is a shape with the same parameters in the directions named.
func both(up, down bool, p toxic.Params) (s shape) {
	if up {
		s.up = p
	}
	if down {
		s.down = p
	}
	return s
}

// renew builds the proxies on all routes of the nodes anew.
func (p *Peers) renew(ctx context.Context, nodes []string) error {
	var links []*link
	for i, r := range p.routes {
		if slices.Contains(nodes, r.From) || slices.Contains(nodes, r.To) {
			links = append(links, p.links[i])
		}
	}
	return together(links, func(k *link) error {
		if err := k.clear(ctx); err != nil {
			return fmt.Errorf("heal the way %s: %w", k.node.Name, err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.rebuild(ctx)
	})
}
