package linear

import "sort"

// Sweep decides operations that are all known: it returns a violation for
// every operation that contradicts an earlier one, in the order of their
// calls. B is before A when it returned before A's call, so ties are
// concurrent. The produces must not overlap, and read bounds must not lie
// inside a batch, see window.refine.
func Sweep(ops []Op) []Violation {
	byRet := indexes(len(ops))
	byCall := indexes(len(ops))
	sort.SliceStable(byRet, func(i, j int) bool { return ops[byRet[i]].Ret < ops[byRet[j]].Ret })
	sort.SliceStable(byCall, func(i, j int) bool { return ops[byCall[i]].Call < ops[byCall[j]].Call })
	var found []Violation
	var best *Op
	next := 0
	for _, a := range byCall {
		for ; next < len(ops) && ops[byRet[next]].Ret < ops[a].Call; next++ {
			if b := &ops[byRet[next]]; best == nil || b.Lo > best.Lo {
				best = b
			}
		}
		if best != nil && best.Lo > ops[a].Hi {
			found = append(found, Violation{A: ops[a], B: *best})
		}
	}
	return found
}

func indexes(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// partner picks the operation that shows best why A is wrong, out of those
// that came before it: one of A's own kind, where that makes a kind of anomaly
// of its own (two acknowledgements, two reads of the end), then the smallest
// length above what A allows, a produce rather than a read, then the earliest
// return.
func partner(a *Op, ops []Op) (best Op, found bool) {
	for i := range ops {
		b := &ops[i]
		if b.Ret >= a.Call || b.Lo <= a.Hi || b.Suspect || b.Kind >= filler {
			continue
		}
		if !found || better(a, b, &best) {
			best, found = *b, true
		}
	}
	return best, found
}

// alike tells whether two operations of the same kind contradict each other
// under a name of their own.
func alike(a, b *Op) bool {
	switch a.Kind {
	case End:
		return b.Kind == End
	case Produce:
		return b.Kind == Produce && !a.Unknown && !b.Unknown
	}
	return false
}

func better(a, b, than *Op) bool {
	switch own := alike(a, b); {
	case own != alike(a, than):
		return own
	case b.Lo != than.Lo:
		return b.Lo < than.Lo
	case b.writes() != than.writes():
		return b.writes()
	}
	return b.Ret < than.Ret
}
