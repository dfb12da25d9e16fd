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

// Heal takes away whatever may be left of any fault: cuts between nodes, ended
// and paused processes, faults on the clients' links, dropped packets. It proves
// that each is gone, makes the preferred replicas lead again, and records all of
// it, whether or not ctx has ended. It may be called at any time after Run has
// returned, and again. An error is something that could not be taken away.
func (n *Nemesis) Heal(ctx context.Context) error {
	limit := healLimit + cleanLimit
	if n.world.Processes != nil {
		limit += restartClean
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	nodes := n.world.Links.names()
	n.record(histories.Heal, &histories.Event{ID: -1, On: nodes})
	f := &finalHeal{world: n.world, event: &histories.Event{ID: -1, On: nodes}}
	f.packets(ctx)
	f.peers(ctx)
	f.processes(ctx)
	f.links(ctx)
	f.leaders(ctx)
	if held := len(f.failed) == 0; !held || f.event.Why == "" {
		f.event.Held = &held
	}
	n.record(histories.Healed, f.event)
	return errors.Join(f.failed...)
}

// finalHeal is the heal of everything.
type finalHeal struct {
	world *World
	event *histories.Event

	mu     sync.Mutex
	failed []error
}

// note adds what one part of the heal has shown. An error of a broker's is said
// and is not the harness's failure.
func (f *finalHeal) note(err error, probes ...histories.Probe) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.event.Proof = append(f.event.Proof, probes...)
	if err == nil {
		return
	}
	f.event.Why = join(f.event.Why, err.Error())
	if !errors.Is(err, errBroker) {
		f.failed = append(f.failed, err)
	}
}

// packets lets every packet pass.
func (f *finalHeal) packets(ctx context.Context) {
	if !f.world.Netns {
		return
	}
	if err := dropRules(ctx); err != nil {
		f.note(fmt.Errorf("let packets pass again: %w", err))
	}
}

// peers opens every way between nodes.
func (f *finalHeal) peers(ctx context.Context) {
	p := f.world.Peers
	if p == nil {
		return
	}
	var group sync.WaitGroup
	for _, k := range p.links {
		group.Go(func() {
			err := k.clear(ctx)
			if err == nil {
				err = k.dialled(ctx)
			}
			if err != nil { // the switch, or the proxy, does not do what it should
				k.mu.Lock()
				err = k.rebuild(ctx)
				k.mu.Unlock()
			}
			if err == nil {
				err = k.dialled(ctx)
			}
			if err != nil {
				f.note(fmt.Errorf("heal the way %s: %w", k.node.Name, err))
			}
		})
	}
	group.Wait()
}

// dialled shows that the link's proxy takes connections.
func (k *link) dialled(ctx context.Context) error {
	l, err := k.open(ctx, cleanLimit)
	if err != nil {
		return err
	}
	return l.Close()
}

// processes lets every process go on, and starts those that do not run.
func (f *finalHeal) processes(ctx context.Context) {
	p := f.world.Processes
	if p == nil {
		return
	}
	err := nodesAtOnce(f.world.Links.names(), func(node string) error {
		begin := time.Now()
		probe := histories.Probe{Node: node, When: whenAfter, What: whatPID}
		var err error
		if p.PID(node) != 0 {
			err = p.Resume(ctx, node)
		}
		if err == nil && p.PID(node) == 0 {
			err = p.Restart(ctx, node)
		}
		probe.Millis, probe.Error, probe.Satisfies = millis(time.Since(begin)), short(err), err == nil
		f.note(nil, probe)
		if err != nil {
			return fmt.Errorf("bring %s back: %w", node, err)
		}
		return nil
	})
	f.note(err)
}

// links heals every client link and proves it clean.
func (f *finalHeal) links(ctx context.Context) {
	links := f.world.Links.links
	proof, errs := make([]histories.Probe, len(links)), make([]error, len(links))
	var group sync.WaitGroup
	for i, l := range links {
		group.Go(func() { proof[i], errs[i] = l.prove(ctx) })
	}
	group.Wait()
	f.note(nil, proof...)
	for _, err := range errs {
		f.note(err)
	}
}

// leadLimit bounds how long the preferred replicas may take to lead again.
const leadLimit = 10 * time.Second

// leaders makes the preferred replicas lead that are in sync. Where that does
// not come about, the probe says so: it is nothing that was left broken.
func (f *finalHeal) leaders(ctx context.Context) {
	if f.world.Admin == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leadLimit)
	defer cancel()
	begin := time.Now()
	probe := histories.Probe{Node: f.event.On[0], When: whenAfter, What: whatLeader}
	_ = f.world.whole(ctx, leadLimit/2) // whoever is not in sync cannot lead
	st, err := f.world.ask(ctx)
	for _, p := range st.Partitions {
		if len(p.Replicas) > 0 && p.Leader != p.Replicas[0] && slices.Contains(p.ISR, p.Replicas[0]) {
			err = errors.Join(err, f.world.lead(ctx, p, p.Replicas[0]))
		}
	}
	probe.Millis, probe.Error, probe.Satisfies = millis(time.Since(begin)), short(err), err == nil
	f.note(nil, probe)
}
