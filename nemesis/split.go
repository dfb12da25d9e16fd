package nemesis

import (
	"errors"
	"slices"
)

var halves = cutFault("halves",
	"The nodes named are cut from all the others, and each side goes on among itself. Clients still reach both.",
	HitsMinority, func(e Event, nodes []string) []pair { return between(e.On, others(nodes, e.On)) }, loses)

var ring = ringFault()

// ringFault makes the row of the majority ring.
func ringFault() Fault {
	f := cutFault("ring",
		"Majority ring: every node hears a majority of the nodes, itself among them, and no two hear the same. With three nodes each hears the one that follows it in the order named and not the other. Clients reach all.",
		HitsAll, majorities, loses)
	f = f.with(3)
	f.Check = func(e Event) error {
		if len(e.On) > 0 && len(e.On) < 3 {
			return errors.New("a ring takes three nodes or more: name all of the cluster's, in the order of the ring")
		}
		return nil
	}
	return f
}

// majorities cuts what each node of the ring does not hear: it hears itself and
// as many neighbours as make a majority, half of them on each side; the odd one
// follows it.
func majorities(e Event, _ []string) []pair {
	n := len(e.On)
	ears := n / 2 // besides itself
	before := ears / 2
	after := ears - before
	var out []pair
	for i, to := range e.On {
		for d := after + 1; d < n-before; d++ {
			out = append(out, pair{e.On[(i+d)%n], to})
		}
	}
	return out
}

var bridge = cutFault("bridge",
	"The nodes other than the one named fall into two halves that are cut from each other; the one named reaches both. Clients reach all.",
	HitsOne, bridged, loses).with(3)

// with says how many nodes the fault needs.
func (f Fault) with(nodes int) Fault {
	f.Nodes = nodes
	return f
}

// bridged cuts the rest in halves.
func bridged(e Event, nodes []string) []pair {
	rest := others(nodes, e.On)
	slices.Sort(rest)
	return between(rest[:len(rest)/2], rest[len(rest)/2:])
}
