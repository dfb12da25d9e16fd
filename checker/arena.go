package checker

import "unsafe"

// arena is where the pages of facts lie. The first of them lie on the heap; what
// comes after, of long histories, in a file of its own that is mapped into
// memory: the kernel may write it out and take the memory, and the garbage
// collector never looks at it. Pages hold no pointers, so that both are sound.
type arena struct {
	dir    string // where the file is made; empty: the system's directory for such (TMPDIR)
	heap   int    // bytes of pages on the heap
	most   int    // of them, before the file is used
	mapped mapping
	chunk  []byte // what is left of the last piece of the file
	full   bool   // the file cannot grow: no room, or no such thing on this system
}

const (
	// arenaHeap is how many bytes of pages lie on the heap: more than most
	// histories have, and little beside what else a check needs.
	arenaHeap = 16 << 20
	// arenaChunk is by how many bytes the file grows.
	arenaChunk = 16 << 20
)

// newPage makes a page, zeroed. Where no file can be had, or none that grows, it
// lies on the heap. A nil arena is the heap.
func newPage[P any](a *arena) *P {
	var zero P
	size := int(unsafe.Sizeof(zero))
	if a == nil || a.full || a.heap+size <= a.most {
		if a != nil {
			a.heap += size
		}
		return new(P)
	}
	const align = 8
	size = (size + align - 1) &^ (align - 1)
	if len(a.chunk) < size {
		b, err := a.mapped.grow(a.dir, arenaChunk)
		if err != nil {
			a.full = true
			return new(P)
		}
		a.chunk = b
	}
	p := (*P)(unsafe.Pointer(&a.chunk[0]))
	a.chunk = a.chunk[size:]
	return p
}

// close gives the file back. No page may be used any more.
func (a *arena) close() {
	a.chunk, a.full = nil, true
	a.mapped.close()
}
