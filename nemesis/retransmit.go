package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/nemesis/toxic"
)

var retransmit = Fault{
	Name: "retransmit",
	Doc:  "Packet loss as TCP shows it: a seeded share of chunks is held for a retransmission timeout of rto_ms, doubled each time it is lost again, and everything behind waits. Nothing is lost or reordered.",
	Args: []Arg{
		{Name: "share", Unit: "of chunks", Doc: "share of chunks lost on the first try", Min: 0.1, Max: 0.4, Floor: 0, Ceil: 0.95, Step: 0.05},
		{Name: "rto_ms", Unit: "ms", Doc: "first retransmission timeout", Min: 50, Max: 200, Floor: 1, Ceil: 60_000, Step: 10},
	},
	Directions: anyDirection,
	InContract: true,
	Needs:      []Need{NeedOwnServer},
	Inject: onLinks(func(e Event) shape {
		return sided(e, toxic.Params{Loss: e.Args["share"], RTO: e.millis("rto_ms")}, "", nil)
	}),
	Watch: func(w *World, e Event, node string) Watch {
		r := &lossy{watched: watchLink(w, e, node)}
		r.rto = e.millis("rto_ms")
		return r
	},
}

// lossy watches a fault that delays some of many round trips.
type lossy struct {
	watched
	rto time.Duration
}

// During asks until one round trip took a retransmission timeout longer, a few
// times in a row so that it ends; the runner asks again.
func (r *lossy) During(ctx context.Context) ([]histories.Probe, error) {
	p := r.probe(whenDuring, whatRoundTrip)
	if r.base == 0 {
		return nil, fmt.Errorf("%s: %w", r.link.node.Name, errNoHealth)
	}
	l, err := r.link.open(ctx, patience)
	if err != nil {
		p.Error = short(err)
		return []histories.Probe{p}, nil
	}
	defer l.Close()
	for range 10 {
		// An answer that is lost again and again takes longer than any window:
		// having waited three timeouts is as good a proof as the answer itself.
		n, d, err := l.ask(ctx, apiVersions(1), 3*r.rto)
		if p.Error = short(err); err != nil && (p.Error != "no answer" || d < r.rto) {
			return []histories.Probe{p}, nil
		}
		if millis(d) > p.Millis {
			p.Millis, p.Bytes = millis(d), int64(n)
		}
		if d >= r.rto*9/10 {
			break
		}
	}
	p.Satisfies = p.Millis >= millis(r.rto*9/10)
	// A busy machine makes slow round trips too: our own toxic knows what it held.
	up, down := r.link.since()
	q := r.probe(whenDuring, whatUpstream)
	if q.Bytes = up.Resent; q.Bytes == 0 {
		q.What, q.Bytes = whatDownstream, down.Resent
	}
	q.Error, q.Satisfies = "held for a retransmission", q.Bytes > 0
	return []histories.Probe{p, q}, nil
}

// After asks many times: not one round trip may take as long as a
// retransmission any more.
func (r *lossy) After(ctx context.Context) ([]histories.Probe, error) {
	p := r.probe(whenAfter, whatRoundTrip)
	l, err := r.link.open(ctx, patience)
	if err != nil {
		return r.watched.After(ctx)
	}
	defer l.Close()
	for range 10 {
		n, d, err := l.ask(ctx, apiVersions(1), patience)
		if err != nil {
			return r.watched.After(ctx)
		}
		if millis(d) > p.Millis {
			p.Millis, p.Bytes = millis(d), int64(n)
		}
	}
	p.Satisfies = p.Millis < millis(max(r.rto*9/10, 50*time.Millisecond))
	return []histories.Probe{p}, nil
}
