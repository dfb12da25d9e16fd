package nemesis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ackproof/ackproof/histories"
)

const (
	// breath is the least quiet between a recovery that made the walk late and
	// the next fault.
	breath = time.Second
	// lateness bounds how much later than planned the walk may end: an event that
	// would end after that is skipped. It is the greater of this and a tenth of
	// the plan's length.
	lateness = 10 * time.Second
)

// Run walks the plan; the events' times count from the call. It returns when
// the last event is healed and proven, or, once ctx is cancelled, when whatever
// is broken then is healed. An error is the harness's own: a fault that could
// not be taken away.
//
// Events begin in the plan's order. Where one has to wait for an earlier one,
// because a cluster took long to recover, all that follow come as much later as
// it does, so that faults never pile up; those that would end too late are
// skipped, which a note in the history says.
func (n *Nemesis) Run(ctx context.Context) error {
	if err := n.cfg.Plan.Check(n.world.Offer()); err != nil {
		return err
	}
	plan := slices.Clone(n.cfg.Plan)
	slices.SortStableFunc(plan, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	group, ctx := errgroup.WithContext(ctx)
	w := walk{begin: time.Now(), plan: plan, done: make([]chan struct{}, len(plan))}
	for i, e := range plan {
		done := make(chan struct{})
		w.done[i] = done
		if w.fits(e) && (!wait(ctx, time.Until(w.due(e).Add(-lead))) || !w.await(ctx, i)) {
			break
		}
		if !w.fits(e) {
			close(done)
			n.skip(e, w.late)
			continue
		}
		begin := w.begin.Add(w.late)
		group.Go(func() error {
			defer close(done)
			return n.event(ctx, e, begin)
		})
	}
	return group.Wait()
}

// walk is where the walk of a plan stands.
type walk struct {
	begin time.Time
	late  time.Duration // how much later than planned events begin by now
	plan  Plan          // in the order of its times
	done  []chan struct{}
}

// due is when the event begins, as things stand.
func (w *walk) due(e Event) time.Time { return w.begin.Add(e.At + w.late) }

// await waits for what must be over before the i-th event, proof and all, and
// makes everything later where that takes too long. It is false where ctx ended.
func (w *walk) await(ctx context.Context, i int) bool {
	e := w.plan[i]
	for j, o := range w.plan[:i] {
		if !follows(e, o) {
			continue
		}
		select {
		case <-w.done[j]:
		case <-ctx.Done():
			return false
		}
	}
	if behind := time.Since(w.due(e)); behind > 0 {
		w.late += behind
		if f := row(e.Fault); f != nil && f.Family != OnLinks {
			w.late += breath
		}
	}
	return true
}

// fits says whether the event still ends in time.
func (w *walk) fits(e Event) bool {
	var end time.Duration
	for _, o := range w.plan {
		end = max(end, o.At+o.For)
	}
	return e.At+e.For+w.late <= end+max(lateness, end/10)
}

// skip says that an event is left out.
func (n *Nemesis) skip(e Event, late time.Duration) {
	n.record(histories.Note, &histories.Event{ID: -1, Why: fmt.Sprintf(
		"event %d (%s) was skipped: the cluster's recoveries have made the walk of the plan %v late", e.ID, e, late.Round(100*time.Millisecond))})
}
