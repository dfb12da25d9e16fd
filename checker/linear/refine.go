package linear

import "slices"

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

	keys     []produceKey
	produces []Op
	points   []int64
	writes   []Op
	table    []int32 // of offsets from the start on: the index of the length
}

// refine makes a window ready.
func (s *shape) refine(w *Window) {
	s.ops, s.excluded, s.torn, s.rounded = s.ops[:0], nil, nil, false
	s.sort(w.Ops)
	s.disjoint()
	// Where two produces claim one offset, nobody knows the batches' edges.
	atomic := w.Atomic && len(s.excluded) == 0
	s.bases()
	for i := range w.Ops {
		if w.Ops[i].writes() {
			continue
		}
		s.ops = append(s.ops, w.Ops[i])
		o := &s.ops[len(s.ops)-1]
		o.Lo = max(o.Lo, w.Start)
		if atomic && !s.round(o) {
			s.ops = s.ops[:len(s.ops)-1]
		}
	}
	s.pave(w.Start)
	s.index()
}

// sort takes the produces out of a window in the order of their bases, the
// first to return first where they share one.
func (s *shape) sort(ops []Op) {
	s.keys, s.produces = s.keys[:0], s.produces[:0]
	for i := range ops {
		if ops[i].writes() {
			s.keys = append(s.keys, produceKey{ops[i].Hi, ops[i].Ret, int32(i)})
		}
	}
	slices.SortFunc(s.keys, func(a, b produceKey) int {
		switch {
		case a.base != b.base:
			return less(a.base < b.base)
		case a.ret != b.ret:
			return less(a.ret < b.ret)
		}
		return int(a.at - b.at)
	})
	for _, k := range s.keys {
		s.produces = append(s.produces, ops[k.at])
	}
}

// produceKey is what produces are sorted by, and where they stand.
type produceKey struct {
	base, ret int64
	at        int32
}

// disjoint takes out the produces that overlap with one that returned before.
// They are in the order of their bases.
func (s *shape) disjoint() {
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

// bases lists the bases of the produces, close together for the search.
func (s *shape) bases() {
	s.points = s.points[:0]
	for i := range s.produces {
		s.points = append(s.points, s.produces[i].Hi)
	}
}

// inside returns the produce in the middle of which a length lies, nil: none.
func (s *shape) inside(length int64) *Op {
	i, exact := slices.BinarySearch(s.points, length)
	if exact || i == 0 || s.produces[i-1].Lo <= length {
		return nil
	}
	return &s.produces[i-1]
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

// index translates the bounds into indexes: of the first length that is not
// below lo, of the last that is not above hi.
func (s *shape) index() {
	n := len(s.lengths)
	start, top := s.lengths[0], s.lengths[n-1]
	dense := top-start < int64(16*n) // as a rule; then a table is faster than a search
	if dense {
		s.table = slices.Grow(s.table[:0], int(top-start)+1)[:top-start+1]
		for i, from := range s.lengths {
			to := top + 1
			if i+1 < n {
				to = s.lengths[i+1]
			}
			for at := from; at < to; at++ {
				s.table[at-start] = int32(i)
			}
		}
	}
	floor := func(length int64) int32 {
		if dense {
			return s.table[length-start]
		}
		i, exact := slices.BinarySearch(s.lengths, length)
		if !exact {
			i--
		}
		return int32(i)
	}
	s.lo, s.hi = s.lo[:0], s.hi[:0]
	for i := range s.ops {
		o := &s.ops[i]
		lo, hi := int32(0), int32(n)
		if o.Lo > start {
			lo = floor(o.Lo) // a read's lo is one of the lengths
		}
		switch {
		case o.Hi < start:
			hi = -1 // nothing allows it
		case o.Hi <= top:
			hi = floor(o.Hi)
		}
		s.lo, s.hi = append(s.lo, lo), append(s.hi, hi)
	}
}
