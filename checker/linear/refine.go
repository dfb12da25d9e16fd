package linear

import (
	"cmp"
	"slices"
)

// shape is a window made ready for a model: its produces are disjoint and,
// with fillers for the offsets of which nothing is known, lead from length to
// length without a gap; read bounds are lengths that the log passes through.
type shape struct {
	// lengths are those that the log passes through, in order; lengths[0] is
	// the window's start.
	lengths []int64
	ops     []Op
	lo, hi  []int32 // of ops: the bounds as indexes into lengths; hi len(lengths): none
	// excluded are produces that claim an offset another one holds. The rule
	// does not apply to them; the sweep has judged their acknowledgements.
	excluded []Op
	torn     []Violation
	rounded  bool // a read bound lay inside a batch

	produces []Op
	points   []int64
	writes   []Op
}

// refine makes a window ready.
func (s *shape) refine(w *Window) {
	s.ops, s.produces, s.excluded, s.torn, s.rounded = s.ops[:0], s.produces[:0], nil, nil, false
	for i := range w.Ops {
		if w.Ops[i].writes() {
			s.produces = append(s.produces, w.Ops[i])
		}
	}
	s.disjoint()
	for i := range w.Ops {
		if o := w.Ops[i]; !o.writes() {
			o.Lo = max(o.Lo, w.Start)
			// Where two produces claim one offset, nobody knows the batches' edges.
			if w.Atomic && len(s.excluded) == 0 && !s.round(&o) {
				continue
			}
			s.ops = append(s.ops, o)
		}
	}
	s.pave(w.Start)
	s.index()
}

// disjoint sorts the produces by base and takes out those that overlap with
// one that returned before.
func (s *shape) disjoint() {
	slices.SortStableFunc(s.produces, func(a, b Op) int {
		return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Ret, b.Ret))
	})
	out := s.produces[:0]
	for _, p := range s.produces {
		if n := len(out); n > 0 && p.Hi < out[n-1].Lo {
			if p.Ret < out[n-1].Ret {
				p, out[n-1] = out[n-1], p
			}
			s.excluded = append(s.excluded, p)
			continue
		}
		out = append(out, p)
	}
	s.produces = out
}

// round moves a read's bounds out of the batches they lie in: who has seen
// part of a batch has seen it all, who has not seen all of it has seen
// nothing. A read that allows only lengths inside a batch is torn.
func (s *shape) round(o *Op) bool {
	lo, hi := o.Lo, o.Hi
	b := s.inside(lo)
	if b != nil {
		o.Lo = b.Lo
	}
	if c := s.inside(hi); c != nil {
		b, o.Hi = c, c.Hi
	}
	if b == nil {
		return true
	}
	s.rounded = true
	if o.Lo > o.Hi {
		a := *o
		a.Lo, a.Hi = lo, hi
		s.torn = append(s.torn, Violation{A: a, B: *b, Torn: true})
		return false
	}
	return true
}

// inside returns the produce in the middle of which a length lies, nil: none.
func (s *shape) inside(length int64) *Op {
	i, _ := slices.BinarySearchFunc(s.produces, length, func(p Op, n int64) int {
		if p.Lo > n {
			return 1
		}
		return -1
	})
	if i < len(s.produces) && s.produces[i].Hi < length {
		return &s.produces[i]
	}
	return nil
}

// pave fills the gaps between the produces up to the greatest length that a
// read has seen, and cuts fillers and produces where read bounds lie in them.
func (s *shape) pave(start int64) {
	top := start
	s.points = s.points[:0]
	for i := range s.ops {
		o := &s.ops[i]
		top = max(top, o.Lo)
		if o.Lo > start {
			s.points = append(s.points, o.Lo)
		}
		if o.Hi > start && o.Hi < Inf {
			s.points = append(s.points, o.Hi)
		}
	}
	slices.Sort(s.points)
	s.points = slices.Compact(s.points)

	s.writes = s.writes[:0]
	at, next := start, 0
	// extend appends the write of [at, to), in pieces between the points.
	extend := func(o Op, to int64) {
		for at < to {
			for next < len(s.points) && s.points[next] <= at {
				next++
			}
			end := to
			if next < len(s.points) {
				end = min(end, s.points[next])
			}
			o.Hi, o.Lo = at, end
			s.writes = append(s.writes, o)
			at = end
		}
	}
	unknown := Op{Call: -1, Ret: Inf, Process: -1, Invoked: -1, Index: -1, Value: -1, Kind: filler}
	for i := range s.produces {
		extend(unknown, s.produces[i].Hi)
		extend(s.produces[i], s.produces[i].Lo)
	}
	extend(unknown, top)

	s.lengths = append(s.lengths[:0], start)
	for i := range s.writes {
		s.lengths = append(s.lengths, s.writes[i].Lo)
	}
	s.ops = append(s.ops, s.writes...)
}

// index translates the bounds into indexes.
func (s *shape) index() {
	s.lo, s.hi = s.lo[:0], s.hi[:0]
	for i := range s.ops {
		o := &s.ops[i]
		lo, _ := slices.BinarySearch(s.lengths, o.Lo)
		hi, exact := slices.BinarySearch(s.lengths, o.Hi)
		switch {
		case o.Hi > s.lengths[len(s.lengths)-1]:
			hi = len(s.lengths)
		case !exact:
			hi-- // it lies above the last length that is known
		}
		s.lo, s.hi = append(s.lo, int32(lo)), append(s.hi, int32(hi))
	}
}
