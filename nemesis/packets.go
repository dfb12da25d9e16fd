package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// packetFault makes the row of a fault that drops packets between nodes.
func packetFault(name, doc string, args []Arg, share func(Event) float64) Fault {
	return Fault{
		Name: name, Doc: doc, Family: OnPackets, Needs: []Need{NeedPeers, NeedNetns}, Hits: HitsMinority,
		Hold: clusterHold, Clean: rejoin, InContract: true, Args: args, Directions: []string{In, Out, Both},
		Inject: func(ctx context.Context, w *World, e Event) (Heal, error) {
			r, err := newPacketRule(w.Peers, e, share(e))
			if err != nil {
				return func(context.Context) error { return nil }, err
			}
			return r.lift, r.lay(ctx)
		},
		Watch: func(w *World, e Event, node string) Watch {
			r, err := newPacketRule(w.Peers, e, share(e))
			return &packetWatch{member: newMember(w, e, node), rule: r, err: err}
		},
	}
}

var packetLoss = packetFault("packet-loss",
	"A share of the packets between the node and all others is dropped by nftables in the run's own network namespace, as a bad cable does: TCP itself sends them again. out is what the node sends, in is what it is sent.",
	[]Arg{{Name: "share", Unit: "of packets", Doc: "how many are dropped", Min: 0.05, Max: 0.3, Floor: 0.01, Ceil: 0.9, Step: 0.05}},
	func(e Event) float64 { return e.Args["share"] })

var packetDrop = packetFault("packet-drop",
	"Every packet between the node and all others is dropped by nftables in the run's own network namespace, as a pulled cable does: connections stand, nothing is acknowledged, and nobody can connect.",
	nil, func(Event) float64 { return 1 })

// packetWatch watches one node of a fault on packets: by the counters of the
// rule, by what TCP makes of it on the node's ways, and by the cluster's notice.
type packetWatch struct {
	member
	rule *packetRule
	err  error // there is no rule

	healthy []*link // ways that answered before
	usual   time.Duration
}

// lossShows is how much longer than before a question must take to show that a
// packet was lost: TCP waits 200 ms, or a second for the first one, before it
// sends again.
const lossShows = 150 * time.Millisecond

// ways are the ways that the node dials, one to each other node.
func (p *packetWatch) ways() []*link {
	var out []*link
	var to []string
	for i, r := range p.world.Peers.routes {
		if r.From == p.node && !slices.Contains(to, r.To) {
			out, to = append(out, p.world.Peers.links[i]), append(to, r.To)
		}
	}
	return out
}

// Before asks on every way, from where the node would.
func (p *packetWatch) Before(ctx context.Context) histories.Probe {
	p.look(ctx)
	q := p.probe(whenBefore, whatRoundTrip)
	for _, k := range p.ways() {
		d, n, err := k.roundTrip(ctx, patience)
		if q.Millis, q.Bytes, q.Error = millis(d), int64(n), short(err); err == nil {
			p.healthy, p.usual, q.Satisfies = append(p.healthy, k), max(p.usual, d), true
		}
	}
	return q
}

// During looks at the counters, asks on the ways until a question waits for a
// packet to be sent again, and asks what the cluster has noticed.
func (p *packetWatch) During(ctx context.Context) ([]histories.Probe, error) {
	if p.err != nil {
		return nil, p.err
	}
	if len(p.healthy) == 0 {
		return nil, fmt.Errorf("%s: no way to another node answered Kafka's protocol before, so that nothing can be measured", p.node)
	}
	took := since(&p.begun)
	count := p.probe(whenDuring, whatPackets)
	seen, dropped, err := p.rule.counted(ctx)
	count.Millis, count.Bytes, count.Error = took, dropped, fmt.Sprintf("dropped %d of %d", dropped, seen)
	if count.Satisfies = err == nil && dropped > 0; err != nil {
		count.Error = short(err)
	}
	out := []histories.Probe{count, p.shows(ctx)}
	if p.rule.share < 1 || !satisfied(out) {
		return out, nil
	}
	return append(out, p.noticed(ctx)...), nil
}

// shows asks on each way: with a loss one of them takes longer, without any
// packet none is answered.
func (p *packetWatch) shows(ctx context.Context) histories.Probe {
	q := p.probe(whenDuring, whatRoundTrip)
	for _, k := range p.healthy {
		limit := patience
		if p.rule.share == 1 {
			limit = silence
		}
		begin := time.Now()
		_, n, err := k.roundTrip(ctx, limit)
		d := time.Since(begin) // connecting included, which is what nobody answers
		q.Millis, q.Bytes, q.Error = millis(d), int64(n), short(err)
		switch {
		case p.rule.share == 1 && err == nil:
			q.Satisfies, q.Error = false, "it answers"
			return q
		case p.rule.share == 1: // a question that the end of the measurement cuts short proves nothing
			q.Satisfies = d >= limit*9/10
		case d >= p.usual+lossShows:
			q.Satisfies = true
			return q
		}
	}
	if !q.Satisfies && p.rule.share < 1 {
		q.Error = join(q.Error, "no question had to wait for a packet to be sent again")
	}
	return q
}

// After finds the rule gone, every way answering, and the node in sync.
func (p *packetWatch) After(ctx context.Context) ([]histories.Probe, error) {
	took := since(&p.healed)
	if p.err != nil {
		return nil, p.err
	}
	gone := p.probe(whenAfter, whatPackets)
	there, err := chains(ctx)
	gone.Millis = took
	if gone.Satisfies = err == nil && !slices.Contains(there, p.rule.name); err == nil {
		err = errors.New("no rule stands")
		if !gone.Satisfies {
			err = errors.New("the rule stands")
		}
	}
	gone.Error = err.Error()
	out := []histories.Probe{gone}
	for _, k := range p.healthy {
		q := p.probe(whenAfter, whatRoundTrip)
		d, n, err := k.roundTrip(ctx, patience)
		q.Millis, q.Bytes, q.Error, q.Satisfies = millis(d), int64(n), short(err), err == nil
		out = append(out, q)
	}
	if !satisfied(out) {
		pause(ctx)
		return out, nil
	}
	return append(out, p.recovered(ctx)...), nil
}

// Close has nothing to close.
func (p *packetWatch) Close() {}
