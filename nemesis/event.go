package nemesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// event makes one event happen: measure, inject, prove, hold, heal, prove.
func (n *Nemesis) event(ctx context.Context, e Event, begin time.Time) error {
	f, ok := FindFault(e.Fault)
	if !ok {
		return fmt.Errorf("event %d: %w", e.ID, unknown(e.Fault, FaultNames(true), "the catalogue has"))
	}
	watches := make([]Watch, len(e.On))
	for i, node := range e.On {
		if _, err := n.world.Links.link(node); err != nil {
			return fmt.Errorf("event %d: %w", e.ID, err)
		}
		watches[i] = f.Watch(n.world, e, node)
		defer watches[i].Close()
	}
	before := make([]histories.Probe, len(watches))
	each(watches, func(i int, w Watch) { before[i] = w.Before(ctx) })
	if !wait(ctx, time.Until(begin.Add(e.At))) {
		return nil
	}
	entry := func() *histories.Event {
		return &histories.Event{ID: e.ID, Fault: e.Fault, On: e.On, Direction: e.Direction, Args: e.Args}
	}
	n.record(histories.Inject, entry())
	n.setActive(e, true)
	defer n.setActive(e, false)
	end := time.Now().Add(e.For)
	heal, err := f.Inject(ctx, n.world, e)
	bite := entry()
	if err != nil {
		bite.Why = "it could not be injected: " + err.Error()
	} else {
		bite.Held, bite.Proof, bite.Why = prove(ctx, end.Add(overtime), watches, before, Watch.During)
	}
	n.record(histories.Bite, bite)
	if err == nil {
		wait(ctx, time.Until(end))
	}
	return n.heal(ctx, e, entry, heal, watches)
}

// heal takes the event away, whether or not ctx has ended, and proves it gone.
func (n *Nemesis) heal(ctx context.Context, e Event, entry func() *histories.Event, heal Heal, watches []Watch) error {
	n.record(histories.Heal, entry())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+2*cleanLimit)
	defer cancel()
	healed := entry()
	if err := heal(ctx); err != nil {
		held := false
		healed.Held, healed.Why = &held, err.Error()
		n.record(histories.Healed, healed)
		return fmt.Errorf("heal event %d, %s: %w", e.ID, e, err)
	}
	healed.Held, healed.Proof, healed.Why = prove(ctx, time.Now().Add(cleanLimit), watches, nil, Watch.After)
	var err error
	if healed.Held != nil && !*healed.Held {
		// The switch says healed and the link says not: build it anew.
		var again *bool
		if err = n.rebuild(ctx, e); err == nil {
			var probes []histories.Probe
			again, probes, healed.Why = prove(ctx, time.Now().Add(cleanLimit), watches, nil, Watch.After)
			healed.Held, healed.Proof = again, append(healed.Proof, probes...)
		}
	}
	n.record(histories.Healed, healed)
	if err != nil {
		return fmt.Errorf("heal event %d, %s: %w", e.ID, e, err)
	}
	return nil
}

// rebuild builds the event's links anew. A broker that does not answer even
// without its link is not the harness's failure.
func (n *Nemesis) rebuild(ctx context.Context, e Event) error {
	for _, node := range e.On {
		k, err := n.world.Links.link(node)
		if err != nil {
			return err
		}
		if _, err := k.prove(ctx); err != nil && !errors.Is(err, errBroker) {
			return err
		}
	}
	return nil
}

// Why a fault can be neither proven nor refuted.
var (
	errNoTime    = errors.New("there was no time to measure it")
	errCancelled = errors.New("the walk was cancelled before it was proven")
)

// prove measures each watch again and again until it satisfies or the time is
// up. It returns whether all satisfied, or nil where that cannot be told, the
// probes (the given ones first), and why they do not prove it.
func prove(ctx context.Context, end time.Time, watches []Watch, first []histories.Probe,
	measure func(Watch, context.Context) ([]histories.Probe, error)) (*bool, []histories.Probe, string) {
	parent := ctx
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	type result struct {
		probes []histories.Probe
		ok     bool
		err    error
	}
	results := make([]result, len(watches))
	each(watches, func(i int, w Watch) {
		r := &results[i]
		for ctx.Err() == nil {
			probes, err := measure(w, ctx)
			ok := err == nil && satisfied(probes)
			if ctx.Err() != nil && !ok { // cut short: the last full measurement counts
				if r.probes == nil {
					r.probes, r.err = probes, errNoTime
				}
				break
			}
			r.probes, r.err, r.ok = probes, err, ok
			if ok || err != nil || !wait(ctx, again) {
				break
			}
		}
		if !r.ok && parent.Err() != nil {
			r.err = errCancelled
		}
	})
	held := true
	var why, untold string
	probes := first
	for _, r := range results {
		probes = append(probes, r.probes...)
		switch {
		case r.err != nil:
			untold = join(untold, r.err.Error())
		case len(r.probes) == 0:
			untold = join(untold, errNoTime.Error())
		case !r.ok:
			held = false
			why = join(why, describe(r.probes))
		}
	}
	if held && untold != "" {
		return nil, probes, untold
	}
	return &held, probes, join(why, untold)
}

// satisfied says whether every probe shows what the fault, or its absence, promises.
func satisfied(probes []histories.Probe) bool {
	for _, p := range probes {
		if !p.Satisfies {
			return false
		}
	}
	return len(probes) > 0
}

// describe says which probes do not satisfy.
func describe(probes []histories.Probe) string {
	var out string
	for _, p := range probes {
		if p.Satisfies {
			continue
		}
		s := fmt.Sprintf("%s: %s %s %.1f ms", p.Node, p.What, p.When, p.Millis)
		if p.Bytes > 0 {
			s += fmt.Sprintf(", %d bytes", p.Bytes)
		}
		if p.Error != "" {
			s += ", " + p.Error
		}
		out = join(out, s)
	}
	return out
}

// each does something for every watch at the same time.
func each(watches []Watch, do func(int, Watch)) {
	var group sync.WaitGroup
	for i, w := range watches {
		group.Go(func() { do(i, w) })
	}
	group.Wait()
}

// join puts two remarks into one.
func join(a, b string) string {
	if a == "" || b == "" || a == b {
		return a + strings.TrimPrefix(b, a)
	}
	return a + "; " + b
}

// remark is an entry as a line of the log.
func remark(f histories.F, e *histories.Event) string {
	what := map[histories.F]string{
		histories.Inject: "inject", histories.Bite: "bite", histories.Heal: "heal", histories.Healed: "healed",
	}[f]
	s := fmt.Sprintf("nemesis: %s %d %s on %s", what, e.ID, e.Fault, strings.Join(e.On, "+"))
	if e.Direction != "" {
		s += " " + e.Direction
	}
	if e.Held != nil {
		s += fmt.Sprintf(": %t", *e.Held)
	}
	if e.Why != "" {
		s += " (" + e.Why + ")"
	}
	return s
}
