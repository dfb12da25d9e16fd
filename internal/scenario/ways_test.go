//go:build linux

package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// socketEvery is the pause between two looks at the kernel's socket table. A
// connection that is accepted stands in it for as long as it lasts.
const socketEvery = 100 * time.Millisecond

// ways notes which ways the nodes of a cluster are seen to take to each other.
type ways struct {
	nodes []target.Node
	procs nemesis.Processes

	mu     sync.Mutex
	led    map[string]bool // n1 → n2, through the proxy
	round  map[string]bool // round it
	failed error
}

// look reads the socket table once. A node that dials comes from 127.0.0.1, so
// that the other end of its socket says where to: 127.B.0.j is node j itself,
// 127.B.i.j the proxy that stands between i and j.
func (w *ways) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, n := range w.nodes {
		pid := w.procs.PID(n.Name)
		if pid == 0 {
			continue
		}
		sockets, err := proc.Sockets(pid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) { // or it ended meanwhile
			w.failed = err
		}
		for _, s := range sockets {
			var block, from, to int
			if _, err := fmt.Sscanf(s.Remote, "127.%d.%d.%d:", &block, &from, &to); err != nil || block < 77 || to == i+1 {
				continue // somebody else's end of what the node accepted, or itself
			}
			switch way := fmt.Sprintf("n%d → n%d", i+1, to); from {
			case 0:
				w.round[way+" by "+s.Remote] = true
			case i + 1:
				w.led[way] = true
			}
		}
	}
}

// seen is what was seen so far, in order.
func (w *ways) seen() (round, led []string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.round)), slices.Sorted(maps.Keys(w.led)), w.failed
}

// watchWays looks again and again until stop is called.
func watchWays(c target.Cluster) (w *ways, stop func()) {
	w = &ways{nodes: c.Nodes(), procs: c.(nemesis.Processes), led: map[string]bool{}, round: map[string]bool{}}
	quit := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			w.look()
			select {
			case <-quit:
				return
			case <-time.After(socketEvery):
			}
		}
	})
	return w, sync.OnceFunc(func() {
		close(quit)
		group.Wait()
	})
}
