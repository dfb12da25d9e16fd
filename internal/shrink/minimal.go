// Package shrink makes small proofs out of large ones: the smallest history
// that still convicts of the same thing, and the smallest plan of faults that
// still brings it about.
package shrink

// Minimal returns a subset of all, in its order, for which fails still holds
// and of which no single element can be taken away: delta debugging (Zeller and
// Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002), by
// complements of halving size. fails must hold for all itself; it is asked
// about len(all) · log(len(all)) subsets where little is needed.
func Minimal[T any](all []T, fails func([]T) bool) []T {
	cur := all
	for size := (len(cur) + 1) / 2; size > 0; {
		removed := false
		for i := 0; i < len(cur); {
			rest := without(cur, i, min(i+size, len(cur)))
			if fails(rest) {
				cur, removed = rest, true
			} else {
				i += size
			}
		}
		switch {
		case size > 1:
			size = min(size/2, max(1, len(cur)/2))
		case !removed:
			return cur
		}
		if len(cur) == 0 {
			return cur
		}
	}
	return cur
}

// without returns a copy of all that lacks [from, to).
func without[T any](all []T, from, to int) []T {
	rest := make([]T, 0, len(all)-(to-from))
	return append(append(rest, all[:from]...), all[to:]...)
}
