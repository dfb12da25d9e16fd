package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// scripted is a short run on the embedded target that walks steps.
func scripted(steps []Step, expect ...histories.Expect) Spec {
	s := Default()
	s.Name, s.Seed, s.Nemesis, s.Calm = "scripted", 7, []string{"none"}, Duration(200*time.Millisecond)
	s.Rate, s.Steps, s.Expect = 1000, steps, expect
	s.Topics, s.Partitions = 1, 3
	return s
}

// TestWalkSteps walks steps on the clock and on events, with a fault that lasts
// over two of them, and judges what is expected of each.
func TestWalkSteps(t *testing.T) {
	spec := scripted([]Step{
		{Phase: "baseline", Acks: 300},
		{Phase: "slow", For: Duration(1500 * time.Millisecond), Faults: []StepFault{
			{Fault: "latency", On: []string{"n1"}, Direction: "downstream", Args: map[string]float64{"latency_ms": 60, "jitter_ms": 0}, Until: "healed"},
		}},
		{Phase: "worse", For: Duration(1500 * time.Millisecond), Faults: []StepFault{{Fault: "down", On: []string{"n2"}}}},
		{Phase: "healed", For: Duration(500 * time.Millisecond), Whole: true},
	},
		histories.Expect{Name: "slow", Kind: "latency", Phase: "slow", Args: map[string]float64{"quantile": 0.99, "at_least_ms": 60}},
		histories.Expect{Name: "fast", Kind: "latency", Phase: "baseline", Args: map[string]float64{"quantile": 0.5, "at_most_ms": 60}},
		histories.Expect{Name: "recovers", Kind: "recovery", Phase: "healed", Args: map[string]float64{"at_most_ms": 10_000}},
		histories.Expect{Name: "never so fast", Kind: "throughput", Phase: "worse", Baseline: "baseline", Args: map[string]float64{"at_least": 50}},
	)
	res, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test"})
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]checker.Validity{}
	for _, e := range res.Verdict.Expectations {
		t.Logf("%s: %v: %s", e.Name, e.Met, e.Why)
		met[e.Name] = e.Met
	}
	if met["slow"] != checker.Valid || met["fast"] != checker.Valid || met["recovers"] != checker.Valid || met["never so fast"] != checker.Invalid {
		t.Errorf("expectations: %v", met)
	}
	if res.Verdict.Valid != checker.Invalid || len(res.Verdict.Anomalies) > 0 || len(res.Verdict.Unknown) > 0 {
		t.Errorf("one expectation that is not met makes the run invalid, and nothing else: %v %v %v", res.Verdict.Valid, res.Verdict.Anomalies, res.Verdict.Unknown)
	}
	for _, f := range res.Verdict.Faults {
		if f.Bit != checker.Valid || f.Healed != checker.Valid {
			t.Errorf("fault %s on %v: bit %v, healed %v: %s", f.Fault, f.On, f.Bit, f.Healed, f.Why)
		}
	}
	phases := phasesOf(t, res.Dir)
	want := []string{"calm", "baseline", "slow", "worse", "healed", "heal", "quiet", "final", "end"}
	if !slices.Equal(phases, want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
	saved, err := Load(res.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if string(saved.Spec.Encode()) != string(spec.Encode()) {
		t.Errorf("the saved spec is not the one that ran:\n%s", saved.Spec.Encode())
	}
}

// phasesOf lists the phases of a saved run.
func phasesOf(t *testing.T, dir string) []string {
	t.Helper()
	in, err := histories.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out []string
	for {
		op, err := in.Next()
		if err != nil {
			return out
		}
		if op.F == histories.Phase {
			out = append(out, op.Event.Phase)
		}
	}
}

// TestStopDuringSteps: the user's wish to stop ends the walk, and what is held
// is healed.
func TestStopDuringSteps(t *testing.T) {
	spec := scripted([]Step{{Phase: "cut", For: Duration(time.Hour), Faults: []StepFault{{Fault: "down", On: []string{"n1"}}}}})
	stop := make(chan struct{})
	o := Options{Store: t.TempDir(), Tool: "test", Stop: stop}
	o.Status = func(s Status) {
		if len(s.Active) > 0 && s.Phase == "cut" && s.Elapsed > 2*time.Second {
			select {
			case <-stop:
			default:
				close(stop)
			}
		}
	}
	res, err := Run(context.Background(), spec, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Verdict.Faults) != 1 || res.Verdict.Faults[0].Healed != checker.Valid || res.Verdict.Incomplete {
		t.Errorf("%+v incomplete %v", res.Verdict.Faults, res.Verdict.Incomplete)
	}
}

// TestCheckSteps names the place of what is wrong.
func TestCheckSteps(t *testing.T) {
	second := Duration(time.Second)
	down := func(until string, on ...string) []StepFault {
		return []StepFault{{Fault: "down", On: on, Until: until}}
	}
	for _, c := range []struct {
		name, at, want string
		steps          []Step
	}{
		{"no name", "steps[0].phase", "name", []Step{{For: second}}},
		{"taken", "steps[0].phase", "every run has", []Step{{Phase: "final", For: second}}},
		{"twice", "steps[1].phase", "earlier", []Step{{Phase: "a", For: second}, {Phase: "a", For: second}}},
		{"nothing", "steps[0]", "waits for nothing", []Step{{Phase: "a"}}},
		{"limit", "steps[0].limit", "less than", []Step{{Phase: "a", For: 2 * second, Limit: second}}},
		{"fault", "steps[0].faults[0].fault", `"down"`, []Step{{Phase: "a", Faults: []StepFault{{Fault: "dwon", On: []string{"n1"}}}}}},
		{"node", "steps[0].faults[0].on", "n1", []Step{{Phase: "a", Faults: down("", "n9")}}},
		{"until", "steps[0].faults[0].until", "no later step", []Step{{Phase: "a", Faults: down("b", "n1")}}},
		{"held", "steps[1].faults[0].on", "held", []Step{{Phase: "a", Faults: down("c", "n1")}, {Phase: "b", Faults: down("", "n1")}, {Phase: "c", For: second}}},
	} {
		err := CheckSteps(c.steps, []string{"n1", "n2"})
		var at *StepError
		if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), c.at+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s: …%s", c.name, err, c.at, c.want)
		}
	}
	spec := scripted([]Step{{Phase: "a", For: second}}, histories.Expect{Name: "x", Kind: "acked", Phase: "b", Args: map[string]float64{"at_least": 1}})
	if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("an expectation over a phase that is not there: %v", err)
	}
}
