package checker

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// MetricSpan is what a node's metric showed in a phase. A metric that was never
// had in the phase has no entry.
type MetricSpan struct {
	Name  string  `json:"name"`
	Node  string  `json:"node"`
	Phase string  `json:"phase"`
	First float64 `json:"first"`
	Last  float64 `json:"last"`
	Max   float64 `json:"max"`
}

// StateSpan is what the brokers said of themselves in a phase.
type StateSpan struct {
	Phase         string `json:"phase"`
	Looks         int    `json:"looks"`
	LeaderChanges int64  `json:"leader_changes"` // by leader epoch, since the look before
	Controllers   int64  `json:"controller_changes"`
	Offline       int    `json:"offline_partitions"`          // most at a look
	UnderInSync   int    `json:"under_replicated_partitions"` // most at a look
	Unanswered    int    `json:"unanswered"`                  // looks that the cluster did not answer wholly
}

// cluster follows what the samples show.
type clusterStats struct {
	metrics []MetricSpan
	missing []string // why a metric could not be had, each once
	states  []StateSpan
	before  *histories.ClusterState // the last one that was answered
}

// maxMetricSpans bounds what is kept of a history that is no run of ours.
const maxMetricSpans = 1 << 14

// observe takes an entry of the nemesis, in the phase.
func (c *clusterStats) observe(op *histories.Op, phase string) {
	if op.Event == nil {
		return
	}
	switch op.F {
	case histories.State:
		if op.Event.State != nil {
			c.state(op.Event.State, phase)
		}
	case histories.Sample:
		for _, s := range op.Event.Samples {
			c.sample(s, phase)
		}
	}
}

func (c *clusterStats) sample(s histories.NodeSample, phase string) {
	for name, v := range s.Values {
		i := slices.IndexFunc(c.metrics, func(m MetricSpan) bool { return m.Name == name && m.Node == s.Node && m.Phase == phase })
		if i < 0 {
			if len(c.metrics) < maxMetricSpans {
				c.metrics = append(c.metrics, MetricSpan{Name: name, Node: s.Node, Phase: phase, First: v, Last: v, Max: v})
			}
			continue
		}
		m := &c.metrics[i]
		m.Last, m.Max = v, max(m.Max, v)
	}
	if why := s.Node + ": " + s.Error; s.Error != "" && !slices.Contains(c.missing, why) && len(c.missing) < 100 {
		c.missing = append(c.missing, why)
	}
}

func (c *clusterStats) state(s *histories.ClusterState, phase string) {
	n := len(c.states)
	if n == 0 || c.states[n-1].Phase != phase {
		if n >= maxPhases {
			return
		}
		c.states = append(c.states, StateSpan{Phase: phase})
	}
	span := &c.states[len(c.states)-1]
	span.Looks++
	if s.Error != "" {
		span.Unanswered++
	}
	offline, under := 0, 0
	for _, p := range s.Partitions {
		if p.Leader == "" {
			offline++
		}
		if len(p.ISR) < len(p.Replicas) {
			under++
		}
		if c.before != nil {
			if b, ok := c.before.Of(p.Topic, p.Partition); ok && p.Epoch > b.Epoch {
				span.LeaderChanges += int64(p.Epoch - b.Epoch)
			}
		}
	}
	span.Offline, span.UnderInSync = max(span.Offline, offline), max(span.UnderInSync, under)
	if c.before != nil && s.Controller != "" && s.Controller != c.before.Controller {
		span.Controllers++
	}
	if s.Error == "" {
		c.before = s // events are never changed, and outlive their entry
	}
}

// spans are the metrics by name, node and the order of the phases.
func (c *clusterStats) spans() []MetricSpan {
	slices.SortStableFunc(c.metrics, func(a, b MetricSpan) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Node, b.Node))
	})
	return c.metrics
}
