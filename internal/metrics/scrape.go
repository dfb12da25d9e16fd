package metrics

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Node is where a node serves its metrics, and by which names they are known.
type Node struct {
	Name string
	URL  string // http://host:port/metrics
	Maps []Mapping
}

// Scraped is what one look at a node showed.
type Scraped struct {
	Values  map[string]float64 // by the names of the mapping
	Missing []string           // mapped metrics that the node does not have
	All     map[string]float64 // every series, as Prometheus writes it
}

// maxBody bounds what is read of a node's metrics.
const maxBody = 16 << 20

// Scrape reads a node's metrics once. A metric that the node does not have is
// missing, never 0.
func (n Node) Scrape(ctx context.Context) (Scraped, error) {
	s := Scraped{Values: map[string]float64{}, All: map[string]float64{}}
	families, err := n.families(ctx)
	if err != nil {
		return s, fmt.Errorf("read the metrics of %s: %w", n.Name, err)
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		for _, m := range families[name].GetMetric() {
			for series, v := range values(name, m) {
				s.All[series] = v
			}
		}
	}
	for _, mapped := range n.Maps {
		sum, ok := mapped.Series.sum(families)
		if !ok {
			s.Missing = append(s.Missing, mapped.Name+" ("+mapped.Series.String()+")")
			continue
		}
		s.Values[mapped.Name] = sum
	}
	return s, nil
}

func (n Node) families(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", n.URL, resp.Status)
	}
	var p expfmt.TextParser
	families, err := p.TextToMetricFamilies(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%s: not Prometheus' text format: %w", n.URL, err)
	}
	return families, nil
}

// sum adds up the chosen series; false where there is none. A metric without
// any of the labels' values yet, as a counter of errors before the first one,
// is there, and 0, where the metric is and the label names are.
func (s Series) sum(families map[string]*dto.MetricFamily) (total float64, ok bool) {
	f := families[s.Metric]
	if f == nil {
		return 0, false
	}
	for _, m := range f.GetMetric() {
		if s.carries(m) {
			total += value(m)
			ok = true
			continue
		}
		ok = ok || s.couldCarry(m)
	}
	return total, ok
}

// couldCarry says whether a series has the labels, with other values.
func (s Series) couldCarry(m *dto.Metric) bool {
	for name := range s.Labels {
		if !slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == name }) {
			return false
		}
	}
	return true
}

// value is the number of a series; of a distribution, how many it counted.
func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.GetCounter().GetValue()
	case m.Gauge != nil:
		return m.GetGauge().GetValue()
	case m.Untyped != nil:
		return m.GetUntyped().GetValue()
	case m.Histogram != nil:
		return float64(m.GetHistogram().GetSampleCount())
	case m.Summary != nil:
		return float64(m.GetSummary().GetSampleCount())
	}
	return 0
}

// values are the numbers of a metric by series; of a distribution, count and sum.
func values(name string, m *dto.Metric) map[string]float64 {
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	series := func(suffix string) string {
		if len(labels) == 0 {
			return name + suffix
		}
		return name + suffix + "{" + strings.Join(labels, ",") + "}"
	}
	switch {
	case m.Histogram != nil:
		return map[string]float64{series("_count"): value(m), series("_sum"): m.GetHistogram().GetSampleSum()}
	case m.Summary != nil:
		return map[string]float64{series("_count"): value(m), series("_sum"): m.GetSummary().GetSampleSum()}
	}
	return map[string]float64{series(""): value(m)}
}
