package nemesis

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/internal/names"
)

// Fault is a row of the catalogue.
type Fault struct {
	Name, Doc string
	Args      []Arg
	// Directions lists the directions that the fault may have; empty: it acts
	// on the link as a whole and a plan gives none.
	Directions []string
	// InContract says that a broker must keep its promises under the fault.
	// Only such faults are drawn by "all".
	InContract bool
	// OwnServer says that the fault needs our own Toxiproxy server.
	OwnServer bool
	// OwnProof says that the bite can be proven only on our own server.
	OwnProof bool
	// Cut says that nothing useful gets through, so that clients make no
	// progress on a node while it lasts.
	Cut bool
	// Check judges what no single argument shows; nil: nothing to judge.
	Check func(Event) error
	// Inject makes the event happen and returns what takes it away again. On
	// error the links may be in any state and must be healed.
	Inject func(ctx context.Context, w *World, e Event) (Heal, error)
	// Watch prepares the measurements on one of the event's nodes.
	Watch func(w *World, e Event, node string) Watch
}

// Arg is a parameter of a fault.
type Arg struct {
	Name, Unit, Doc string
	Min, Max        float64 // the realistic range, which draws stay in
	Floor, Ceil     float64 // what is allowed at all
	Step            float64 // draws step by it; from 1 on only whole numbers are allowed
	Optional        bool    // may be left out, and is 0 then
}

// Faults is the catalogue. New rows go last: their order feeds the draw.
var Faults = []Fault{
	latency,
	bandwidth,
	stall,
	blackhole,
	onewayRequest,
	onewayReply,
	timeout,
	down,
	slicer,
	slowClose,
	reset,
	limitData,
	retransmit,
}

// FindFault finds a fault by its name.
func FindFault(name string) (Fault, bool) {
	i := slices.IndexFunc(Faults, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return Faults[i], true
}

// FaultNames lists what "all" means: every fault that stays inside the
// contract and can be injected and proven on the kind of server.
func FaultNames(embedded bool) []string {
	var out []string
	for _, f := range Faults {
		if f.InContract && (embedded || !f.OwnServer && !f.OwnProof) {
			out = append(out, f.Name)
		}
	}
	return out
}

// arg finds an argument by its name.
func (f *Fault) arg(name string) (Arg, bool) {
	for _, a := range f.Args {
		if a.Name == name {
			return a, true
		}
	}
	return Arg{}, false
}

// argNames lists the arguments.
func (f *Fault) argNames() []string {
	var out []string
	for _, a := range f.Args {
		out = append(out, a.Name)
	}
	return out
}

// check judges an event's direction and arguments: which field is wrong, and why.
func (f *Fault) check(e Event) (field string, err error) {
	if len(f.Directions) == 0 && e.Direction != "" {
		return "direction", fmt.Errorf("%s has no direction: leave it out", f.Name)
	}
	if len(f.Directions) > 0 && !slices.Contains(f.Directions, e.Direction) {
		return "direction", fmt.Errorf("%q is none: %s takes %s", e.Direction, f.Name, strings.Join(f.Directions, ", "))
	}
	for name, v := range e.Args {
		a, ok := f.arg(name)
		if !ok {
			return "args", unknown(name, f.argNames(), f.Name+" takes")
		}
		if math.IsNaN(v) || v < a.Floor || v > a.Ceil {
			return "args", fmt.Errorf("%s %v: allowed are %v to %v %s", name, v, a.Floor, a.Ceil, a.Unit)
		}
		if a.Step >= 1 && v != math.Trunc(v) {
			return "args", fmt.Errorf("%s %v: want a whole number of %s", name, v, a.Unit)
		}
	}
	for _, a := range f.Args {
		if _, ok := e.Args[a.Name]; !ok && !a.Optional {
			return "args", fmt.Errorf("%s is missing: %s, %v to %v %s is realistic", a.Name, a.Doc, a.Min, a.Max, a.Unit)
		}
	}
	if f.Check != nil {
		return "args", f.Check(e)
	}
	return "", nil
}

// unknown says that a name is none of those allowed, and which was probably meant.
func unknown(name string, allowed []string, takes string) error {
	if len(allowed) == 0 {
		return fmt.Errorf("%q is unknown: %s nothing", name, takes)
	}
	if best := names.Nearest(name, allowed); best != "" {
		return fmt.Errorf("%q is unknown: did you mean %q? (%s %s)", name, best, takes, strings.Join(allowed, ", "))
	}
	return fmt.Errorf("%q is unknown: %s %s", name, takes, strings.Join(allowed, ", "))
}
