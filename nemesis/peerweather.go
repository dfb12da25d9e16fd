package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Directions of a fault between nodes, seen from the nodes named.
const (
	In  = "in"  // what other nodes send to them
	Out = "out" // what they send to other nodes
)

// weather makes a fault between nodes of one on the clients' links.
func weather(name, doc string, base *Fault) Fault {
	return Fault{
		Name: name, Doc: doc, Family: OnPeers, Needs: []Need{NeedPeers}, Hits: HitsMinority,
		Hold: Hold{3 * time.Second, 8 * time.Second}, Clean: rejoin, InContract: true,
		Args: base.Args, Check: base.Check, Directions: []string{In, Out, Both},
		Inject: func(ctx context.Context, w *World, e Event) (Heal, error) { return injectWeather(ctx, w, e, base) },
		Watch: func(w *World, e Event, node string) Watch {
			return newWeatherWatch(w, e, node, base)
		},
	}
}

var (
	peerLatency = weather("peer-latency", "As latency, on the ways between the node and all others: out is what the node sends, in is what it is sent, whoever dialled.", &latency)

	peerBandwidth = weather("peer-bandwidth", "As bandwidth, on the ways between the node and all others: each connection passes rate_kBps.", &bandwidth)

	peerSlicer = weather("peer-slicer", "As slicer, on the ways between the node and all others.", &slicer)

	peerSlowClose = weather("peer-slow-close", "As slow-close, on the ways between the node and all others.", &slowClose)

	peerRetransmit = weather("peer-retransmit", "As retransmit, on the ways between the node and all others: packet loss as TCP shows it to the nodes.", &retransmit)
)

// facing says in which direction of a route the event acts, in the words of a
// link: upstream is from the node that dialled. Empty: not at all.
func (r Route) facing(e Event) string {
	out, in := e.Direction != In, e.Direction != Out
	from, to := slices.Contains(e.On, r.From), slices.Contains(e.On, r.To)
	up, down := from && out || to && in, from && in || to && out
	switch {
	case up && down:
		return Both
	case up:
		return Upstream
	case down:
		return Downstream
	}
	return ""
}

// injectWeather injects the base fault into the routes of the nodes.
func injectWeather(ctx context.Context, w *World, e Event, base *Fault) (Heal, error) {
	routes := map[string][]string{} // by direction
	for _, r := range w.Peers.routes {
		if d := r.facing(e); d != "" {
			routes[d] = append(routes[d], r.Name())
		}
	}
	peers := &World{Links: w.Peers.Links}
	var heals []Heal
	var errs []error
	for _, d := range anyDirection {
		if len(routes[d]) == 0 {
			continue
		}
		of := e
		of.Fault, of.On, of.Direction = base.Name, routes[d], d
		heal, err := base.Inject(ctx, peers, of)
		heals, errs = append(heals, heal), append(errs, err)
	}
	if len(heals) == 0 {
		errs = append(errs, errors.New("no link between nodes is on its way"))
	}
	return func(ctx context.Context) error {
		var errs []error
		for _, heal := range heals {
			errs = append(errs, heal(ctx))
		}
		return errors.Join(errs...)
	}, errors.Join(errs...)
}

// weatherWatch measures the ways that a node dials, one to each other node: as
// the node would, from where it would.
type weatherWatch struct {
	node string
	ways []way
}

// way is a watched route.
type way struct {
	Watch
	to      string
	healthy bool
}

// newWeatherWatch watches the first route to each other node.
func newWeatherWatch(w *World, e Event, node string, base *Fault) *weatherWatch {
	out := &weatherWatch{node: node}
	peers := &World{Links: w.Peers.Links}
	for _, r := range w.Peers.routes {
		if r.From != node || slices.ContainsFunc(out.ways, func(w way) bool { return w.to == r.To }) {
			continue
		}
		of := e
		of.Fault, of.On, of.Direction = base.Name, []string{r.Name()}, r.facing(e)
		out.ways = append(out.ways, way{Watch: base.Watch(peers, of, r.Name()), to: r.To})
	}
	return out
}

// of makes a route's probe one of the node.
func (w *weatherWatch) of(to string, probes []histories.Probe) []histories.Probe {
	for i := range probes {
		probes[i].Node = w.node
		probes[i].What += " to " + to
	}
	return probes
}

// Before measures every way; those that answer will be measured again.
func (w *weatherWatch) Before(ctx context.Context) histories.Probe {
	var last histories.Probe
	for i := range w.ways {
		p := w.ways[i].Before(ctx)
		w.ways[i].healthy = p.Satisfies
		if last.What == "" || p.Satisfies {
			last = w.of(w.ways[i].to, []histories.Probe{p})[0]
		}
	}
	return last
}

// During measures every way.
func (w *weatherWatch) During(ctx context.Context) ([]histories.Probe, error) {
	return w.measure(ctx, Watch.During)
}

// After measures every way.
func (w *weatherWatch) After(ctx context.Context) ([]histories.Probe, error) {
	return w.measure(ctx, Watch.After)
}

// measure measures the ways that were healthy before, all at once: a slow close
// takes seconds on each.
func (w *weatherWatch) measure(ctx context.Context, do func(Watch, context.Context) ([]histories.Probe, error)) ([]histories.Probe, error) {
	probes, errs := make([][]histories.Probe, len(w.ways)), make([]error, len(w.ways))
	var group sync.WaitGroup
	for i, way := range w.ways {
		if way.healthy {
			group.Go(func() { probes[i], errs[i] = do(way.Watch, ctx) })
		}
	}
	group.Wait()
	var out []histories.Probe
	for i, way := range w.ways {
		out = append(out, w.of(way.to, probes[i])...)
		if errs[i] != nil {
			return out, errs[i]
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no way to another node answered Kafka's protocol before, so that nothing can be measured", w.node)
	}
	return out, nil
}

// Close ends the connections that are kept.
func (w *weatherWatch) Close() {
	for _, way := range w.ways {
		way.Close()
	}
}
