package nemesis

import (
	"context"
	"slices"
	"sync"
)

// layers lets cuts between nodes overlap: two nodes that are isolated one after
// the other have links in common, which stay cut until both are healed.
type layers struct {
	mu sync.Mutex
	on map[*link][]layer
}

// layer is what one event does to a link.
type layer struct {
	event int
	shape shape
}

// lay adds an event's shape to a link.
func (l *layers) lay(ctx context.Context, k *link, event int, s shape) error {
	l.mu.Lock()
	if l.on == nil {
		l.on = map[*link][]layer{}
	}
	l.on[k] = append(l.on[k], layer{event, s})
	sum := summed(l.on[k])
	l.mu.Unlock()
	return k.put(ctx, sum)
}

// lift takes an event's shape off a link. What other events do to it stays.
func (l *layers) lift(ctx context.Context, k *link, event int) error {
	l.mu.Lock()
	l.on[k] = slices.DeleteFunc(l.on[k], func(y layer) bool { return y.event == event })
	left := len(l.on[k])
	sum := summed(l.on[k])
	l.mu.Unlock()
	if left == 0 {
		return k.clear(ctx)
	}
	k.mu.Lock()
	same := !k.broken && k.shape.closed == sum.closed && k.shape.up == sum.up && k.shape.down == sum.down
	k.mu.Unlock()
	if same {
		return nil
	}
	// Connections that lost bytes must end before others are let through.
	if err := k.clear(ctx); err != nil {
		return err
	}
	return k.put(ctx, sum)
}

// summed is the shape of a link that several cuts have in common: what one of
// them does not let pass does not pass.
func summed(all []layer) (s shape) {
	for _, y := range all {
		s.closed = s.closed || y.shape.closed
		s.up.Drop, s.down.Drop = s.up.Drop || y.shape.up.Drop, s.down.Drop || y.shape.down.Drop
		s.up.Stall, s.down.Stall = s.up.Stall || y.shape.up.Stall, s.down.Stall || y.shape.down.Stall
	}
	return s
}
