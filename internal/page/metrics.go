package page

import (
	"maps"
	"math"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// maxMetrics bounds the curves: a metric of a node is one.
const maxMetrics = 96

// metrics follows the nodes' metrics.
type metrics struct {
	byID   map[metricID]*metric
	series []*metric
	lost   int64 // samples of curves beyond maxMetrics
}

type metricID struct{ node, name string }

// metric is one metric of one node: its last value in each bucket, NaN where
// there was none.
type metric struct {
	metricID
	at []float64
}

func (m *metrics) observe(bucket int, samples []histories.NodeSample) {
	for _, s := range samples {
		for _, name := range slices.Sorted(maps.Keys(s.Values)) {
			c := m.of(metricID{s.Node, name})
			if c == nil {
				m.lost++
				continue
			}
			for len(c.at) <= bucket {
				c.at = append(c.at, math.NaN())
			}
			c.at[bucket] = s.Values[name]
		}
	}
}

func (m *metrics) of(id metricID) *metric {
	c := m.byID[id]
	if c == nil && len(m.series) < maxMetrics {
		if m.byID == nil {
			m.byID = map[metricID]*metric{}
		}
		c = &metric{metricID: id}
		m.byID[id] = c
		m.series = append(m.series, c)
	}
	return c
}

// join makes one bucket of every two: the later value counts.
func (m *metrics) join() {
	for _, c := range m.series {
		n := (len(c.at) + 1) / 2
		for i := range n {
			v := c.at[2*i]
			if 2*i+1 < len(c.at) && !math.IsNaN(c.at[2*i+1]) {
				v = c.at[2*i+1]
			}
			c.at[i] = v
		}
		c.at = c.at[:n]
	}
}
