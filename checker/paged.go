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
	near  []*P   // by number, where the numbers are dense from 0
	far   map[int64]*P
	// cache holds the pages used last: most accesses go to a log's tail.
	cache [16]struct {
		no   int64
		page *P
	}
}

// maxNearPages bounds the pages that are found without a map.
const maxNearPages = 1 << 24

// get returns the page, nil where nothing is on it.
func (t *paged[P]) get(no int64) *P {
	c := &t.cache[no&15]
	if c.page != nil && c.no == no {
		return c.page
	}
	var p *P
	if no >= 0 && no < int64(len(t.near)) {
		p = t.near[no]
	}
	if p == nil && len(t.far) > 0 {
		p = t.far[no]
	}
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
	p := newPage[P](t.arena)
	if n := int64(len(t.near)); no >= 0 && no <= 2*n+pageLen && no < maxNearPages {
		for ; n <= no; n++ {
			t.near = append(t.near, nil)
		}
		t.near[no] = p
	} else {
		if t.far == nil {
			t.far = map[int64]*P{}
		}
		t.far[no] = p
	}
	c := &t.cache[no&15]
	c.no, c.page = no, p
	return p
}

// numbers returns the numbers of the pages there are, in order.
func (t *paged[P]) numbers() []int64 {
	out := make([]int64, 0, len(t.near)+len(t.far))
	for no, p := range t.near {
		if p != nil {
			out = append(out, int64(no))
		}
	}
	for no := range t.far {
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
