package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/ackproof/ackproof/checker"
)

// cluster prints what the brokers said of themselves and what their metrics
// showed, by phase.
func cluster(w io.Writer, s checker.Stats) {
	if len(s.Cluster) > 0 {
		fmt.Fprintf(w, "\nbrokers\tlooks\tleader changes\tcontroller changes\toffline\tunder-replicated\tunanswered\n")
	}
	for _, c := range s.Cluster {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", c.Phase, c.Looks, c.LeaderChanges, c.Controllers, c.Offline, c.UnderInSync, c.Unanswered)
	}
	metricTable(w, s.Metrics)
	for _, why := range s.Unmeasured {
		fmt.Fprintf(w, "not measured: %s\n", why)
	}
}

// metricTable prints a metric a row, a phase a column: the first and the last
// value, summed over the nodes.
func metricTable(w io.Writer, all []checker.MetricSpan) {
	var names, phases []string
	for _, m := range all {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
		if !slices.Contains(phases, m.Phase) {
			phases = append(phases, m.Phase)
		}
	}
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(w, "\nmetric, all nodes")
	for _, p := range phases {
		fmt.Fprintf(w, "\t%s", p)
	}
	fmt.Fprintln(w)
	for _, name := range names {
		fmt.Fprint(w, name)
		for _, phase := range phases {
			var first, last float64
			had := false
			for _, m := range all {
				if m.Name == name && m.Phase == phase {
					first, last, had = first+m.First, last+m.Last, true
				}
			}
			if !had {
				fmt.Fprint(w, "\t-")
				continue
			}
			fmt.Fprintf(w, "\t%s → %s", number(first), number(last))
		}
		fmt.Fprintln(w)
	}
}

// number is a metric's value in a few digits.
func number(v float64) string {
	switch {
	case v == float64(int64(v)) && v < 1e6:
		return fmt.Sprintf("%.0f", v)
	case v >= 1e9:
		return fmt.Sprintf("%.2fG", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.1fM", v/1e6)
	}
	return fmt.Sprintf("%.3g", v)
}
