package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/names"
)

// ExpectationKind is a row of the catalogue of what a history's header may
// expect of its run.
type ExpectationKind struct {
	Name, Doc string
	Args      []ExpectArg
	// Of says what the field "of" lists; empty: nothing.
	Of string
	// OfOne says that "of" is needed and has one entry.
	OfOne bool
	// OfKnown are the words that "of" may hold; nil: any.
	OfKnown []string
	// Baseline says that the phase is compared with another one.
	Baseline bool
	watch    func(*Env, histories.Expect) watcher
}

// ExpectArg is a number that an expectation takes.
type ExpectArg struct {
	Name, Unit, Doc string
	Needed          bool
}

// watcher follows the history for one expectation.
type watcher interface {
	// observe takes the next entry, after the timeline did; it is lent.
	observe(op *histories.Op, t *timeline)
	// finish says whether the expectation is met, and the figures behind it.
	finish(v *Verdict, t *timeline) (met Validity, why string)
}

var (
	atLeastShare = ExpectArg{Name: "at_least", Unit: "share", Doc: "lowest share, 0 to 1"}
	atMostShare  = ExpectArg{Name: "at_most", Unit: "share", Doc: "highest share, 0 to 1"}
	atMostMillis = ExpectArg{Name: "at_most_ms", Unit: "ms", Doc: "longest time", Needed: true}
	operations   = []string{"send", "poll", "txn", "end-offsets"}
)

// Expectations is the catalogue. Every row answers unknown where the history
// holds nothing to judge it by: a phase that the run did not enter, no
// operation, no sample, a metric that the node does not have.
var Expectations = []ExpectationKind{
	{Name: "availability", Doc: "The share of operations begun in the phase that succeeded.",
		Of: "the operation; default send", OfKnown: operations,
		Args: []ExpectArg{atLeastShare, atMostShare}, watch: newAvailability},
	{Name: "longest-gap", Doc: "The longest time within the phase in which a log got no acknowledgement, over all logs.",
		Args: []ExpectArg{atMostMillis}, watch: newLongestGap},
	{Name: "recovery", Doc: "How long after the last heal (in the phase or before it) every log has acknowledged a send that was begun after the heal.",
		Args: []ExpectArg{atMostMillis}, watch: newRecovery},
	{Name: "throughput", Doc: "Acknowledged records per second in the phase, as a share of the baseline's.",
		Baseline: true, Args: []ExpectArg{atLeastShare, atMostShare}, watch: newThroughput},
	{Name: "latency", Doc: "A quantile of the time that successful operations begun in the phase took.",
		Of: "the operation; default send", OfKnown: operations,
		Args: []ExpectArg{
			{Name: "quantile", Unit: "share", Doc: "0.5 for the median, 0.99 for p99; default 0.99"},
			{Name: "at_least_ms", Unit: "ms", Doc: "lowest value of the quantile"},
			{Name: "at_most_ms", Unit: "ms", Doc: "highest value of the quantile"},
		}, watch: newLatency},
	{Name: "must-fail", Doc: "No operation begun in the phase after the bite of every fault was proven is acknowledged before the first heal. " +
		"A time-out satisfies; what timed out may surface after the heal.",
		Of: "the operation; default send", OfKnown: operations,
		Args: []ExpectArg{{Name: "at_least", Unit: "operations", Doc: "how many have to be refused or time out; default 10"}}, watch: newMustFail},
	{Name: "acked", Doc: "The number of records acknowledged in the phase.",
		Args: []ExpectArg{{Name: "at_least", Unit: "records", Doc: "lowest number", Needed: true}}, watch: newAckedRecords},
	{Name: "anomalies", Doc: "No anomaly is found, whether or not the contract allows it, except those listed, what the model of reads allows, and what breaks no promise (informational).",
		Of: "kinds of anomaly that may be found", watch: newNoAnomalies},
	{Name: "allowed", Doc: "A positive control: an anomaly of one of these kinds is found, as a headline or behind one, and the contract allows it.",
		Of:   "kinds of anomaly, one of which has to be found; default those of loss",
		Args: []ExpectArg{{Name: "at_least", Unit: "records", Doc: "how many are found at least; default 1"}}, watch: newAllowed},
	{Name: "leaks", Doc: "What the brokers' processes hold in the phase, against the baseline (default: the first sample): the median of each node's samples.",
		Baseline: true, Args: []ExpectArg{
			{Name: "sockets_at_most", Unit: "sockets", Doc: "how many more file descriptors a process may have open"},
			{Name: "threads_at_most", Unit: "threads", Doc: "how many more threads a process may have"},
			{Name: "memory_at_most", Unit: "ratio", Doc: "how much resident memory, as a multiple"},
		}, watch: newLeaks},
	{Name: "metric", Doc: "The values of a metric in the phase, on every node that has it, lie within the limits.",
		Of: "the metric's name", OfOne: true, Args: []ExpectArg{
			{Name: "at_least", Unit: "the metric's", Doc: "lowest value"},
			{Name: "at_most", Unit: "the metric's", Doc: "highest value"},
		}, watch: newMetric},
	{Name: "metric-increase", Doc: "How much a counter grew in the phase, summed over the nodes that have it, lies within the limits.",
		Of: "the metric's name", OfOne: true, Args: []ExpectArg{
			{Name: "at_least", Unit: "the metric's", Doc: "lowest increase"},
			{Name: "at_most", Unit: "the metric's", Doc: "highest increase"},
		}, watch: newMetricIncrease},
	{Name: "whole", Doc: "Every partition has its leader and all its replicas in sync again within the time, counted from the last heal.",
		Args: []ExpectArg{atMostMillis}, watch: newWholeWithin},
}

// CheckExpect says which field of an expectation is wrong and what is allowed.
func CheckExpect(e histories.Expect) (field string, err error) {
	i := slices.IndexFunc(Expectations, func(k ExpectationKind) bool { return k.Name == e.Kind })
	if i < 0 {
		known := make([]string, len(Expectations))
		for i, k := range Expectations {
			known[i] = k.Name
		}
		return "kind", fmt.Errorf("unknown expectation %q%s; there are: %s", e.Kind, names.Hint(e.Kind, known), strings.Join(known, ", "))
	}
	k := &Expectations[i]
	if field, err := k.checkOf(e.Of); err != nil {
		return field, err
	}
	if e.Baseline != "" && !k.Baseline {
		return "baseline", fmt.Errorf("%s compares with nothing: leave it out", k.Name)
	}
	if e.Kind == "throughput" && e.Baseline == "" {
		return "baseline", fmt.Errorf("it is missing: throughput is compared with the phase that it names")
	}
	return k.checkArgs(e.Args)
}

// checkOf judges what the expectation counts.
func (k *ExpectationKind) checkOf(of []string) (field string, err error) {
	switch {
	case k.Of == "" && len(of) > 0:
		return "of", fmt.Errorf("%s takes none: leave it out", k.Name)
	case k.OfOne && len(of) != 1:
		return "of", fmt.Errorf("want one entry: %s", k.Of)
	}
	known := k.OfKnown
	if strings.HasPrefix(k.Of, "kinds of anomaly") {
		for _, kind := range Kinds {
			known = append(known, string(kind.Name))
		}
	}
	for _, word := range of {
		if known != nil && !slices.Contains(known, word) {
			return "of", fmt.Errorf("unknown %q%s; there are: %s", word, names.Hint(word, known), strings.Join(known, ", "))
		}
	}
	if k.OfKnown != nil && len(of) > 1 {
		return "of", fmt.Errorf("%s counts one operation, not %d", k.Name, len(of))
	}
	return "", nil
}

// checkArgs judges the numbers: known, not missing, and at least one limit.
func (k *ExpectationKind) checkArgs(args map[string]float64) (field string, err error) {
	known := make([]string, len(k.Args))
	limits := 0
	for i, a := range k.Args {
		known[i] = a.Name
		_, given := args[a.Name]
		if a.Needed && !given {
			return a.Name, fmt.Errorf("it is missing: %s (%s)", a.Doc, a.Unit)
		}
		if strings.Contains(a.Name, "at_") && (given || strings.Contains(a.Doc, "default")) {
			limits++
		}
	}
	for name, v := range args {
		if !slices.Contains(known, name) {
			return name, fmt.Errorf("unknown number%s; %s takes: %s", names.Hint(name, known), k.Name, strings.Join(known, ", "))
		}
		if name == "quantile" && !(v > 0 && v <= 1) {
			return name, fmt.Errorf("%v: want a share above 0, up to 1: 0.99 for p99", v)
		}
		if v < 0 {
			return name, fmt.Errorf("%v: want 0 or more", v)
		}
	}
	if len(k.Args) > 0 && limits == 0 {
		return "", fmt.Errorf("no limit: %s takes %s", k.Name, strings.Join(known, ", "))
	}
	return "", nil
}

// expectations judges what the header expects of the run.
type expectations struct {
	env  *Env
	time *timeline
	all  []expected
}

// expected is one expectation with the watcher that judges it.
type expected struct {
	histories.Expect
	watcher watcher
	refused string // why there is none
}

func newExpectations(e *Env, _ *Report) Pass {
	x := &expectations{env: e, time: newTimeline(e)}
	for _, want := range e.Header.Expect {
		one := expected{Expect: want}
		if field, err := CheckExpect(want); err != nil {
			one.refused = strings.TrimPrefix(field+": ", ": ") + err.Error()
		} else {
			i := slices.IndexFunc(Expectations, func(k ExpectationKind) bool { return k.Name == want.Kind })
			one.watcher = Expectations[i].watch(e, want)
		}
		x.all = append(x.all, one)
	}
	return x
}

// Observe takes the next entry.
func (x *expectations) Observe(op *histories.Op) {
	if len(x.all) == 0 {
		return
	}
	x.time.observe(op)
	for i := range x.all {
		if w := x.all[i].watcher; w != nil {
			w.observe(op, x.time)
		}
	}
	x.time.settle(op)
}

// Finish closes the last phase.
func (x *expectations) Finish() { x.time.finish() }

// results judges the expectations of a verdict that has its anomalies.
func (x *expectations) results(v *Verdict) []Expectation {
	out := []Expectation{}
	for _, e := range x.all {
		r := Expectation{Name: e.Name, Why: e.refused}
		switch {
		case e.watcher == nil:
		case !x.time.entered(e.Phase) || !x.time.entered(e.Baseline):
			r.Why = fmt.Sprintf("the run did not enter the phase %q", x.time.missing(e.Phase, e.Baseline))
		default:
			r.Met, r.Why = e.watcher.finish(v, x.time)
		}
		out = append(out, r)
	}
	return out
}

// within judges a figure by the limits that the expectation gives.
func within(e histories.Expect, least, most string, figure float64) Validity {
	if v, ok := e.Args[least]; ok && figure < v {
		return Invalid
	}
	if v, ok := e.Args[most]; ok && figure > v {
		return Invalid
	}
	return Valid
}

// limits words the limits of a figure: "wanted at least 0.9".
func limits(e histories.Expect, least, most, unit string) string {
	var out []string
	if v, ok := e.Args[least]; ok {
		out = append(out, fmt.Sprintf("at least %g%s", v, unit))
	}
	if v, ok := e.Args[most]; ok {
		out = append(out, fmt.Sprintf("at most %g%s", v, unit))
	}
	return "wanted " + strings.Join(out, " and ")
}
