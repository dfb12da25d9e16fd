package nemesis

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

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
	// Family is what the fault acts upon. Draws take the families in turn.
	Family Family
	// Needs is what the target must have besides the clients' links.
	Needs []Need
	// Nodes is how many nodes the cluster must have; 0: any number.
	Nodes int
	// Hits says which nodes a draw chooses.
	Hits Hits
	// Hold is how long a drawn event is held; zero: as the interval has it. A
	// cluster takes 3 to 6 s to notice that a node is gone.
	Hold Hold
	// Clean is how long the proof that it is gone may take; 0: a few seconds.
	Clean time.Duration
	// OwnProof says that the bite can be proven only on our own server.
	OwnProof bool
	// Cut says that nothing useful gets through, so that clients make no
	// progress on a node while it lasts.
	Cut bool
	// Check judges what no single argument shows; nil: nothing to judge.
	Check func(Event) error
	// Inject makes the event happen and returns what takes it away again. On
	// error the world may be in any state and must be healed.
	Inject func(ctx context.Context, w *World, e Event) (Heal, error)
	// Watch prepares the measurements on one of the event's nodes.
	Watch func(w *World, e Event, node string) Watch
}

// Family is what a fault acts upon.
type Family string

// Families of faults.
const (
	OnLinks   Family = ""        // the ways from clients to nodes
	OnPeers   Family = "peers"   // the ways between nodes, slowed down
	OnCuts    Family = "cuts"    // the ways between nodes, cut
	OnCrashes Family = "crashes" // processes that end at once
	OnProcess Family = "process" // processes that end gently or stand still
	OnCluster Family = "cluster" // what an admin may do
	OnPackets Family = "packets" // packets of the ways between nodes
)

// Hits says which nodes a draw chooses.
type Hits int

// Choices of nodes.
const (
	HitsAny      Hits = iota // one, a minority, a majority or all
	HitsOne                  // one
	HitsMinority             // one, or as many as are less than half
	HitsAll                  // all, in a drawn order
)

// Hold is how long a drawn event is held.
type Hold struct{ Min, Max time.Duration }

// clusterHold is for faults that a cluster must notice to be harmed by them.
var clusterHold = Hold{10 * time.Second, 15 * time.Second}

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
	isolate,
	isolateStall,
	isolateDown,
	isolateIn,
	isolateOut,
	halves,
	ring,
	bridge,
	peerLatency,
	peerBandwidth,
	peerSlicer,
	peerSlowClose,
	peerRetransmit,
	kill,
	killAll,
	rollingRestart,
	pauseFault,
	stop,
	powerLoss,
	moveLeaders,
	reassign,
	rollSegments,
	packetLoss,
	packetDrop,
}

// FindFault finds a fault by its name.
func FindFault(name string) (Fault, bool) {
	if f := row(name); f != nil {
		return *f, true
	}
	return Fault{}, false
}

// row is a fault's row in the catalogue; nil: there is none.
func row(name string) *Fault {
	for i := range Faults {
		if Faults[i].Name == name {
			return &Faults[i]
		}
	}
	return nil
}

// clean is how long the proof that the fault is gone may take.
func (f *Fault) clean() time.Duration { return max(f.Clean, cleanLimit) }

// FaultNames lists what "all" means: every fault that stays inside the
// contract and can be injected and proven where this is offered.
func FaultNames(o Offer) []string {
	var out []string
	for _, f := range Faults {
		if f.bears(o) && f.Lacks(o) == nil && (o.OwnServer || !f.OwnProof) {
			out = append(out, f.Name)
		}
	}
	return out
}

// everyName lists the whole catalogue, for what a user may have meant.
func everyName() []string {
	out := make([]string, len(Faults))
	for i, f := range Faults {
		out[i] = f.Name
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
