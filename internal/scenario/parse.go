package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/strictyaml"
)

// file is the form of a scenario.
type file struct {
	Name    string    `yaml:"name"`
	Doc     string    `yaml:"doc"`
	Guide   string    `yaml:"guide"`
	Targets []string  `yaml:"targets"`
	Spec    overrides `yaml:"spec"`
	Steps   []step    `yaml:"steps"`
	Expect  []expect  `yaml:"expect"`
}

type step struct {
	Phase         string       `yaml:"phase"`
	For           run.Duration `yaml:"for"`
	Acks          int64        `yaml:"acks"`
	LeaderChanged bool         `yaml:"leader_changed"`
	Whole         bool         `yaml:"whole"`
	Limit         run.Duration `yaml:"limit"`
	Faults        []fault      `yaml:"faults"`
}

type fault struct {
	Fault     string             `yaml:"fault"`
	On        []string           `yaml:"on"`
	Direction string             `yaml:"direction"`
	Args      map[string]float64 `yaml:"args"`
	Until     string             `yaml:"until"`
}

type expect struct {
	Name     string             `yaml:"name"`
	Kind     string             `yaml:"kind"`
	Phase    string             `yaml:"phase"`
	Baseline string             `yaml:"baseline"`
	Of       []string           `yaml:"of"`
	Args     map[string]float64 `yaml:"args"`
}

// Parse reads a scenario. What is wrong is named with its line and field; name
// is the file's, for errors.
func Parse(name string, b []byte) (*Scenario, error) {
	var f file
	if err := strictyaml.Decode(name, b, &f); err != nil {
		return nil, err
	}
	refuse := func(field, format string, args ...any) error {
		return &strictyaml.Error{File: name, Line: strictyaml.Line(b, field), Field: field, Why: fmt.Sprintf(format, args...)}
	}
	switch {
	case f.Name == "":
		return nil, refuse("name", "it is missing")
	case strings.ContainsAny(f.Name, "/\\ \x00") || strings.HasPrefix(f.Name, ".") || f.Name == "latest":
		return nil, refuse("name", "%q: want a plain name without spaces and slashes: run directories are called so", f.Name)
	case f.Doc == "":
		return nil, refuse("doc", "it is missing: a sentence that says what the experiment shows")
	case len(f.Steps) == 0:
		return nil, refuse("steps", "there are none")
	}
	for i, t := range f.Targets {
		if known := targetNames(); !slices.Contains(known, t) && t != "kafka" {
			return nil, refuse(fmt.Sprintf("targets[%d]", i), "unknown target %q%s; there are: %s", t, names.Hint(t, known), strings.Join(known, ", "))
		}
	}
	s := &Scenario{Name: f.Name, Doc: strings.TrimSpace(f.Doc), Guide: f.Guide, Targets: f.Targets, File: name, Text: b, spec: f.Spec}
	for _, st := range f.Steps {
		s.steps = append(s.steps, st.step())
	}
	if err := run.CheckSteps(s.steps, nil); err != nil {
		var at *run.StepError
		if !errors.As(err, &at) {
			return nil, refuse("steps", "%v", err)
		}
		field, _, _ := strings.Cut(err.Error(), ": ")
		return nil, refuse(field, "%v", at.Err)
	}
	if err := f.expectations(s, refuse); err != nil {
		return nil, err
	}
	return s, f.trial(s, refuse)
}

func (st step) step() run.Step {
	out := run.Step{
		Phase: st.Phase, For: st.For, Acks: st.Acks, LeaderChanged: st.LeaderChanged, Whole: st.Whole, Limit: st.Limit,
	}
	for _, f := range st.Faults {
		out.Faults = append(out.Faults, run.StepFault(f))
	}
	return out
}

// expectations reads what is expected, each over phases that there are.
func (f *file) expectations(s *Scenario, refuse func(string, string, ...any) error) error {
	phases := []string{histories.PhaseCalm, histories.PhaseHeal}
	for _, st := range f.Steps {
		phases = append(phases, st.Phase)
	}
	for i, e := range f.Expect {
		at := func(field string) string { return strings.TrimSuffix(fmt.Sprintf("expect[%d].%s", i, field), ".") }
		if e.Name == "" {
			return refuse(at("name"), "it is missing: what the expectation is called in the verdict")
		}
		x := histories.Expect(e)
		if field, err := checker.CheckExpect(x); err != nil {
			if _, isArg := e.Args[field]; isArg {
				field = "args." + field
			}
			return refuse(at(field), "%v", err)
		}
		for field, phase := range map[string]string{"phase": e.Phase, "baseline": e.Baseline} {
			if phase != "" && !slices.Contains(phases, phase) {
				return refuse(at(field), "no step is called %q%s; there are: %s", phase, names.Hint(phase, phases), strings.Join(phases, ", "))
			}
		}
		s.expect = append(s.expect, x)
	}
	return nil
}

// trial makes the spec once, so that what it refuses is known before a run.
func (f *file) trial(s *Scenario, refuse func(string, string, ...any) error) error {
	base := run.Default()
	f.Spec.apply(&base)
	base.Nemesis = []string{"none"}
	if err := base.Validate(); err != nil {
		field := "spec"
		for _, name := range slices.Sorted(maps.Keys(f.Spec.given())) {
			if strings.HasPrefix(strings.ReplaceAll(err.Error(), "-", "_"), name) {
				field = "spec." + name
			}
		}
		return refuse(field, "%v", err)
	}
	return nil
}
