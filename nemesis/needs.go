package nemesis

import (
	"errors"
	"fmt"
	"slices"
)

// Need is something that a fault needs of the target besides the clients' links.
type Need string

// Needs of faults, in the words of the catalogue.
const (
	NeedOwnServer Need = "own Toxiproxy server"
	NeedPeers     Need = "links between nodes"
	NeedProcesses Need = "the nodes' processes"
	NeedAdmin     Need = "an admin of the cluster"
	NeedNetns     Need = "an own network namespace"
)

// lacking says why a fault is refused where its need is not met.
var lacking = map[Need]string{
	NeedOwnServer: "needs our own Toxiproxy server: leave out --toxiproxy, or take other faults",
	NeedPeers:     "needs links between the nodes, and this target does not lead its nodes' traffic through ours: take --target kafka or process:FILE with at least two nodes",
	NeedProcesses: "needs the nodes' processes, and those of this target are not ours: take --target kafka or process:FILE",
	NeedAdmin:     "needs somebody to ask about the cluster's leaders, and nobody can be asked on this target: take --target kafka",
	NeedNetns:     "needs a network namespace of the run's own: pass --netns",
}

// Offer is what a target has for faults to act upon.
type Offer struct {
	OwnServer bool // the Toxiproxy server is our own
	Peers     bool // traffic between nodes goes through our links
	Processes bool // the nodes' processes are ours
	Admin     bool // the cluster can be asked, and told to move leaders
	Netns     bool // the run has a network namespace of its own
	Nodes     int  // how many nodes there are; 0: not known yet
}

// has says whether a need is met.
func (o Offer) has(n Need) bool {
	switch n {
	case NeedOwnServer:
		return o.OwnServer
	case NeedPeers:
		return o.Peers
	case NeedProcesses:
		return o.Processes
	case NeedAdmin:
		return o.Admin
	case NeedNetns:
		return o.Netns
	}
	return false
}

// Offer says what the world has.
func (w *World) Offer() Offer {
	return Offer{
		OwnServer: w.Links.Embedded(), Peers: w.Peers != nil, Processes: w.Processes != nil,
		Admin: w.Admin != nil, Netns: w.Netns, Nodes: len(w.Links.links),
	}
}

// Lacks says why the fault cannot be injected there; nil: it can.
func (f *Fault) Lacks(o Offer) error {
	for _, n := range f.Needs {
		if !o.has(n) {
			return errors.New(f.Name + " " + lacking[n])
		}
	}
	if o.Nodes > 0 && o.Nodes < f.Nodes {
		return fmt.Errorf("%s needs %d nodes or more, and there are %d", f.Name, f.Nodes, o.Nodes)
	}
	return nil
}

// bears says whether the contract holds under the fault as it is drawn there: a
// node that dies in a cluster of two takes what was replicated once with it.
func (f *Fault) bears(o Offer) bool {
	return f.InContract && !(f.Family == OnCrashes && o.Nodes > 0 && o.Nodes < 3)
}

// Check says whether the plan can be walked where this is offered: the first
// event that cannot, and what to do about it.
func (p Plan) Check(o Offer) error {
	for _, e := range p {
		f, ok := FindFault(e.Fault)
		if !ok {
			continue // ParsePlan refuses it
		}
		if err := f.Lacks(o); err != nil {
			return fmt.Errorf("event %d: %w", e.ID, err)
		}
		if i := slices.IndexFunc(e.On, func(s string) bool { return asksAdmin(s) }); i >= 0 && !o.Admin {
			return fmt.Errorf("event %d: %s %s; or name a node", e.ID, e.On[i], lacking[NeedAdmin])
		}
	}
	return nil
}
