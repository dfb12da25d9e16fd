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
	f := row(e.Fault)
	if f == nil {
		return fmt.Errorf("event %d: %w", e.ID, unknown(e.Fault, everyName(), "the catalogue has"))
	}
	if err := (Plan{e}).Check(n.world.Offer()); err != nil {
		return err
	}
	var asked []string
	if anySymbol(e.On) { // who is meant may change until the event begins
		if !wait(ctx, time.Until(begin.Add(e.At))) {
			return nil
		}
		on, err := n.world.resolve(ctx, e)
		if err != nil {
			n.unresolved(e, err)
			return nil
		}
		asked, e.On = e.On, on
	}
	a := &acting{Event: e, asked: asked, watches: make([]Watch, len(e.On)), before: make([]histories.Probe, len(e.On))}
	for i, node := range e.On {
		if _, err := n.world.Links.link(node); err != nil {
			return fmt.Errorf("event %d: %w", e.ID, err)
		}
		a.watches[i] = f.Watch(n.world, e, node)
		defer a.watches[i].Close()
	}
	each(a.watches, func(i int, w Watch) { a.before[i] = w.Before(ctx) })
	if !wait(ctx, time.Until(begin.Add(e.At))) {
		return nil
	}
	return n.act(ctx, f, a)
}

// acting is an event while it happens.
type acting struct {
	Event
	asked   []string // the nodes as the plan names them; nil: as they are
	watches []Watch
	before  []histories.Probe
}

// entry begins an entry of the history.
func (a *acting) entry() *histories.Event {
	return &histories.Event{ID: a.ID, Fault: a.Fault, On: a.On, Asked: a.asked, Direction: a.Direction, Args: a.Args}
}

// unresolved says in the history that nobody could tell whom an event means:
// nothing was broken, and nothing is there to heal.
func (n *Nemesis) unresolved(e Event, err error) {
	a := &acting{Event: e, asked: e.On}
	a.On = nil
	n.record(histories.Inject, a.entry())
	bite := a.entry()
	bite.Why = err.Error()
	n.record(histories.Bite, bite)
	n.record(histories.Heal, a.entry())
	healed, held := a.entry(), true
	healed.Held = &held
	n.record(histories.Healed, healed)
}

// act injects, proves and holds the fault, and takes it away.
func (n *Nemesis) act(ctx context.Context, f *Fault, a *acting) error {
	n.record(histories.Inject, a.entry())
	n.setActive(a.Event, true)
	defer n.setActive(a.Event, false)
	end := time.Now().Add(a.For)
	heal, err := f.Inject(ctx, n.world, a.Event)
	bite := a.entry()
	if err != nil {
		bite.Why = "it could not be injected: " + err.Error()
	} else {
		limit := end.Add(overtime)
		if least := time.Now().Add(overtime); limit.Before(least) { // an injection that takes its time
			limit = least
		}
		bite.Held, bite.Proof, bite.Why = prove(ctx, limit, a.watches, a.before, Watch.During)
	}
	n.record(histories.Bite, bite)
	if err == nil {
		wait(ctx, time.Until(end))
	}
	return n.heal(ctx, f, a, heal)
}

// heal takes the event away, whether or not ctx has ended, and proves it gone.
func (n *Nemesis) heal(ctx context.Context, f *Fault, a *acting, heal Heal) error {
	n.record(histories.Heal, a.entry())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+3*f.clean())
	defer cancel()
	healed := a.entry()
	if err := heal(ctx); err != nil {
		held := false
		healed.Held, healed.Why = &held, err.Error()
		n.record(histories.Healed, healed)
		return fmt.Errorf("heal event %d, %s: %w", a.ID, a.Event, err)
	}
	proven := func() (*bool, []histories.Probe, string) {
		return prove(ctx, time.Now().Add(f.clean()), a.watches, nil, Watch.After)
	}
	healed.Held, healed.Proof, healed.Why = proven()
	var err error
	if healed.Held != nil && !*healed.Held {
		// The switch says healed and the world says not: build it anew.
		if err = n.rebuild(ctx, f, a.Event, heal); err == nil {
			var probes []histories.Probe
			healed.Held, probes, healed.Why = proven()
			healed.Proof = append(healed.Proof, probes...)
		}
	}
	n.record(histories.Healed, healed)
	if err != nil {
		return fmt.Errorf("heal event %d, %s: %w", a.ID, a.Event, err)
	}
	return nil
}

// rebuild builds anew what the event acted upon. A broker that does not answer
// even without its link is not the harness's failure.
func (n *Nemesis) rebuild(ctx context.Context, f *Fault, e Event, heal Heal) error {
	switch f.acts() {
	case actsOnLink:
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
	case actsOnPeers:
		return n.world.Peers.renew(ctx, e.On)
	}
	return heal(ctx)
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
	var why, untold, late string
	probes := first
	for _, r := range results {
		probes = append(probes, r.probes...)
		switch {
		case !r.ok && (r.err == nil || errors.Is(r.err, errNoTime)) && recovering(r.probes):
			late = join(late, "gone, but the cluster has not recovered: "+describe(r.probes))
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
	return &held, probes, join(join(why, untold), late)
}

// recovering says whether all that is missing after a heal is the cluster's own
// recovery. That is the brokers' business: what acts on them is gone.
func recovering(probes []histories.Probe) bool {
	for _, p := range probes {
		if !p.Satisfies && !(p.When == whenAfter && ofCluster(p.What)) {
			return false
		}
	}
	return len(probes) > 0
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
	if f == histories.Note {
		return "nemesis: " + e.Why
	}
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
