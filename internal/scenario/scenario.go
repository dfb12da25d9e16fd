// Package scenario has named experiments: a run, the steps that it walks, and
// what is expected of each. Those that are shipped and those of users have the
// same form, a YAML file (docs/chaos-guide.md, Steps and files).
package scenario

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// Scenario is a named experiment.
type Scenario struct {
	Name, Doc string
	// Guide says which experiment of the network chaos guide it is; empty: none.
	Guide string
	// Targets are the names of the targets where it makes sense.
	Targets []string
	// File is where it was read from, and Text is what stands there.
	File string
	Text []byte

	spec   overrides
	steps  []run.Step
	expect []histories.Expect
}

// Source is what Find takes to find it again: its name where it is shipped, else
// the file.
func (s *Scenario) Source() string {
	if s.File == s.Name+".yaml" && slices.Contains(shippedNames, s.Name) {
		return s.Name
	}
	return s.File
}

// Steps are what it walks.
func (s *Scenario) Steps() []run.Step { return slices.Clone(s.steps) }

// Expect is what it expects.
func (s *Scenario) Expect() []histories.Expect { return slices.Clone(s.expect) }

//go:embed scenarios/*.yaml
var shipped embed.FS

// names of the shipped scenarios, the guide's first, in the order of a suite.
var shippedNames = []string{
	"latency",
	"latency-one-node",
	"bandwidth",
	"bandwidth-peers",
	"slow-close",
	"slow-close-peers",
	"timeout",
	"slicer",
	"practices",
	"split-brain-stall",
	"split-brain-blackhole",
	"split-brain-oneway",
	"packet-loss",
	"packet-loss-nft",
	"cascading-failure",
	"rolling-restart",
	"kill-all",
	"majority-ring",
	"leader-hunting",
	"zombie-leader",
	"acks-one-loss",
	"unclean-election",
	"power-loss",
	"lost-acks-duplicate",
}

// Shipped returns the scenarios that come with the program.
func Shipped() ([]*Scenario, error) {
	var out []*Scenario
	for _, name := range shippedNames {
		s, err := readShipped(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func readShipped(name string) (*Scenario, error) {
	file := path.Join("scenarios", name+".yaml")
	b, err := shipped.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the shipped scenario %s: %w", name, err)
	}
	return Parse(name+".yaml", b)
}

// Find returns a shipped scenario by its name, or reads a file.
func Find(name string) (*Scenario, error) {
	if slices.Contains(shippedNames, name) {
		return readShipped(name)
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("scenario %q%s: neither a file nor one that is shipped; there are: %s",
			name, names.Hint(name, shippedNames), strings.Join(shippedNames, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(name, b)
}

// Fits tells whether the scenario makes sense on a target, given as name or
// name:argument.
func (s *Scenario) Fits(spec string) bool {
	name, _, _ := strings.Cut(spec, ":")
	return len(s.Targets) == 0 || slices.Contains(s.Targets, name)
}

// lacks says which of its faults cannot be injected there, and why; nil: all can.
func (s *Scenario) lacks(base run.Spec) error {
	offer := run.OfferOf(base.Target, base.Nodes, base.Toxiproxy, base.Netns)
	for _, st := range s.steps {
		for _, f := range st.Faults {
			if row, ok := nemesis.FindFault(f.Fault); ok && row.Lacks(offer) != nil {
				return row.Lacks(offer)
			}
		}
	}
	return nil
}

// Spec is the run that the scenario makes of a base: target, seed and whatever
// else the base says that the scenario leaves open.
func (s *Scenario) Spec(base run.Spec) (run.Spec, error) {
	if !s.Fits(base.Target) {
		return base, fmt.Errorf("scenario %s makes no sense on target %s: it is for %s", s.Name, base.Target, strings.Join(s.Targets, ", "))
	}
	s.spec.apply(&base)
	base.Scenario, base.Steps, base.Expect = s.Name, s.Steps(), s.Expect()
	base.Nemesis = []string{"none"}
	base.Name = s.Name
	if err := base.Validate(); err != nil {
		return base, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return base, nil
}

// targetNames lists the targets that there are.
func targetNames() []string {
	var out []string
	for _, t := range target.Targets {
		out = append(out, t.Name)
	}
	return out
}
