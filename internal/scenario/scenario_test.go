package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/strictyaml"
)

// TestShipped: every shipped file is in the catalogue, is called as it is named,
// and makes a spec on each of its targets.
func TestShipped(t *testing.T) {
	entries, err := shipped.ReadDir("scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(shippedNames, strings.TrimSuffix(e.Name(), ".yaml")) {
			t.Errorf("%s is not in the catalogue", e.Name())
		}
	}
	for _, name := range shippedNames {
		s, err := readShipped(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Name != name || len(s.Expect()) == 0 {
			t.Errorf("%s is called %s and expects %d things", name, s.Name, len(s.Expect()))
		}
		base := run.Default()
		if !s.Fits(base.Target) {
			continue
		}
		spec, err := s.Spec(base)
		if err != nil {
			t.Error(err)
		}
		if spec.Scenario != name || len(spec.Steps) == 0 || spec.Faulty() {
			t.Errorf("%s makes %+v", name, spec)
		}
	}
}

// TestFind takes names and files, and names the nearest.
func TestFind(t *testing.T) {
	if _, err := Find("latncy"); err == nil || !strings.Contains(err.Error(), `"latency"`) {
		t.Errorf("a name that nobody knows: %v", err)
	}
	s, err := Find("latency")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, s.Text, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := Find(path); err != nil || s.Name != "latency" {
		t.Errorf("%v %v", s, err)
	}
}

// TestParseRefuses names line and field of what is wrong.
func TestParseRefuses(t *testing.T) {
	good := `name: mine
doc: A sentence.
targets: [embedded]
spec:
  rate: 100
steps:
  - phase: baseline
    for: 2s
  - phase: cut
    faults:
      - fault: down
        on: [n1]
expect:
  - name: works
    kind: acked
    phase: cut
    args: {at_least: 5}
`
	if _, err := Parse("f.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to, field string
		line            int
		want            string
	}{
		{"name: mine", "nam: mine", "nam", 1, `"name"`},
		{"name: mine", "name: my/own", "name", 1, "slashes"},
		{"doc: A sentence.", "guide: x", "doc", 0, "missing"},
		{"[embedded]", "[embeded]", "targets[0]", 3, `"embedded"`},
		{"rate: 100", "rate: -1", "spec.rate", 5, "allowed"},
		{"rate: 100", "rates: 100", "spec.rates", 5, `"rate"`},
		{"rate: 100", "rate: fast", "spec.rate", 5, "number"},
		{"for: 2s", "for: 2", "steps[0].for", 8, "unit"},
		{"for: 2s", "acks: -2", "steps[0].acks", 8, "from 0"},
		{"fault: down", "fault: dwon", "steps[1].faults[0].fault", 11, `"down"`},
		{"on: [n1]", "on: []", "steps[1].faults[0].on", 12, "at least one"},
		{"fault: down", "fault: latency", "steps[1].faults[0]", 11, "direction"},
		{"phase: baseline", "phase: calm", "steps[0].phase", 7, "every run"},
		{"kind: acked", "kind: aked", "expect[0].kind", 15, `"acked"`},
		{"    phase: cut\n    args", "    phase: ct\n    args", "expect[0].phase", 16, `"cut"`},
		{"at_least: 5", "at_leats: 5", "expect[0]", 14, "at_least"},
	} {
		_, err := Parse("f.yaml", []byte(strings.Replace(good, c.from, c.to, 1)))
		var at *strictyaml.Error
		if !errors.As(err, &at) || at.File != "f.yaml" || at.Line != c.line || !strings.HasPrefix(at.Field, c.field) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want f.yaml line %d: %s: …%s", c.to, err, c.line, c.field, c.want)
		}
	}
}

// TestSelect: what cannot be run is skipped with the reason.
func TestSelect(t *testing.T) {
	base := run.Default()
	fit, others, err := Select("guide", base)
	if err != nil || len(fit) == 0 || len(others) == 0 {
		t.Fatalf("%d fit, %d do not, %v", len(fit), len(others), err)
	}
	for _, o := range others {
		if o.Why != "not for this target" {
			t.Errorf("%s is skipped on the embedded target: %s", o.Name, o.Why)
		}
	}
	base.Target = "kafka"
	all, lacking, err := Select("guide", base)
	if err != nil || len(all) != len(fit)+len(others)-1 || len(lacking) != 1 || !strings.Contains(lacking[0].Why, "--netns") {
		t.Errorf("on three nodes of Kafka %d fit, %+v do not, %v", len(all), lacking, err)
	}
	base.Netns = true
	if every, none, err := Select("guide", base); err != nil || len(every) != len(all)+1 || len(none) > 0 {
		t.Errorf("in a network namespace %d fit, %+v do not, %v", len(every), none, err)
	}
	base.Nodes = 1
	_, others, err = Select("guide", base)
	if err != nil || !slices.ContainsFunc(others, func(o Skipped) bool { return o.Name == "split-brain-stall" && strings.Contains(o.Why, "isolate-stall") }) {
		t.Errorf("on one node %+v, %v", others, err)
	}
	if _, _, err := Select("gude", base); err == nil || !strings.Contains(err.Error(), `"guide"`) {
		t.Errorf("a suite that is none: %v", err)
	}
}
