package nemesis

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// slowCluster takes its time to start a process again.
type slowCluster struct {
	*fakeCluster
	takes time.Duration
}

func (c slowCluster) Restart(ctx context.Context, name string) error {
	if !wait(ctx, c.takes) {
		return ctx.Err()
	}
	return c.fakeCluster.Restart(ctx, name)
}

// TestLongRecoveryKeepsTheOrder lets a node take longer to come back than the
// plan has it: what follows begins in the plan's order, one after the other, and
// never on the heels of the recovery.
func TestLongRecoveryKeepsTheOrder(t *testing.T) {
	c := newFakeCluster(t, 3)
	c.world.Processes = slowCluster{c, 1500 * time.Millisecond}
	h := &history{}
	var begun []int
	var healedAt time.Time
	n := New(Config{World: c.world, Log: t.Output(), Record: func(op *histories.Op) {
		h.record(op)
		switch {
		case op.F == histories.Inject:
			if begun = append(begun, op.Event.ID); op.Event.ID == 1 && time.Since(healedAt) < breath {
				t.Errorf("event 1 begins %v after the recovery", time.Since(healedAt))
			}
		case op.F == histories.Healed && op.Event.ID == 0:
			healedAt = time.Now()
		}
	}, Plan: Plan{
		{ID: 0, Fault: "kill", For: 100 * time.Millisecond, On: []string{"n1"}},
		{ID: 1, Fault: "pause", At: 500 * time.Millisecond, For: 600 * time.Millisecond, On: []string{"n2"}},
		{ID: 2, Fault: "latency", At: 700 * time.Millisecond, For: 300 * time.Millisecond, On: []string{"n3"}, Direction: Both, Args: map[string]float64{"latency_ms": 50}},
		{ID: 3, Fault: "isolate", At: 1200 * time.Millisecond, For: 600 * time.Millisecond, On: []string{"n3"}},
	}})
	if err := n.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(begun, []int{0, 1, 2, 3}) {
		t.Errorf("the events began in the order %v", begun)
	}
	for id := range 4 {
		if healed := h.of(t, histories.Healed, id); healed.Held == nil || !*healed.Held {
			t.Errorf("event %d is not healed: %s", id, healed.Why)
		}
	}
}

// TestLateEventsAreSkipped: what would end long after the plan is left out, and
// that is said.
func TestLateEventsAreSkipped(t *testing.T) {
	plan := Plan{
		{ID: 0, Fault: "kill", For: 10 * time.Second, On: []string{"n1"}},
		{ID: 1, Fault: "kill", At: 15 * time.Second, For: 10 * time.Second, On: []string{"n2"}},
		{ID: 2, Fault: "pause", At: 30 * time.Second, For: 12 * time.Second, On: []string{"n2"}},
	}
	over := make(chan struct{})
	close(over)
	w := walk{begin: time.Now().Add(-24 * time.Second), plan: plan, done: []chan struct{}{over, over, over}}
	if !w.await(t.Context(), 1) || w.late < 9*time.Second+breath || !w.fits(plan[1]) {
		t.Errorf("the second event: %v late, fits %t", w.late, w.fits(plan[1]))
	}
	if w.fits(plan[2]) {
		t.Errorf("the third event ends %v after the plan, and fits", w.late)
	}
	h := &history{}
	New(Config{World: World{Links: opened(t, LinkConfig{Nodes: brokers(t, 1)})}, Record: h.record}).skip(plan[2], w.late)
	if e := h.of(t, histories.Note, -1); !strings.Contains(e.Why, "event 2 (pause n2) was skipped") {
		t.Errorf("note %+v", e)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	w.done[1] = make(chan struct{})
	if w.await(stopped, 2) {
		t.Error("a walk that was stopped went on")
	}
}
