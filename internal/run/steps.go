package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/nemesis"
)

// Step is a stretch of the main phase with a name, and with the faults that
// begin in it. It ends once its faults are proven, the time is over since then,
// and everything else that it waits for has happened.
type Step struct {
	Phase string `json:"phase"` // the name of its phase entry
	// For is the least time, counted from when the faults are proven to act.
	For Duration `json:"for,omitempty"`
	// Acks is how many records have to be acknowledged in the step.
	Acks int64 `json:"acks,omitempty"`
	// LeaderChanged waits until a partition has another leader than when the
	// step began.
	LeaderChanged bool `json:"leader_changed,omitempty"`
	// Whole waits until every partition has its leader and all its replicas in
	// sync, and records whether it came to that.
	Whole bool `json:"whole,omitempty"`
	// Limit ends the step even if it still waits; 0: For and half a minute.
	Limit Duration `json:"limit,omitempty"`
	// Faults begin with the step, all at once.
	Faults []StepFault `json:"faults,omitempty"`
}

// StepFault is a fault of a step. It is held until the step ends, and healed as
// the next one begins.
type StepFault struct {
	Fault     string             `json:"fault"`
	On        []string           `json:"on"`
	Direction string             `json:"direction,omitempty"`
	Args      map[string]float64 `json:"args,omitempty"`
	// Until names the later step with which it is healed.
	Until string `json:"until,omitempty"`
}

// stepGrace is how much longer than For a step may take where it has no limit
// of its own: a cluster needs several seconds to show that a fault bit.
const stepGrace = 30 * time.Second

// maxStep bounds how long a step may take.
const maxStep = 24 * time.Hour

// limit is when the step ends at the latest.
func (s Step) limit() time.Duration {
	if s.Limit > 0 {
		return time.Duration(s.Limit)
	}
	return time.Duration(s.For) + stepGrace
}

// event is the fault as the nemesis takes it.
func (f StepFault) event(id int) nemesis.Event {
	return nemesis.Event{ID: id, For: maxStep, Fault: f.Fault, On: f.On, Direction: f.Direction, Args: f.Args}
}

// runPhases are the phases that a run has by itself.
var runPhases = []string{
	histories.PhaseCalm, histories.PhaseFaults, histories.PhaseHeal, histories.PhaseQuiet, histories.PhaseFinal, histories.PhaseEnd,
}

// StepError says which field of which step is wrong.
type StepError struct {
	Step  int    // from 0
	Fault int    // from 0; -1: the step itself
	Field string // as JSON and YAML name it; empty: the step as a whole
	Err   error
}

// Error names the place as spec.json has it.
func (e *StepError) Error() string {
	at := fmt.Sprintf("steps[%d]", e.Step)
	if e.Fault >= 0 {
		at += fmt.Sprintf(".faults[%d]", e.Fault)
	}
	if e.Field != "" {
		at += "." + e.Field
	}
	return at + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *StepError) Unwrap() error { return e.Err }

// CheckSteps refuses steps that cannot be walked. nodes are those that faults may
// be on; nil where the cluster is not known yet. What is wrong is a *StepError.
func CheckSteps(steps []Step, nodes []string) error {
	seen := map[string]int{}
	for i, s := range steps {
		bad := func(field, format string, args ...any) error {
			return &StepError{i, -1, field, fmt.Errorf(format, args...)}
		}
		_, twice := seen[s.Phase]
		switch {
		case s.Phase == "" || strings.ContainsAny(s.Phase, " \t\n"):
			return bad("phase", "%q: want a name without spaces", s.Phase)
		case slices.Contains(runPhases, s.Phase):
			return bad("phase", "%q is a phase that every run has: choose another name (%s are taken)", s.Phase, strings.Join(runPhases, ", "))
		case twice:
			return bad("phase", "%q is the name of an earlier step", s.Phase)
		case s.For < 0 || time.Duration(s.For) > maxStep:
			return bad("for", "%v: allowed are 0s to %v", time.Duration(s.For), maxStep)
		case s.Limit < 0 || time.Duration(s.Limit) > maxStep:
			return bad("limit", "%v: allowed are 0s to %v", time.Duration(s.Limit), maxStep)
		case s.Limit > 0 && s.Limit < s.For:
			return bad("limit", "%v is less than the %v that the step lasts", time.Duration(s.Limit), time.Duration(s.For))
		case s.Acks < 0:
			return bad("acks", "%d: want a number of records, from 0", s.Acks)
		case s.For == 0 && s.Acks == 0 && !s.LeaderChanged && !s.Whole && len(s.Faults) == 0:
			return bad("", "it waits for nothing: give it for, acks, leader_changed, whole or faults")
		}
		seen[s.Phase] = i
	}
	return checkStepFaults(steps, seen, nodes)
}

// checkStepFaults judges the faults, and when they end.
func checkStepFaults(steps []Step, at map[string]int, nodes []string) error {
	busy := map[string]int{} // by node: the first step in which it is free again
	for i, s := range steps {
		for j, f := range s.Faults {
			if field, err := nemesis.CheckEvent(f.event(0), nodes); err != nil {
				return &StepError{i, j, field, err}
			}
			end := i + 1
			if f.Until != "" {
				var ok bool
				if end, ok = at[f.Until]; !ok || end <= i {
					return &StepError{i, j, "until", fmt.Errorf("%q is no later step", f.Until)}
				}
			}
			for _, node := range f.On {
				if busy[node] > i {
					return &StepError{i, j, "on", fmt.Errorf("%s is still held by an earlier fault: neither could be proven", node)}
				}
				busy[node] = end
			}
		}
	}
	return nil
}

// checkStepsHere refuses steps whose faults the started cluster cannot bear.
func (r *runner) checkStepsHere(nodes []string) error {
	if err := CheckSteps(r.spec.Steps, nodes); err != nil {
		return err
	}
	for _, s := range r.spec.Steps {
		var plan nemesis.Plan
		for i, f := range s.Faults {
			plan = append(plan, f.event(i))
		}
		if err := plan.Check(r.offer()); err != nil {
			return fmt.Errorf("step %s: %w", s.Phase, err)
		}
		if s.LeaderChanged && !r.offer().Admin {
			return fmt.Errorf("step %s waits for another leader, and nobody can be asked who leads on %s", s.Phase, r.spec.Target)
		}
	}
	return nil
}

// validateSteps judges what a scenario put into the spec.
func (s Spec) validateSteps() error {
	if len(s.Steps) > 0 && s.Faulty() {
		return errors.New("a run walks either steps or drawn faults: with steps leave nemesis at none")
	}
	if err := CheckSteps(s.Steps, s.NodeNames()); err != nil {
		return err
	}
	for i, e := range s.Expect {
		if e.Name == "" {
			return fmt.Errorf("expect[%d]: it has no name", i)
		}
		if field, err := checker.CheckExpect(e); err != nil {
			return fmt.Errorf("expect[%d] (%s): %s: %w", i, e.Name, field, err)
		}
		for _, phase := range []string{e.Phase, e.Baseline} {
			known := slices.Clone(runPhases)
			for _, step := range s.Steps {
				known = append(known, step.Phase)
			}
			if phase != "" && !slices.Contains(known, phase) {
				return fmt.Errorf("expect[%d] (%s): %w", i, e.Name, oneOf("phase", phase, known...))
			}
		}
	}
	return nil
}
