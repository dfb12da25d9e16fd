package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// stepWalk walks the steps of a scenario.
type stepWalk struct {
	r    *runner
	held []*heldFault
	next int // id of the next fault
}

// heldFault is a fault that acts until it is released.
type heldFault struct {
	id      int
	until   string // the step that heals it; empty: the next one
	release context.CancelFunc
	done    chan error
}

// walkSteps walks the steps one after the other. Faults are healed as the step
// begins that ends them, so that a phase before it holds nothing of the heal.
// When ctx ends, everything is healed and the walk is over.
func (r *runner) walkSteps(ctx context.Context) error {
	w := &stepWalk{r: r}
	var err error
	for _, s := range r.spec.Steps {
		if !r.enterWithin(ctx, s.Phase) {
			break
		}
		if err = w.release(s.Phase, false); err != nil {
			break
		}
		if err = w.step(ctx, s); err != nil {
			break
		}
	}
	if len(w.held) > 0 {
		r.enter(histories.PhaseHeal)
	}
	return errors.Join(err, w.release("", true))
}

// release heals the faults that end with the step, or all of them.
func (w *stepWalk) release(phase string, all bool) error {
	var kept []*heldFault
	var ending []*heldFault
	for _, h := range w.held {
		if all || h.until == "" || h.until == phase {
			h.release()
			ending = append(ending, h)
		} else {
			kept = append(kept, h)
		}
	}
	w.held = kept
	var errs []error
	for _, h := range ending {
		errs = append(errs, <-h.done)
	}
	return errors.Join(errs...)
}

// step begins the step's faults and waits for what ends it.
func (w *stepWalk) step(ctx context.Context, s Step) error {
	begin := time.Now()
	limited, cancel := context.WithDeadline(ctx, begin.Add(s.limit()))
	defer cancel()
	acks := w.r.counts.Acked.Load()
	leaders, err := w.leaders(limited, s)
	if err != nil {
		return err
	}
	ids := w.begin(ctx, s)
	err = w.await(limited, s, ids, acks, leaders)
	switch {
	case ctx.Err() != nil: // the user stops, or the harness fails elsewhere
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		w.r.remark(fmt.Sprintf("step %s ended at its limit of %v: %v", s.Phase, s.limit(), err))
		return nil
	}
	return err
}

// begin makes the faults of the step act.
func (w *stepWalk) begin(ctx context.Context, s Step) (ids []int) {
	for _, f := range s.Faults {
		e := f.event(w.next)
		w.next++
		// The hold outlives the walk's context: it ends when it is released.
		hold, release := context.WithCancel(context.WithoutCancel(ctx))
		h := &heldFault{id: e.ID, until: f.Until, release: release, done: make(chan error, 1)}
		go func() {
			err := w.r.nem.Hold(hold, e)
			w.r.bites.close(e.ID) // nothing more will be said of it
			h.done <- err
		}()
		w.held = append(w.held, h)
		ids = append(ids, e.ID)
	}
	return ids
}

// await waits for everything that the step waits for, each with a word for what
// was still missing at the limit.
func (w *stepWalk) await(ctx context.Context, s Step, ids []int, acks int64, leaders map[string]string) error {
	for _, id := range ids {
		if !w.r.bites.wait(ctx, id) {
			return fmt.Errorf("fault %d was not proven: %w", id, ctx.Err())
		}
	}
	proven := time.Now()
	if s.Whole { // at once: how long it takes is what a scenario wants to know
		w.r.awaitWhole(ctx)
	}
	if err := sleep(ctx, time.Duration(s.For)-time.Since(proven)); err != nil {
		return fmt.Errorf("its time was not over: %w", err)
	}
	for w.r.counts.Acked.Load()-acks < s.Acks {
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d records were acknowledged: %w", w.r.counts.Acked.Load()-acks, s.Acks, err)
		}
	}
	for s.LeaderChanged {
		now, err := w.leaders(ctx, s)
		if moved := movedLeaders(leaders, now); err == nil && len(moved) > 0 {
			w.r.remark("leaders changed: " + strings.Join(moved, ", "))
			break
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("no leader changed: %w", err)
		}
	}
	return nil
}

// leaders asks who leads each partition of the run's topics, where a step wants
// to know.
func (w *stepWalk) leaders(ctx context.Context, s Step) (map[string]string, error) {
	if !s.LeaderChanged {
		return nil, nil
	}
	admin := w.r.bed.world().Admin
	if admin == nil {
		return nil, &Refused{fmt.Errorf("step %s waits for another leader, and nobody can be asked who leads on %s", s.Phase, w.r.spec.Target)}
	}
	state, err := admin.State(ctx, w.r.topics...)
	if err != nil {
		return nil, fmt.Errorf("step %s: ask who leads: %w", s.Phase, err)
	}
	out := map[string]string{}
	for _, p := range state.Partitions {
		out[fmt.Sprintf("%s/%d", p.Topic, p.Partition)] = p.Leader
	}
	return out, nil
}

// movedLeaders lists the partitions that have another leader than before, in
// words. One that has none for the moment has not got another.
func movedLeaders(before, now map[string]string) (moved []string) {
	for name, leader := range now {
		if was := before[name]; leader != "" && was != "" && was != leader {
			moved = append(moved, fmt.Sprintf("%s from %s to %s", name, was, leader))
		}
	}
	return moved
}

// bites tells who waits for it that the nemesis has said of an event whether it
// bit.
type bites struct {
	mu   sync.Mutex
	said map[int]chan struct{}
}

// of returns the channel that is closed when the event's bite was spoken of.
func (b *bites) of(id int) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.said == nil {
		b.said = map[int]chan struct{}{}
	}
	if b.said[id] == nil {
		b.said[id] = make(chan struct{})
	}
	return b.said[id]
}

// saw takes an entry of the nemesis.
func (b *bites) saw(op *histories.Op) {
	if op.F != histories.Bite || op.Event == nil {
		return
	}
	b.close(op.Event.ID)
}

// close lets go on who waits for the event.
func (b *bites) close(id int) {
	ch := b.of(id)
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-ch:
	default:
		close(ch)
	}
}

// wait waits for the event; false where ctx ended first.
func (b *bites) wait(ctx context.Context, id int) bool {
	select {
	case <-b.of(id):
		return true
	case <-ctx.Done():
		return false
	}
}
