package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// patience is how long a probe waits for the healthy answer of a broker.
const patience = time.Second

// watched is what every Watch of a link has in common.
type watched struct {
	link  *link
	event Event
	base  time.Duration // a healthy round trip; 0: there was none
	kept  *line         // opened before the fault
}

// watchLink begins a Watch. The node is known to have a link.
func watchLink(w *World, e Event, node string) watched {
	k, err := w.Links.link(node)
	if err != nil { // the runner has looked it up already
		panic("nemesis: " + err.Error())
	}
	return watched{link: k, event: e}
}

// probe begins a probe.
func (w *watched) probe(when, what string) histories.Probe {
	return histories.Probe{Node: w.link.node.Name, When: when, What: what}
}

// Before measures three round trips and keeps the connection.
func (w *watched) Before(ctx context.Context) histories.Probe {
	p := w.probe(whenBefore, whatRoundTrip)
	l, err := w.link.open(ctx, patience)
	if err != nil {
		p.Error = short(err)
		return p
	}
	w.kept = l
	for range 3 {
		n, d, err := l.ask(ctx, apiVersions(1), patience)
		if err != nil {
			p.Error = short(err)
			w.base = 0
			return p
		}
		if w.base == 0 || d < w.base {
			w.base, p.Millis, p.Bytes = d, millis(d), int64(n)
		}
	}
	p.Satisfies = true
	return p
}

// Close ends the kept connection.
func (w *watched) Close() {
	if w.kept != nil {
		w.kept.Close()
	}
}

// After asks over a fresh connection.
func (w *watched) After(ctx context.Context) ([]histories.Probe, error) {
	p := w.probe(whenAfter, whatRoundTrip)
	d, n, err := w.link.roundTrip(ctx, patience)
	p.Millis, p.Bytes, p.Error, p.Satisfies = millis(d), int64(n), short(err), err == nil
	if err != nil {
		if e := w.link.direct(ctx, patience); e != nil && ctx.Err() == nil {
			return []histories.Probe{p}, fmt.Errorf("%s: %w: %s", w.link.node.Name, errBroker, short(e))
		}
	}
	return []histories.Probe{p}, nil
}

// errNoHealth says that a slow link proves nothing where no fast one was seen.
var errNoHealth = errors.New("the healthy link could not be measured")

// timed watches a fault that makes something take longer.
type timed struct {
	watched
	what string
	// expect is the least time that the fault adds to what is measured.
	expect time.Duration
	// measure does it once; how many bytes came back.
	measure func(ctx context.Context, limit time.Duration) (time.Duration, int, error)
}

// Before measures the healthy link three times, and a few times more where a
// busy machine leaves it too slow to tell the fault by; the fastest counts.
func (t *timed) Before(ctx context.Context) histories.Probe {
	p := t.probe(whenBefore, t.what)
	for i := 0; i < 3 || i < 12 && t.expect < t.least() && ctx.Err() == nil; i++ {
		d, n, err := t.measure(ctx, patience)
		p.Error = short(err)
		if err == nil && (t.base == 0 || d < t.base) {
			t.base, p.Millis, p.Bytes = d, millis(d), int64(n)
		}
	}
	p.Satisfies = t.base > 0
	return p
}

// least is what a fault has to add to be told from the healthy link.
func (t *timed) least() time.Duration { return 2*t.base + 2*time.Millisecond }

// During measures twice; the faster one must be slow enough, so that a moment's
// noise is not taken for the fault.
func (t *timed) During(ctx context.Context) ([]histories.Probe, error) {
	p := t.probe(whenDuring, t.what)
	if t.base == 0 {
		return nil, fmt.Errorf("%s: %w", t.link.node.Name, errNoHealth)
	}
	for i := range 2 {
		d, n, err := t.measure(ctx, 3*t.expect+patience)
		if p.Error = short(err); err != nil {
			p.Millis = millis(d)
			return []histories.Probe{p}, nil
		}
		if i == 0 || millis(d) < p.Millis {
			p.Millis, p.Bytes = millis(d), int64(n)
		}
	}
	switch {
	case t.expect < t.least():
		p.Error = fmt.Sprintf("the fault promises %v, too little beside %v without it", t.expect, t.base.Round(10*time.Microsecond))
	default:
		p.Satisfies = p.Millis >= millis(t.expect*9/10)
	}
	return []histories.Probe{p}, nil
}

// After measures once: it must be well below what the fault makes of it.
func (t *timed) After(ctx context.Context) ([]histories.Probe, error) {
	p := t.probe(whenAfter, t.what)
	d, n, err := t.measure(ctx, patience+t.base)
	p.Millis, p.Bytes, p.Error = millis(d), int64(n), short(err)
	if err != nil {
		return t.watched.After(ctx)
	}
	p.Satisfies = d <= t.base+max(t.expect/2, 50*time.Millisecond)
	return []histories.Probe{p}, nil
}
