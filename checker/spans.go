package checker

import (
	"cmp"
	"slices"
)

// spans is a set of offsets, kept as ranges: what is delivered mostly follows
// what was delivered before.
type spans struct{ list []span }

// span is the offsets from from on and below to.
type span struct{ from, to int64 }

// maxSpans bounds the ranges; beyond it the two lowest are taken for one, so
// that what lies between them counts as being in the set.
const maxSpans = 1 << 14

// add puts an offset into the set; false where it is there already.
func (s *spans) add(offset int64) bool {
	n := len(s.list)
	if n > 0 && s.list[n-1].to == offset { // the common case
		s.list[n-1].to++
		return true
	}
	i := s.at(offset)
	if i < n && s.list[i].from <= offset {
		return false
	}
	below, above := i > 0 && s.list[i-1].to == offset, i < n && s.list[i].from == offset+1
	switch {
	case below && above:
		s.list[i-1].to = s.list[i].to
		s.list = slices.Delete(s.list, i, i+1)
	case below:
		s.list[i-1].to++
	case above:
		s.list[i].from--
	default:
		s.list = slices.Insert(s.list, i, span{offset, offset + 1})
		if len(s.list) > maxSpans {
			s.list[1].from = s.list[0].from
			s.list = slices.Delete(s.list, 0, 1)
		}
	}
	return true
}

// at returns the first span that ends above the offset.
func (s *spans) at(offset int64) int {
	i, _ := slices.BinarySearchFunc(s.list, offset, func(p span, o int64) int { return cmp.Compare(p.to, o+1) })
	return i
}

// end is the offset behind the last one in the set, 0 where it is empty.
func (s *spans) end() int64 {
	if len(s.list) == 0 {
		return 0
	}
	return s.list[len(s.list)-1].to
}

// begin is the first offset in the set; false where it is empty.
func (s *spans) begin() (int64, bool) {
	if len(s.list) == 0 {
		return 0, false
	}
	return s.list[0].from, true
}

// gaps calls f for the ranges outside the set from first on and below end, in order.
func (s *spans) gaps(first, end int64, f func(from, to int64)) {
	for _, p := range s.list {
		if p.to <= first {
			continue
		}
		if p.from >= end {
			break
		}
		if p.from > first {
			f(first, p.from)
		}
		first = p.to
	}
	if first < end {
		f(first, end)
	}
}
