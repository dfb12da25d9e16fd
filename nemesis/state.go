package nemesis

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// stateCache keeps the cluster's last answer for a moment, so that the watches
// of one event do not ask a small cluster to death, and what events leave for
// their watches.
type stateCache struct {
	mu   sync.Mutex
	at   time.Time
	last histories.ClusterState
	err  error

	notes map[note]int64
}

// note is what an event did to a node.
type note struct {
	event int
	node  string
}

// note keeps a number for the event's watch.
func (c *stateCache) note(event int, node string, n int64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.notes == nil {
		c.notes = map[note]int64{}
	}
	c.notes[note{event, node}] = n
}

// noted returns it.
func (c *stateCache) noted(event int, node string) int64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notes[note{event, node}]
}

// state is what the cluster says of the run's topics, at most askAgain old.
func (w *World) state(ctx context.Context) (histories.ClusterState, error) {
	if w.Admin == nil {
		return histories.ClusterState{}, errors.New("nobody can be asked on this target")
	}
	if w.cache == nil {
		return w.ask(ctx)
	}
	w.cache.mu.Lock()
	defer w.cache.mu.Unlock()
	if time.Since(w.cache.at) < askAgain {
		return w.cache.last, w.cache.err
	}
	w.cache.last, w.cache.err = w.ask(ctx)
	w.cache.at = time.Now()
	return w.cache.last, w.cache.err
}

// stateLimit bounds one question to the cluster.
const stateLimit = 5 * time.Second

// ask asks the cluster.
func (w *World) ask(ctx context.Context) (histories.ClusterState, error) {
	ctx, cancel := context.WithTimeout(ctx, stateLimit)
	defer cancel()
	st, err := w.Admin.State(ctx, w.Topics...)
	if err == nil && st.Error != "" && len(st.Partitions) == 0 {
		err = errors.New(st.Error)
	}
	return st, err
}
