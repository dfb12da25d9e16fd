package nemesis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/nemesis/toxic"
)

// How a cut treats what it cuts.
type manner int

const (
	loses   manner = iota // bytes vanish
	holds                 // bytes wait for the heal
	refuses               // connections end, and new ones are refused
)

// cutWatch watches one node of a cut between nodes, by the counters of the
// control toxics on its routes and by what the cluster says.
type cutWatch struct {
	member
	pairs  []pair
	manner manner

	carried bool            // something flowed before
	first   *toxic.Counters // passed on when the heal was first looked at
}

// watchCut makes the Watch of a cut.
func watchCut(which cut, how manner) func(w *World, e Event, node string) Watch {
	return func(w *World, e Event, node string) Watch {
		c := &cutWatch{member: newMember(w, e, node), pairs: which(e, w.Peers.names()), manner: how}
		// A bridge is the node that is not cut: what it shows is everybody's.
		c.anyone = !slices.ContainsFunc(c.pairs, func(p pair) bool { return p.from == node || p.to == node })
		return c
	}
}

// routes calls do with each route that begins or ends at the node: which of its
// directions carries bytes out of the node, and whether they are cut.
func (c *cutWatch) routes(do func(k *link, r Route, dialled, cutOut, cutIn bool)) {
	for i, r := range c.world.Peers.routes {
		up, down := r.sides(c.pairs)
		switch {
		case c.node == r.From, c.anyone && (up || down):
			do(c.world.Peers.links[i], r, true, up, down)
		case c.node == r.To:
			do(c.world.Peers.links[i], r, false, down, up)
		}
	}
}

// Before keeps the cluster's state and sees whether the node's links carry
// anything at all.
func (c *cutWatch) Before(ctx context.Context) histories.Probe {
	c.look(ctx)
	p := c.probe(whenBefore, whatOut)
	c.routes(func(k *link, _ Route, _, _, _ bool) {
		p.Bytes += k.up.Counters().Out + k.down.Counters().Out
	})
	c.carried = p.Bytes > 0
	if p.Satisfies = c.carried; !p.Satisfies {
		p.Error = "nothing was ever sent"
	}
	return p
}

// During looks for bytes that were lost or are held, for bytes that flow in the
// directions that are not cut, and for the cluster's own notice.
func (c *cutWatch) During(ctx context.Context) ([]histories.Probe, error) {
	took := since(&c.begun)
	var out []histories.Probe
	if c.manner == refuses {
		out = append(out, c.dials(ctx)...)
	} else {
		out = append(out, c.counted(took)...)
	}
	if !satisfied(out) { // whether the cluster notices is asked once bytes prove it
		return out, nil
	}
	return append(out, c.noticed(ctx)...), nil
}

// counted shows by the counters what was cut and what flowed.
func (c *cutWatch) counted(took float64) []histories.Probe {
	var cut, flow [2]int64 // out, in
	var isCut [2]bool
	c.routes(func(k *link, _ Route, dialled, cutOut, cutIn bool) {
		if !cutOut && !cutIn {
			return
		}
		out, in := k.since()
		if !dialled {
			out, in = in, out
		}
		for i, s := range []struct {
			cut bool
			n   toxic.Counters
		}{{cutOut, out}, {cutIn, in}} {
			switch {
			case s.cut && c.manner == holds:
				isCut[i] = true
				cut[i] += max(0, s.n.Held())
			case s.cut:
				isCut[i] = true
				cut[i] += s.n.Dropped
			default:
				flow[i] += s.n.Out
			}
		}
	})
	var probes []histories.Probe
	what := [2]string{whatOut, whatIn}
	for i := range what {
		p := c.probe(whenDuring, what[i])
		p.Millis = took
		if isCut[i] {
			p.Bytes, p.Error = cut[i], "lost"
			if c.manner == holds {
				p.Error = "held"
			}
			// Where both are cut, no answer sets out any more: one is enough.
			p.Satisfies = cut[i] > 0 || isCut[1-i] && cut[1-i] > 0
			probes = append(probes, p)
		} else if isCut[1-i] {
			p.Bytes, p.Satisfies = flow[i], flow[i] > 0
			probes = append(probes, p)
		}
	}
	return probes
}

// dials dials what the node would dial: all must be refused.
func (c *cutWatch) dials(ctx context.Context) []histories.Probe {
	var out []histories.Probe
	c.routes(func(k *link, r Route, dialled, _, _ bool) {
		if !dialled {
			return
		}
		p := c.probe(whenDuring, whatDial)
		begin := time.Now()
		l, err := k.open(ctx, silence)
		p.Millis, p.Error = millis(time.Since(begin)), short(err)
		if p.Satisfies = err != nil; err == nil {
			l.Close()
			p.Error = "the way to " + r.To + " is open"
		}
		out = append(out, p)
	})
	return out
}

// After waits until bytes flow both ways again and the node is in sync.
func (c *cutWatch) After(ctx context.Context) ([]histories.Probe, error) {
	took := since(&c.healed)
	var now [2]int64
	c.routes(func(k *link, _ Route, dialled, _, _ bool) {
		out, in := k.up.Counters().Out, k.down.Counters().Out
		if !dialled {
			out, in = in, out
		}
		now[0], now[1] = now[0]+out, now[1]+in
	})
	if c.first == nil {
		c.first = &toxic.Counters{Out: now[0], In: now[1]}
	}
	if !c.carried {
		return c.open(ctx), nil
	}
	probes := []histories.Probe{c.probe(whenAfter, whatOut), c.probe(whenAfter, whatIn)}
	for i, was := range []int64{c.first.Out, c.first.In} {
		probes[i].Millis, probes[i].Bytes = took, now[i]-was
		probes[i].Satisfies = now[i] > was
	}
	if !satisfied(probes) {
		return probes, nil
	}
	return append(probes, c.recovered(ctx)...), nil
}

// open shows that the node's ways can be dialled, where nothing ever flowed that
// could show more.
func (c *cutWatch) open(ctx context.Context) []histories.Probe {
	out := c.dials(ctx)
	for i := range out {
		p := &out[i]
		p.When = whenAfter
		if p.Satisfies = !p.Satisfies; p.Satisfies {
			p.Error = ""
		} else {
			p.Error = fmt.Sprintf("it cannot be dialled: %s", p.Error)
		}
	}
	return out
}

// Close has nothing to close.
func (c *cutWatch) Close() {}
