package checker

import "math/bits"

// offsetSet is a set of offsets of one log. Offsets far behind the newest ones
// count as members: memory does not grow with the log.
type offsetSet struct {
	pages map[int64]*offsetPage
	near  *offsetPage // the page used last
	at    int64       // its number
	low   int64       // pages below are not kept
	top   int64       // the highest page
}

const (
	offsetsPerPage = 1 << 12
	maxOffsetPages = 1 << 11
)

type offsetPage struct {
	words [offsetsPerPage / 64]uint64
	count int
}

// fullPage stands for every page that has all its offsets.
var fullPage = &offsetPage{count: offsetsPerPage}

func (s *offsetSet) page(n int64) *offsetPage {
	if s.near != nil && s.at == n {
		return s.near
	}
	p := s.pages[n]
	if p != nil {
		s.near, s.at = p, n
	}
	return p
}

// has tells whether the offset is in the set.
func (s *offsetSet) has(offset int64) bool {
	n := offset / offsetsPerPage
	if n < s.low {
		return true
	}
	p := s.page(n)
	if p == nil {
		return false
	}
	i := offset % offsetsPerPage
	return p.count == offsetsPerPage || p.words[i/64]&(1<<(i%64)) != 0
}

// add puts an offset into the set.
func (s *offsetSet) add(offset int64) {
	n := offset / offsetsPerPage
	if n < s.low {
		return
	}
	p := s.page(n)
	if p == nil {
		p = s.grow(n)
	}
	if p.count == offsetsPerPage {
		return
	}
	i := offset % offsetsPerPage
	w := &p.words[i/64]
	p.count += 1 - bits.OnesCount64(*w>>(i%64)&1)
	*w |= 1 << (i % 64)
	if p.count == offsetsPerPage {
		s.pages[n] = fullPage
		s.near = nil
		s.settle()
	}
}

// grow makes a page, and gives up the lowest where there are too many.
func (s *offsetSet) grow(n int64) *offsetPage {
	if s.pages == nil {
		s.pages = make(map[int64]*offsetPage)
	}
	p := new(offsetPage)
	s.pages[n] = p
	s.near, s.at = p, n
	s.top = max(s.top, n)
	if len(s.pages) > maxOffsetPages {
		// A single wild offset must not push out what is in use: the highest
		// page goes first where it stands alone.
		lowest, highest := n, n
		for i := range s.pages {
			lowest, highest = min(lowest, i), max(highest, i)
		}
		if highest != n && s.pages[highest-1] == nil {
			delete(s.pages, highest)
		} else if lowest != n {
			delete(s.pages, lowest)
			s.low = lowest + 1
		}
	}
	return p
}

// settle gives up full pages at the bottom.
func (s *offsetSet) settle() {
	for s.pages[s.low] == fullPage {
		delete(s.pages, s.low)
		s.low++
	}
}
