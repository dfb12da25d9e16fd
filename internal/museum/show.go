package museum

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/scenario"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
)

// Outcome is what became of one show with one seed.
type Outcome struct {
	Exhibit Exhibit
	Show    Show
	Seed    uint64
	// Skipped says why it could not be shown on this machine; empty: it was.
	Skipped string
	// Wrong says what was not as the exhibit has it.
	Wrong []string

	Kind      checker.Kind // the headline
	Count     int64        // how often
	AllowedBy string       // the clause of the contract that allows it; empty: none
	Balance   *run.Balance // the ledger; nil: a real Kafka keeps none
	// After and Ops are how long into the run, and behind how many completed
	// operations, the first evidence was whole.
	After  time.Duration
	Ops    int64
	Broken run.Result
	Twin   run.Result
	Took   time.Duration
}

// Valid is the outcome in one word: invalid where the exhibit is not convicted
// as it has to be, or its twin is; unknown where the twin proved nothing.
func (o Outcome) Valid() checker.Validity {
	switch {
	case o.Skipped != "":
		return checker.Unknown
	case len(o.Wrong) > 0:
		return checker.Invalid
	}
	return o.Twin.Verdict.Valid
}

// Options are those of the shows.
type Options struct {
	Store   string
	Options func(e Exhibit, seed uint64) run.Options // of one run; its store is Store
}

// attempts is how often a run is made: on a busy machine a broker may find nothing
// to sin in, or a fault may stay unproven.
const attempts = 3

// Visit shows one exhibit: the broken run, and its twin under the same plan. An
// error is the harness's own failure.
func (s Show) Visit(ctx context.Context, e Exhibit, seed uint64, o Options) (out Outcome, err error) {
	out = Outcome{Exhibit: e, Show: s, Seed: seed}
	began := time.Now()
	defer func() { out.Took = time.Since(began) }()
	broken, twin := s.spec(e.Number, seed, false), s.spec(e.Number, seed, true)
	if s.Real != nil {
		if out.Skipped, err = s.Real.prepare(&broken, &twin); out.Skipped != "" || err != nil {
			return out, err
		}
	}
	limit := broken.TimeLimit
	for n := 1; ; n++ {
		broken.TimeLimit, twin.TimeLimit = limit*run.Duration(n), limit*run.Duration(n)
		if out.Broken, err = s.run(ctx, e, broken, o); err != nil {
			return out, fmt.Errorf("exhibit %d, %s: %w", e.Number, s.Name(), err)
		}
		if err := out.convict(s); err != nil {
			return out, fmt.Errorf("exhibit %d, %s: %w", e.Number, s.Name(), err)
		}
		if n == attempts || !out.idle() {
			break
		}
	}
	for range attempts {
		if out.Twin, err = s.run(ctx, e, twin, o); err != nil {
			return out, fmt.Errorf("exhibit %d, the twin of %s: %w", e.Number, s.Name(), err)
		}
		if out.Twin.Verdict.Valid != checker.Unknown {
			break
		}
	}
	out.compare()
	return out, nil
}

func (s Show) run(ctx context.Context, e Exhibit, spec run.Spec, o Options) (run.Result, error) {
	opts := run.Options{}
	if o.Options != nil {
		opts = o.Options(e, spec.Seed)
	}
	opts.Store = o.Store
	return run.Run(ctx, spec, opts)
}

// prepare makes the two specs from the scenario; skipped says what the machine
// lacks for that.
func (r *Real) prepare(broken, twin *run.Spec) (skipped string, err error) {
	if err := kafkadist.Available(""); errors.Is(err, kafkadist.ErrMissing) {
		return err.Error(), nil
	} else if err != nil {
		return "", err
	}
	sc, err := scenario.Find(r.Scenario)
	if err != nil {
		return "", err
	}
	for _, spec := range []*run.Spec{broken, twin} {
		name, base := spec.Name, run.Default()
		base.Target, base.Seed = "kafka", spec.Seed
		if *spec, err = sc.Spec(base); err != nil {
			return "", err
		}
		spec.Name, spec.Expect = name, nil // what is to be found is said here
	}
	if r.Broken != nil {
		r.Broken(broken)
	}
	if r.Twin != nil {
		r.Twin(twin)
	}
	return "", nil
}

// idle tells whether the broken broker had no opportunity: none of its sins is
// known to have reached anybody, and it is not convicted. The run is then made
// again, and for longer.
func (o *Outcome) idle() bool {
	return o.Balance != nil && o.Balance.Proven == 0 && o.Broken.Verdict.Valid != checker.Invalid
}

// convict holds the broken run to what the exhibit says.
func (o *Outcome) convict(s Show) error {
	o.Wrong = nil
	v := o.Broken.Verdict
	if s.Mutant != "" {
		tr, err := run.NewTrial(o.Broken)
		if err != nil {
			return err
		}
		b := tr.Balance()
		v, o.Balance, o.Wrong = tr.Verdict, &b, append(tr.Convicted(), b.Wrong...)
	}
	i := slices.IndexFunc(v.Anomalies, func(a checker.Anomaly) bool {
		return slices.Contains(s.Kinds(), a.Kind) && (a.AllowedBy != "") == (s.Real != nil && s.Real.Allowed)
	})
	if i < 0 {
		o.Wrong = append(o.Wrong, fmt.Sprintf("want %v, and the verdict is %v", s.Kinds(), told(v)))
		return nil
	}
	head := v.Anomalies[i]
	o.Kind, o.Count, o.AllowedBy = head.Kind, head.Count, head.AllowedBy
	if s.Real != nil && s.Real.Allowed && v.Valid == checker.Invalid {
		o.Wrong = append(o.Wrong, "the contract allows what it is there for, and the verdict is "+told(v))
	}
	var err error
	o.After, o.Ops, err = firstEvidence(o.Broken.Dir, head)
	return err
}

// compare holds the twin to the broken run.
func (o *Outcome) compare() {
	v := o.Twin.Verdict
	if v.Valid == checker.Invalid {
		o.Wrong = append(o.Wrong, "the twin is "+told(v))
	}
	if !reflect.DeepEqual(o.Broken.Plan, o.Twin.Plan) {
		o.Wrong = append(o.Wrong, "the twin walked another plan")
	}
}

// told is a verdict with its headlines.
func told(v checker.Verdict) string {
	s := v.Valid.String()
	for _, a := range v.Anomalies {
		s += fmt.Sprintf(", %s %d", a.Kind, a.Count)
		if a.AllowedBy != "" {
			s += " (allowed)"
		}
	}
	for _, u := range v.Unknown {
		s += ", " + u.Checker + ": " + u.Why
	}
	return s
}

// firstEvidence returns when the first example was whole: the time of its last
// entry since the run began, and the operations completed by then.
func firstEvidence(dir string, a checker.Anomaly) (after time.Duration, ops int64, err error) {
	last := int64(-1)
	for _, e := range a.Examples {
		if len(e.Ops) > 0 && (last < 0 || slices.Max(e.Ops) < last) {
			last = slices.Max(e.Ops)
		}
	}
	in, err := histories.Open(dir)
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	for {
		op, err := in.Next()
		if errors.Is(err, io.EOF) {
			return after, ops, nil // a finding about the run as a whole
		}
		if err != nil {
			return 0, 0, fmt.Errorf("look up the first evidence: %w", err)
		}
		after = op.Time
		if op.Process >= 0 && op.Type != histories.Invoke {
			ops++
		}
		if op.Index == last {
			return after, ops, nil
		}
	}
}
