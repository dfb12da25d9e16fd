// Package nemesis breaks: it draws a plan purely from a seed, walks it,
// injects and heals reversibly, and proves that each fault bit and healed.
//
// Clients reach the brokers through Links, one Toxiproxy proxy for each broker.
// The faults are the catalogue Faults; a plan is a list of them with times,
// nodes and parameters. Every event leaves four entries in the history: inject,
// bite, heal and healed, the second and fourth with the probes that prove them.
package nemesis

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Config is what a Nemesis works with.
type Config struct {
	World World
	Plan  Plan
	// Record takes the nemesis' entries; index and time are the recorder's to
	// give. It is called by one goroutine at a time.
	Record func(*histories.Op)
	Log    io.Writer // remarks for people; nil: none
}

// Nemesis walks a plan once.
type Nemesis struct {
	cfg   Config
	world *World

	mu     sync.Mutex // guards Record and active
	active map[int]Event
}

// Heal takes a fault away again. It may be called more than once.
type Heal func(ctx context.Context) error

// Watch measures one node's link for one event: before, during and after.
type Watch interface {
	// Before measures the healthy link.
	Before(ctx context.Context) histories.Probe
	// During measures once while the fault acts. The fault bit where every
	// probe satisfies. An error says that no probe can show it.
	During(ctx context.Context) ([]histories.Probe, error)
	// After measures once after the heal. The fault is gone where every probe
	// satisfies. An error says that no probe can show it.
	After(ctx context.Context) ([]histories.Probe, error)
	// Close ends the connections that are kept for measuring.
	Close()
}

const (
	// lead is how long before an event its healthy measurements begin.
	lead = 400 * time.Millisecond
	// healLimit bounds one heal, retries and rebuild included.
	healLimit = 10 * time.Second
	// cleanLimit bounds the proof that a fault is gone.
	cleanLimit = 3 * time.Second
	// overtime is how much longer than planned a fault may last while its bite
	// is not proven yet, as on a busy machine.
	overtime = 2 * time.Second
	// again is the pause between two attempts at a proof.
	again = 20 * time.Millisecond
)

// New returns a nemesis for the plan.
func New(cfg Config) *Nemesis {
	cfg.World.cache = &stateCache{}
	n := &Nemesis{cfg: cfg, active: map[int]Event{}}
	n.cfg.World.hit = n.missing
	n.world = &n.cfg.World
	return n
}

// Active lists the faults that act now, for a status line.
func (n *Nemesis) Active() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := make([]int, 0, len(n.active))
	for id := range n.active {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = n.active[id].String()
	}
	return out
}

// missing lists the nodes that the cluster has to do without now.
func (n *Nemesis) missing() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, e := range n.active {
		if f := row(e.Fault); f != nil && (f.Family == OnCuts || f.Family == OnCrashes || f.Family == OnProcess) {
			out = append(out, e.On...)
		}
	}
	return out
}

// setActive notes that an event acts, or no longer does.
func (n *Nemesis) setActive(e Event, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if on {
		n.active[e.ID] = e
	} else {
		delete(n.active, e.ID)
	}
}

// record writes one entry of the nemesis.
func (n *Nemesis) record(f histories.F, e *histories.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cfg.Log != nil {
		fmt.Fprintln(n.cfg.Log, remark(f, e))
	}
	if n.cfg.Record != nil {
		n.cfg.Record(&histories.Op{Process: histories.Nemesis, Type: histories.Info, F: f, Event: e})
	}
}

// wait waits for d; false where ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// share says whether two lists have a name in common.
func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
