package nemesis

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ackproof/ackproof/histories"
)

// brokers starts kfake and names its nodes.
func brokers(t testing.TB, n int) []Node {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(n))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var nodes []Node
	for i, a := range c.ListenAddrs() {
		nodes = append(nodes, Node{Name: fmt.Sprintf("n%d", i+1), Addr: a})
	}
	return nodes
}

// opened opens links and closes them with the test.
func opened(t testing.TB, cfg LinkConfig) *Links {
	t.Helper()
	l, err := OpenLinks(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// history collects what a nemesis records.
type history struct {
	mu  sync.Mutex
	ops []*histories.Op
}

func (h *history) record(op *histories.Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, op)
}

// of finds the entry of an event.
func (h *history) of(t *testing.T, f histories.F, id int) *histories.Event {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.ops, func(op *histories.Op) bool { return op.F == f && op.Event.ID == id })
	if i < 0 {
		t.Fatalf("event %d has no entry %d", id, f)
	}
	return h.ops[i].Event
}

// run walks a plan over links.
func run(t *testing.T, l *Links, p Plan) *history {
	t.Helper()
	h := &history{}
	n := New(Config{World: World{Links: l}, Plan: p, Record: h.record, Log: t.Output()})
	if err := n.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := n.Active(); len(a) > 0 {
		t.Errorf("after the run %v is active", a)
	}
	if err := n.Heal(t.Context()); err != nil {
		t.Error(err)
	}
	return h
}

// cases are faults that bite well within their time. They begin one after the
// other: what all of them measured at once would be the machine.
func cases() []Event {
	args := map[string]map[string]float64{
		"latency":    {"latency_ms": 150, "jitter_ms": 10},
		"bandwidth":  {"rate_kBps": 100},
		"timeout":    {"timeout_ms": 100},
		"slicer":     {"average_bytes": 128, "variation_bytes": 16, "delay_us": 2000},
		"slow-close": {"delay_ms": 200},
		"limit-data": {"limit_bytes": 4000},
		"retransmit": {"share": 0.3, "rto_ms": 50},
	}
	var out []Event
	for _, f := range Faults {
		if f.Family != OnLinks {
			continue
		}
		directions := f.Directions
		if len(directions) == 0 {
			directions = []string{""}
		}
		for _, d := range directions {
			out = append(out, Event{ID: len(out), At: time.Duration(len(out)) * 150 * time.Millisecond, For: 1500 * time.Millisecond, Fault: f.Name, On: []string{fmt.Sprintf("n%d", len(out)+1)}, Direction: d, Args: args[f.Name]})
		}
	}
	return out
}

// TestFaultsBiteAndHeal walks a plan with every fault in every direction, each
// on a node of its own: all must be proven, and leave nothing behind.
func TestFaultsBiteAndHeal(t *testing.T) {
	plan := cases()
	l := opened(t, LinkConfig{Nodes: brokers(t, len(plan)), Seed: 7, Log: t.Output()})
	h := run(t, l, plan)
	for _, e := range plan {
		t.Run(e.Fault+"/"+e.Direction, func(t *testing.T) {
			checkProven(t, h, e)
			var order []histories.F
			for _, op := range h.ops {
				if op.Event.ID == e.ID {
					order = append(order, op.F)
				}
			}
			if want := []histories.F{histories.Inject, histories.Bite, histories.Heal, histories.Healed}; !slices.Equal(order, want) {
				t.Errorf("entries %v, want %v", order, want)
			}
		})
	}
	if left, err := l.Leftovers(context.Background()); err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
}

// checkProven fails unless the event's bite and heal are proven.
func checkProven(t *testing.T, h *history, e Event) {
	t.Helper()
	for _, f := range []histories.F{histories.Bite, histories.Healed} {
		ev := h.of(t, f, e.ID)
		if ev.Held == nil || !*ev.Held {
			t.Errorf("%v not proven: %s", e, ev.Why)
		}
		for _, p := range ev.Proof {
			t.Logf("%+v", p)
		}
	}
}
