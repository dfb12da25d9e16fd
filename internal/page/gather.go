package page

import (
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Gather keeps what a page draws of a history. It is a pass, see
// checker.Options.Also. Snapshot may be called at any time by any goroutine.
type Gather struct {
	mu      sync.Mutex
	header  histories.Header
	clock   clock
	last    time.Duration
	whole   bool // Finish was called
	entries int64
	calls   calls
	tallies []tally
	latency [groups][]*latencies // by bucket; nil where nothing completed
	logs    progress
	events  events
	metrics metrics
}

// The operations whose latencies are drawn apart from each other.
const (
	sends = iota
	polls
	others
	groups
)

var groupNames = [groups]string{"send", "poll", "other operations"}

// NewGather returns the pass for a history with this header.
func NewGather(h histories.Header) *Gather {
	g := &Gather{header: h}
	g.logs.init(h.Logs)
	return g
}

// Observe takes the next entry.
func (g *Gather) Observe(op *histories.Op) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entries++
	if op.Time < 0 {
		return
	}
	g.last = max(g.last, op.Time)
	if op.Process < 0 {
		if op.Event != nil {
			g.events.observe(op)
			if op.F == histories.Sample {
				g.metrics.observe(g.bucket(op.Time), op.Event.Samples)
			}
		}
		return
	}
	if op.Type == histories.Invoke {
		g.calls.begin(op.Process, op.Time)
		return
	}
	g.completed(op)
}

// Finish says that everything was observed.
func (g *Gather) Finish() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.whole = true
}

// Whole tells whether the history was gathered to its end: a pass that failed
// was not.
func (g *Gather) Whole() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.whole
}

// completed counts a completion.
func (g *Gather) completed(op *histories.Op) {
	i := g.bucket(op.Time)
	t := &g.tallies[i]
	switch op.Type {
	case histories.OK:
		t.ok++
	case histories.Fail:
		t.fail++
	case histories.Info:
		t.info++
	}
	if began, ok := g.calls.end(op.Process); ok {
		h := &g.latency[groupOf(op.F)][i]
		if *h == nil {
			*h = &latencies{}
		}
		(*h).add(op.Time - began)
	}
	if op.Type == histories.OK {
		acked, read := g.logs.observe(i, op)
		t.acked += acked
		t.read += read
	}
}

func groupOf(f histories.F) int {
	switch f {
	case histories.Send, histories.Txn:
		return sends
	case histories.Poll:
		return polls
	}
	return others
}

// bucket returns the bucket of a time, with all series as long as it needs.
func (g *Gather) bucket(at time.Duration) int {
	i, joins := g.clock.at(at)
	for range joins {
		g.join()
	}
	for len(g.tallies) <= i {
		g.tallies = append(g.tallies, tally{})
		for k := range g.latency {
			g.latency[k] = append(g.latency[k], nil)
		}
	}
	return i
}

// join makes one bucket of every two.
func (g *Gather) join() {
	n := (len(g.tallies) + 1) / 2
	for i := range n {
		first, second := 2*i, 2*i+1
		t := g.tallies[first]
		if second < len(g.tallies) {
			t.join(g.tallies[second])
		}
		g.tallies[i] = t
		for k := range g.latency {
			s := g.latency[k]
			h := s[first]
			switch {
			case second >= len(s) || s[second] == nil:
			case h == nil:
				h = s[second]
			default:
				h.join(s[second])
			}
			s[i] = h
		}
	}
	g.tallies = g.tallies[:n]
	for k := range g.latency {
		clear(g.latency[k][n:])
		g.latency[k] = g.latency[k][:n]
	}
	g.logs.join()
	g.metrics.join()
}

// calls keeps when each process began the operation it is in.
type calls struct {
	near []time.Duration // by process; when plus one, 0: none
	far  map[int64]time.Duration
}

// maxNear bounds the processes that are found without a map.
const maxNear = 1 << 20

func (c *calls) begin(process int64, at time.Duration) {
	if process >= maxNear {
		if c.far == nil {
			c.far = map[int64]time.Duration{}
		}
		c.far[process] = at
		return
	}
	for int64(len(c.near)) <= process {
		c.near = append(c.near, 0)
	}
	c.near[process] = at + 1
}

func (c *calls) end(process int64) (began time.Duration, ok bool) {
	if process >= maxNear {
		began, ok = c.far[process]
		delete(c.far, process)
		return began, ok
	}
	if process >= int64(len(c.near)) || c.near[process] == 0 {
		return 0, false
	}
	began = c.near[process] - 1
	c.near[process] = 0
	return began, true
}
