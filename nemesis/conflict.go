package nemesis

import (
	"cmp"
	"fmt"
	"slices"
)

// What an event acts upon at its nodes. Two events that act upon the same thing
// of one node at a time could not be told apart, and could not both be proven.
const (
	actsOnLink    = "link"
	actsOnPeers   = "links to other nodes"
	actsOnProcess = "process"
	actsOnCluster = "partitions"
)

// acts says what a fault acts upon.
func (f *Fault) acts() string {
	switch f.Family {
	case OnPeers, OnCuts, OnPackets:
		return actsOnPeers
	case OnCrashes, OnProcess:
		return actsOnProcess
	case OnCluster:
		return actsOnCluster
	}
	return actsOnLink
}

// conflict says what two events may not both act upon at a time; empty: they
// are no trouble to each other. Who is meant by a symbol shows too late, so it
// may be any node.
func conflict(a, b Event) (what string) {
	f, g := row(a.Fault), row(b.Fault)
	if f == nil || g == nil {
		return ""
	}
	fa, ga := f.acts(), g.acts()
	// A link cannot be measured while the process behind it is gone.
	if fa != ga && !(fa == actsOnLink && ga == actsOnProcess || fa == actsOnProcess && ga == actsOnLink) {
		return ""
	}
	// Cuts between nodes, and what an admin does, concern more than the nodes named.
	if fa == ga && (fa == actsOnPeers || fa == actsOnCluster) || anySymbol(a.On) || anySymbol(b.On) || share(a.On, b.On) {
		return ga
	}
	return ""
}

// follows says whether b must wait until a is over, proof and all: they act
// upon the same thing, or on the cluster's health one after the other.
func follows(b, a Event) bool {
	if conflict(a, b) != "" {
		return true
	}
	f, g := row(a.Fault), row(b.Fault)
	return f != nil && g != nil && a.At+a.For <= b.At && f.Family != OnLinks && g.Family != OnLinks
}

// overlaps refuses two events on one thing at the same time.
func (p *planParser) overlaps() error {
	order := make([]int, len(p.plan))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.plan[a].At, p.plan[b].At) })
	var open []int // events that have begun and may not have ended
	for _, i := range order {
		e := p.plan[i]
		open = slices.DeleteFunc(open, func(j int) bool { return p.plan[j].At+p.plan[j].For <= e.At })
		for _, j := range open {
			o := p.plan[j]
			if what := conflict(o, e); what != "" {
				return p.at(p.begun[i], fmt.Sprintf("event %d, on", i), fmt.Errorf(
					"%s begins at %v while event %d (%s) holds %s until %v", e, e.At, j, o, held(what, o, e), o.At+o.For))
			}
		}
		open = append(open, i)
	}
	return nil
}

// held names what an event holds that another one wants.
func held(what string, o, e Event) string {
	if i := slices.IndexFunc(e.On, func(s string) bool { return slices.Contains(o.On, s) }); i >= 0 && what == actsOnLink {
		return "the same link"
	}
	if anySymbol(o.On) || anySymbol(e.On) {
		return "the " + what + " of what may be the same node"
	}
	return "the same " + what
}
