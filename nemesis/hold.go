package nemesis

import (
	"context"
	"time"
)

// Hold makes one event happen now and holds it until ctx is cancelled, or for
// as long as the event says; then it is healed and proven to be gone, whether
// or not ctx has ended. Events that are held at the same time must not share a
// node. An error is the harness's own: a fault that could not be taken away.
func (n *Nemesis) Hold(ctx context.Context, e Event) error {
	e.At = 0
	return n.event(ctx, e, time.Now())
}

// CheckEvent says which field of an event is wrong, and what is allowed. nodes
// are those that it may be on; nil where the cluster is not known yet.
func CheckEvent(e Event, nodes []string) (field string, err error) {
	return (&planParser{nodes: nodes, ids: map[int]bool{}}).judge(e)
}
