package scenario

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/run"
)

// Suite is a list of scenarios that are run on one cluster, one after the other.
type Suite struct {
	Name, Doc string
	takes     func(*Scenario) bool
}

// controlPrefix begins the sentence about a positive control.
const controlPrefix = "A positive control. "

// Suites is the catalogue.
var Suites = []Suite{
	{"guide", "The experiments of the network chaos guide (docs/chaos-guide.md).", func(s *Scenario) bool { return s.Guide != "" }},
	{"all", "Every scenario that is shipped.", func(*Scenario) bool { return true }},
	{"controls", "The positive controls: what a real broker loses or duplicates has to be found, and the contract allows it.",
		func(s *Scenario) bool { return strings.HasPrefix(s.Doc, controlPrefix) }},
}

// Skipped is a scenario of a suite that cannot be run, and why.
type Skipped struct {
	*Scenario
	Why string
}

// Select returns the scenarios of a suite that can be run as the base says, and
// the others. The name may also be that of one scenario, or a file.
func Select(name string, base run.Spec) (fit []*Scenario, others []Skipped, err error) {
	all, err := Shipped()
	if err != nil {
		return nil, nil, err
	}
	var known []string
	for _, suite := range Suites {
		known = append(known, suite.Name)
		if suite.Name != name {
			continue
		}
		for _, s := range all {
			switch {
			case !suite.takes(s):
			case !s.Fits(base.Target):
				others = append(others, Skipped{s, "not for this target"})
			case s.lacks(base) != nil:
				others = append(others, Skipped{s, s.lacks(base).Error()})
			default:
				fit = append(fit, s)
			}
		}
		return fit, others, nil
	}
	s, err := Find(name)
	if err != nil {
		return nil, nil, fmt.Errorf("suite %q%s: neither a suite (%s) nor a scenario: %w", name, names.Hint(name, known), strings.Join(known, ", "), err)
	}
	return []*Scenario{s}, nil, nil
}

// SuiteOptions are what a suite needs besides its scenarios.
type SuiteOptions struct {
	Name  string
	Base  run.Spec // target, seed and limits; the scenarios say the rest
	Store string
	// Keeper gives the cluster and has it back afterwards; nil: the suite starts
	// and ends its own.
	Keeper *run.Keeper
	Stop   <-chan struct{} // closed: end the main phase that is under way, and then the suite
	// Over puts what goes before the scenarios over their specs; nil: nothing.
	Over func(run.Spec) (run.Spec, error)
	// Options are those of one run; Bed and Stop are the suite's own.
	Options func(*Scenario) run.Options
	Begin   func(i, of int, s *Scenario)
	Done    func(Outcome)
}

// Outcome is what became of one scenario of a suite.
type Outcome struct {
	Scenario *Scenario
	Result   run.Result
	Took     time.Duration
	// Err is the harness's own failure, or what the run left behind on the
	// cluster: the outcome is unknown unless a violation was found.
	Err error
}

// Valid is the outcome in one word.
func (o Outcome) Valid() checker.Validity {
	v := o.Result.Verdict.Valid
	if v == checker.Valid && o.Err != nil {
		return checker.Unknown
	}
	return v
}

// RunSuite runs the scenarios on one cluster, each on topics of its own. Between
// two of them the cluster is proven to be clean and whole; where it is not, the
// next one gets a new one. It ends early where the user stops. An error is that
// of the suite itself: no cluster could be had.
func RunSuite(ctx context.Context, list []*Scenario, o SuiteOptions) ([]Outcome, error) {
	specs := make([]run.Spec, len(list))
	for i, s := range list { // what is refused is refused before anything starts
		var err error
		if specs[i], err = s.Spec(o.Base); err == nil && o.Over != nil {
			specs[i], err = o.Over(specs[i])
		}
		if err != nil {
			return nil, &run.Refused{Err: err}
		}
	}
	b, end := o.Keeper, func() error { return nil }
	if b == nil {
		b = &run.Keeper{Spec: o.Base, Dir: filepath.Join(o.Store, ".clusters"), Name: "suite-" + o.Name}
		end = b.Close
	}
	var out []Outcome
	for i, s := range list {
		if stopped(o.Stop) {
			break
		}
		bed, err := b.Bed(ctx)
		if err != nil {
			return out, errors.Join(err, end())
		}
		if o.Begin != nil {
			o.Begin(i, len(list), s)
		}
		one := o.runOne(ctx, s, specs[i], bed)
		if one.Err != nil {
			one.Err = errors.Join(one.Err, b.Close())
		}
		out = append(out, one)
		if o.Done != nil {
			o.Done(one)
		}
	}
	return out, end()
}

// runOne runs one scenario and looks at what it leaves behind.
func (o SuiteOptions) runOne(ctx context.Context, s *Scenario, spec run.Spec, bed *run.Bed) Outcome {
	opts := o.Options(s)
	opts.Bed, opts.Stop = bed, o.Stop
	begin := time.Now()
	res, err := run.Run(ctx, spec, opts)
	if err == nil {
		if err = bed.Clean(ctx); err != nil {
			err = fmt.Errorf("the cluster is not clean after %s: %w", s.Name, err)
		}
	}
	return Outcome{Scenario: s, Result: res, Took: time.Since(begin), Err: err}
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}
