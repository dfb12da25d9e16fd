package checker

import "slices"

// Facts are kept in pages of slots, because offsets and values come in runs:
// all the pages that a lone record touches cost 3 KB, whatever its offset.
const (
	pageBits = 6
	pageLen  = 1 << pageBits
	pageMask = pageLen - 1
)

// paged is a sparse array of pages. Pages hold no pointers, so the garbage
// collector does not look into them, and they may lie in an arena.
type paged[P any] struct {
	arena *arena // where pages lie; nil: on the heap
	dir   map[int64]*P
	// cache holds the pages used last: most accesses go to a log's tail.
	cache [16]struct {
		no   int64
		page *P
	}
}

// get returns the page, nil where nothing is on it.
func (t *paged[P]) get(no int64) *P {
	c := &t.cache[no&15]
	if c.page != nil && c.no == no {
		return c.page
	}
	p := t.dir[no]
	if p != nil {
		c.no, c.page = no, p
	}
	return p
}

// make returns the page, made if need be.
func (t *paged[P]) make(no int64) *P {
	if p := t.get(no); p != nil {
		return p
	}
	if t.dir == nil {
		t.dir = map[int64]*P{}
	}
	p := newPage[P](t.arena)
	t.dir[no] = p
	c := &t.cache[no&15]
	c.no, c.page = no, p
	return p
}

// numbers returns the numbers of the pages there are, in order.
func (t *paged[P]) numbers() []int64 {
	out := make([]int64, 0, len(t.dir))
	for no := range t.dir {
		out = append(out, no)
	}
	slices.Sort(out)
	return out
}

// narrow returns v as a distance from base, where four bytes can hold it.
// Wrapping around is harmless: base plus distance wraps back.
func narrow(v, base int64) (d int32, ok bool) {
	d = int32(v - base)
	return d, int64(d) == v-base
}
