package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// metric asks for the values of a metric in a phase. A node that does not have
// the metric says nothing; where none has it, nobody knows.
type metric struct {
	histories.Expect
	increase bool
	nodes    map[string]*metricRange
	sampled  bool
}

// metricRange is what was sampled of one node's metric.
type metricRange struct{ first, last, low, high float64 }

func newMetric(_ *Env, e histories.Expect) watcher {
	return &metric{Expect: e, nodes: map[string]*metricRange{}}
}

func newMetricIncrease(_ *Env, e histories.Expect) watcher {
	return &metric{Expect: e, nodes: map[string]*metricRange{}, increase: true}
}

func (w *metric) observe(op *histories.Op, t *timeline) {
	if op.F != histories.Sample || op.Event == nil || !t.in(w.Phase) {
		return
	}
	for _, s := range op.Event.Samples {
		w.sampled = true
		v, ok := s.Values[w.Of[0]]
		if !ok {
			continue
		}
		r := w.nodes[s.Node]
		if r == nil {
			r = &metricRange{first: v, low: v, high: v}
			w.nodes[s.Node] = r
		}
		if w.increase && v < r.last { // the process began anew, and its counter with it
			r.first -= r.last
		}
		r.last, r.low, r.high = v, min(r.low, v), max(r.high, v)
	}
}

func (w *metric) finish(*Verdict, *timeline) (Validity, string) {
	if !w.sampled {
		return Unknown, "no node was sampled " + inPhase(w.Phase)
	}
	if len(w.nodes) == 0 {
		return Unknown, fmt.Sprintf("no node has the metric %s: a metric that does not exist is not 0", w.Of[0])
	}
	names := slices.Sorted(maps.Keys(w.nodes))
	wanted := limits(w.Expect, "at_least", "at_most", "")
	if w.increase {
		sum := 0.0
		for _, r := range w.nodes {
			sum += r.last - r.first
		}
		return within(w.Expect, "at_least", "at_most", sum),
			fmt.Sprintf("%s grew by %g %s on %s; %s", w.Of[0], sum, inPhase(w.Phase), strings.Join(names, ", "), wanted)
	}
	met, said := Valid, []string{}
	for _, n := range names {
		r := w.nodes[n]
		if within(w.Expect, "at_least", "at_most", r.low) != Valid || within(w.Expect, "at_least", "at_most", r.high) != Valid {
			met = Invalid
		}
		said = append(said, fmt.Sprintf("%g to %g on %s", r.low, r.high, n))
	}
	return met, fmt.Sprintf("%s was %s %s; %s", w.Of[0], strings.Join(said, ", "), inPhase(w.Phase), wanted)
}

// leaks compares what the brokers' processes hold in two phases.
type leaks struct {
	histories.Expect
	before, after map[nodeMetric][]float64
}

type nodeMetric struct{ node, metric string }

// leakLimits are the metrics behind the limits. The limit of memory is a
// multiple, the others are differences.
var leakLimits = []struct {
	arg, metric, unit string
	ratio             bool
}{
	{"sockets_at_most", histories.MetricSockets, "sockets", false},
	{"threads_at_most", histories.MetricThreads, "threads", false},
	{"memory_at_most", histories.MetricMemory, "bytes", true},
}

func newLeaks(_ *Env, e histories.Expect) watcher {
	return &leaks{Expect: e, before: map[nodeMetric][]float64{}, after: map[nodeMetric][]float64{}}
}

func (w *leaks) observe(op *histories.Op, t *timeline) {
	if op.F != histories.Sample || op.Event == nil {
		return
	}
	for _, s := range op.Event.Samples {
		for name, v := range s.Values {
			k := nodeMetric{s.Node, name}
			if w.Baseline != "" && t.in(w.Baseline) || w.Baseline == "" && w.before[k] == nil {
				w.before[k] = append(w.before[k], v)
			}
			if t.in(w.Phase) {
				w.after[k] = append(w.after[k], v)
			}
		}
	}
}

func (w *leaks) finish(*Verdict, *timeline) (Validity, string) {
	met, said := Valid, []string{}
	for _, l := range leakLimits {
		most, wanted := w.Args[l.arg]
		if !wanted {
			continue
		}
		found := false
		for _, k := range slices.SortedFunc(maps.Keys(w.after), func(a, b nodeMetric) int { return cmp.Compare(a.node, b.node) }) {
			before := w.before[k]
			if k.metric != l.metric || len(before) == 0 {
				continue
			}
			found = true
			a, b := median(before), median(w.after[k])
			over := b > a+most
			if l.ratio {
				over = b > a*most
			}
			if over {
				met = Invalid
			}
			said = append(said, fmt.Sprintf("%s %g → %g %s", k.node, a, b, l.unit))
		}
		if !found {
			said = append(said, fmt.Sprintf("no node was sampled for %s in both phases", l.metric))
			if met != Invalid {
				met = Unknown
			}
		}
	}
	return met, strings.Join(said, ", ") + "; " + w.wanted()
}

// wanted words the limits.
func (w *leaks) wanted() string {
	var out []string
	for _, l := range leakLimits {
		most, ok := w.Args[l.arg]
		switch {
		case ok && l.ratio:
			out = append(out, fmt.Sprintf("%g times the %s", most, l.unit))
		case ok:
			out = append(out, fmt.Sprintf("%g more %s", most, l.unit))
		}
	}
	return "wanted at most " + strings.Join(out, ", ")
}

// median returns the middle of some values.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}
