// Package museum shows real faults of Kafka-compatible systems and of their
// clients: each exhibit is a broker that is broken in that way, a run in which it
// must be convicted by the fault's own name, and the same run of a sound one,
// which must stay valid.
//
// It is the proof that the checker has teeth, the regression test of every
// refactoring, and the material of docs/tutorial.md.
package museum

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

// Exhibit is a real bug and how it is shown. One without Shows is not built;
// Needs says what it would take.
type Exhibit struct {
	Number int
	Bug    string // what was wrong, and where
	Source string // who reported it: project and number of the issue, or a release
	Shows  []Show
	Needs  string // why there is no Show
}

// Show is a broken broker, or a real Kafka that is led astray by its
// configuration, and the run that convicts it.
type Show struct {
	// Mutant is a row of mutants.Mutants. Its headline is what the show is
	// convicted of, its followers are what may come with that.
	Mutant   string
	Workload string   // empty: the mutant's own
	Faults   []string // none: the network is left alone
	// Tune sets what else both runs need; nil: nothing.
	Tune func(*run.Spec)
	// Real is the show on a real Kafka; nil: it has a mutant.
	Real *Real
}

// Real is a show on a real Kafka of its own.
type Real struct {
	Scenario string         // a row of the shipped scenarios
	Kinds    []checker.Kind // one of them is the headline
	// Allowed says that the contract of the broken run allows what is found, and
	// that the verdict has to say so.
	Allowed bool
	// Broken and Twin set what tells the two runs apart.
	Broken, Twin func(*run.Spec)
}

// Built tells whether the exhibit can be shown.
func (e Exhibit) Built() bool { return len(e.Shows) > 0 }

// Kinds are what the show is convicted of: any of them.
func (s Show) Kinds() []checker.Kind {
	if s.Real != nil {
		return s.Real.Kinds
	}
	m, err := mutants.ByName(s.Mutant)
	if err != nil {
		return nil // TestExhibits finds it
	}
	return []checker.Kind{checker.Kind(m.Headline)}
}

// Name is the show's mutant, or the scenario and its target.
func (s Show) Name() string {
	if s.Real != nil {
		return s.Real.Scenario + " on kafka"
	}
	return s.Mutant
}

// How says what the broker does.
func (s Show) How() string {
	if s.Real != nil {
		return "A real Apache Kafka, configured to do it: scenario " + s.Real.Scenario + "."
	}
	m, err := mutants.ByName(s.Mutant)
	if err != nil {
		return ""
	}
	return m.Doc
}

// Select returns the exhibits of a command line: their numbers, or all that are
// built where there are none or the word is all. What is not there, or not
// built, is an error.
func Select(args []string) ([]Exhibit, error) {
	if len(args) == 0 || len(args) == 1 && args[0] == "all" {
		var out []Exhibit
		for _, e := range Exhibits {
			if e.Built() {
				out = append(out, e)
			}
		}
		return out, nil
	}
	var out []Exhibit
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 || n > len(Exhibits) {
			return nil, fmt.Errorf("exhibit %q: want a number from 1 to %d, or all (see museum list)", arg, len(Exhibits))
		}
		e := Exhibits[n-1]
		if !e.Built() {
			return nil, fmt.Errorf("exhibit %d (%s) is %s; built are: %s", n, e.Bug, e.state(), strings.Join(built(), " "))
		}
		out = append(out, e)
	}
	return out, nil
}

// built lists the numbers that can be shown.
func built() []string {
	var out []string
	for _, e := range Exhibits {
		if e.Built() {
			out = append(out, strconv.Itoa(e.Number))
		}
	}
	return out
}

// spec is the run of a show with a seed, the broken one or its twin. The two
// differ in nothing but the broker.
func (s Show) spec(number int, seed uint64, twin bool) run.Spec {
	spec := run.Default()
	spec.Seed = seed
	spec.Name = fmt.Sprintf("museum-%02d", number)
	if twin {
		spec.Name += "-twin"
	}
	// The broken brokers behave for two seconds, and one sin in a hundred requests
	// shows within the next few.
	spec.TimeLimit, spec.Calm, spec.Quiet = run.Duration(6*time.Second), run.Duration(time.Second), run.Duration(500*time.Millisecond)
	spec.Rate = 3000
	spec.KeepGoing = true // for every sin of the ledger, not only the first, to be convicted
	spec.Nemesis = []string{"none"}
	if len(s.Faults) > 0 {
		spec.Nemesis = s.Faults
	}
	spec.WholeLimit = run.Duration(5 * time.Second)
	if m, err := mutants.ByName(s.Mutant); err == nil {
		spec.Break(m)
	}
	if twin {
		spec.Mutant = ""
	}
	if s.Workload != "" {
		spec.Workload = s.Workload
	}
	if s.Tune != nil {
		s.Tune(&spec)
	}
	return spec
}
