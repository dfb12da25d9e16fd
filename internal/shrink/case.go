package shrink

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/checker"
)

// finding names one case of a verdict, so that it can be told in another one.
type finding struct {
	kind       checker.Kind
	allowed    string
	log        int64
	record     [2]int64 // offset or value, where the kind is about one
	ops        [3]int64 // the entries that prove it, where it is not
	byEvidence bool
}

// findingOf names an example. Kinds about what became of a record are told by
// the record: who shows that it is gone may differ. All others are told by the
// entries that contradict each other: the same record may be polled twice
// legally by one pair of entries and illegally by another. original turns an
// index of the judged history into one of the whole.
func findingOf(a *checker.Anomaly, e *checker.Example, original func(int64) int64) finding {
	f := finding{kind: a.Kind, allowed: a.AllowedBy, log: e.Log, record: [2]int64{-1, -1}, ops: [3]int64{-1, -1, -1}}
	if aboutRecord(a.Kind) && (e.Offset >= 0 || e.Value >= 0) {
		if f.record[1] = e.Value; e.Value < 0 { // its offset may not be known from a part
			f.record[0] = e.Offset
		}
		return f
	}
	f.byEvidence = true
	for i, op := range e.Ops[:min(len(e.Ops), len(f.ops))] {
		f.ops[i] = original(op)
	}
	return f
}

// aboutRecord tells whether a kind says what became of a record.
func aboutRecord(k checker.Kind) bool {
	g := groupOf(k)
	return g == checker.GroupLoss || g == checker.GroupContent
}

func groupOf(k checker.Kind) string {
	for i := range checker.Kinds {
		if checker.Kinds[i].Name == k {
			return checker.Kinds[i].Group
		}
	}
	return ""
}

func same(i int64) int64 { return i }

// findings are all cases of a verdict.
func findings(v *checker.Verdict) map[finding]bool {
	out := map[finding]bool{}
	for i := range v.Anomalies {
		a := &v.Anomalies[i]
		for j := range a.Examples {
			out[findingOf(a, &a.Examples[j], same)] = true
		}
	}
	return out
}

// target is the case that a small history has to show.
type target struct {
	finding
	example checker.Example
}

// choose returns the anomaly to shrink: the kind that was asked for, or the
// verdict's first violation.
func choose(v *checker.Verdict, kind checker.Kind) (*checker.Anomaly, error) {
	var names []string
	for i := range v.Anomalies {
		a := &v.Anomalies[i]
		if a.Kind == kind || kind == "" && a.AllowedBy == "" {
			return a, nil
		}
		names = append(names, string(a.Kind))
	}
	switch {
	case kind != "" && len(names) > 0:
		return nil, &Nothing{fmt.Sprintf("the verdict has no headline %q; it has %s", kind, strings.Join(slices.Compact(names), ", "))}
	case len(names) > 0:
		return nil, &Nothing{fmt.Sprintf("the verdict is %s; name what to shrink of what the contract allows: --kind %s", v.Valid, strings.Join(slices.Compact(names), " or --kind "))}
	case v.Valid == checker.Invalid:
		return nil, &Nothing{"the verdict is invalid by its expectations only, and those concern the run as a whole"}
	}
	return nil, &Nothing{fmt.Sprintf("the verdict is %s, without an anomaly", v.Valid)}
}

// Nothing is the error where there is nothing to shrink.
type Nothing struct{ Why string }

// Error is the reason.
func (n *Nothing) Error() string { return "there is nothing to shrink: " + n.Why }

// shows tells whether the verdict of a part of the history shows the target,
// and no violation that the whole history does not have: what is missing must
// not convict anybody.
func (t *target) shows(v *checker.Verdict, whole map[finding]bool, original func(int64) int64) bool {
	found := false
	for i := range v.Anomalies {
		a := &v.Anomalies[i]
		for j := range a.Examples {
			f := findingOf(a, &a.Examples[j], original)
			switch {
			case f == t.finding:
				found = true
			case a.AllowedBy == "" && !whole[f]:
				return false
			}
		}
	}
	for _, u := range v.Unknown {
		if u.Kind == checker.CheckerDisagreement || u.Kind == checker.MalformedHistory {
			return false
		}
	}
	return found
}
