// Package metrics reads brokers' Prometheus metrics by names of ours, and
// serves the run's own.
package metrics

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// Mapping is a metric under a name of ours: brokers of different makes call the
// same thing by different names.
type Mapping struct {
	Name   string // leader_changes, produce_errors, …
	Series Series
}

// Series chooses series of a node: those of a metric that carry the labels.
// Their sum is its value.
type Series struct {
	Metric string
	Labels map[string]string
}

// ParseSeries reads NAME or NAME{label="value",…}, as Prometheus writes it.
func ParseSeries(s string) (Series, error) {
	name, rest, labelled := strings.Cut(strings.TrimSpace(s), "{")
	out := Series{Metric: strings.TrimSpace(name)}
	if out.Metric == "" || strings.ContainsAny(out.Metric, " \t\"=}") {
		return Series{}, fmt.Errorf("metric %q: want a name, or a name with labels such as produce_total{result=\"error\"}", s)
	}
	if !labelled {
		return out, nil
	}
	list, ok := strings.CutSuffix(rest, "}")
	if !ok {
		return Series{}, fmt.Errorf("metric %q: the labels do not end with }", s)
	}
	out.Labels = map[string]string{}
	for part := range strings.SplitSeq(list, ",") {
		label, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		v, err := strconv.Unquote(value)
		if !ok || err != nil || label == "" {
			return Series{}, fmt.Errorf("metric %q: label %q: want label=\"value\"", s, part)
		}
		out.Labels[label] = v
	}
	return out, nil
}

// String writes the series as Prometheus does.
func (s Series) String() string {
	if len(s.Labels) == 0 {
		return s.Metric
	}
	var parts []string
	for _, l := range slices.Sorted(maps.Keys(s.Labels)) {
		parts = append(parts, fmt.Sprintf("%s=%q", l, s.Labels[l]))
	}
	return s.Metric + "{" + strings.Join(parts, ",") + "}"
}

// carries says whether a series has all the labels.
func (s Series) carries(m *dto.Metric) bool {
	has := map[string]string{}
	for _, l := range m.GetLabel() {
		has[l.GetName()] = l.GetValue()
	}
	for name, value := range s.Labels {
		if has[name] != value {
			return false
		}
	}
	return true
}
