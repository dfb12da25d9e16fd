package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// blind is a watcher that looks at the verdict only.
type blind struct{}

func (blind) observe(*histories.Op, *timeline) {}

// noAnomalies expects that nothing is found except what it lists.
type noAnomalies struct {
	blind
	histories.Expect
}

func newNoAnomalies(_ *Env, e histories.Expect) watcher { return &noAnomalies{Expect: e} }

func (w *noAnomalies) finish(v *Verdict, _ *timeline) (Validity, string) {
	var found []string
	for _, a := range v.Anomalies {
		// What the model of reads allows is how such a broker reads, and what is
		// informational breaks no promise: neither is a fault of it.
		if !slices.Contains(w.Of, string(a.Kind)) && a.AllowedBy != byDeposed && a.AllowedBy != informational {
			found = append(found, fmt.Sprintf("%s %d", a.Kind, a.Count))
		}
	}
	switch {
	case len(found) > 0:
		return Invalid, "found " + strings.Join(found, ", ")
	case v.Incomplete:
		return Unknown, "nothing was found, but the history does not reach the end of the run"
	}
	return Valid, fmt.Sprintf("nothing was found among %d records, %d of them acknowledged", v.Judged.Records, v.Judged.Acked)
}

// allowed expects of a positive control that what it did is found out, and
// that the contract allows it.
type allowed struct {
	blind
	histories.Expect
}

func newAllowed(_ *Env, e histories.Expect) watcher {
	if len(e.Of) == 0 {
		for _, k := range Kinds {
			if k.Group == GroupLoss {
				e.Of = append(e.Of, string(k.Name))
			}
		}
	}
	return &allowed{Expect: e}
}

func (w *allowed) finish(v *Verdict, _ *timeline) (Validity, string) {
	least := int64(1)
	if n, ok := w.Args["at_least"]; ok {
		least = int64(n)
	}
	n, clauses := int64(0), []string{}
	for _, a := range v.Anomalies {
		for _, f := range append([]Follow{{a.Kind, a.Count}}, a.Follows...) { // a loss may stand behind another headline
			if !slices.Contains(w.Of, string(f.Kind)) {
				continue
			}
			if a.AllowedBy == "" {
				return Invalid, fmt.Sprintf("%s %d was found, and nothing in the contract allows it", f.Kind, f.Count)
			}
			n += f.Count
			clauses = append(clauses, fmt.Sprintf("%s %d (%s)", f.Kind, f.Count, a.AllowedBy))
		}
	}
	switch {
	case n >= least && n > 0:
		return Valid, "found, and allowed: " + strings.Join(clauses, ", ")
	case v.Incomplete:
		return Unknown, "the history does not reach the end of the run"
	case n > 0:
		return Invalid, fmt.Sprintf("%s; wanted at least %d", strings.Join(clauses, ", "), least)
	}
	return Invalid, fmt.Sprintf("none of %s was found: what should have been lost was kept, or nobody looked", strings.Join(w.Of, ", "))
}
