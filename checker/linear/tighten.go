package linear

import "slices"

// tighten shrinks every interval to the points that other operations leave: a
// move that needs a length comes after the calls of all that allow only
// smaller ones, and before the returns of all that need greater ones. What is
// left of porcupine's search is to walk along. An order that fits the smaller
// intervals fits the given ones; where there is none, porcupine has to be
// asked again without.
func (r *ranked) tighten() {
	n := len(r.lengths)
	r.early = slices.Grow(r.early[:0], n+1)[:n+1]
	r.late = slices.Grow(r.late[:0], n+1)[:n+1]
	for i := range r.early {
		r.early[i], r.late[i] = -1, Inf
	}
	for i := range r.moves {
		m := &r.moves[i]
		// m allows lengths up to hi only, so it precedes what needs hi+1.
		if int(m.hi) < n {
			r.early[m.hi+1] = max(r.early[m.hi+1], m.call)
		}
		r.late[m.lo] = min(r.late[m.lo], m.ret)
	}
	for i := 1; i <= n; i++ {
		r.early[i] = max(r.early[i], r.early[i-1])
		r.late[n-i] = min(r.late[n-i], r.late[n-i+1])
	}
	for i := range r.moves {
		m := &r.moves[i]
		m.call = max(m.call, r.early[m.lo])
		if int(m.hi) < n {
			m.ret = min(m.ret, r.late[m.hi+1])
		}
	}
}

// possible tells whether every move has a point left after tightening.
func (r *ranked) possible() bool {
	for i := range r.moves {
		if r.moves[i].call > r.moves[i].ret {
			return false
		}
	}
	return true
}
