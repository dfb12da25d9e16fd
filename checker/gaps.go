package checker

import "math"

// gap is a range of offsets that a poll passed over: it returned the record at
// from (or was asked to begin after it) and then the one at to. Whether
// something was skipped is known at the end only, because a record in between
// may become known later; offsets without a known record mean nothing
// (transaction markers, aborted or compacted records).
type gap struct {
	from, to  int64
	before    int64 // the entry that returned from, -1 where it was only a position
	op        int64 // the entry that returned to
	process   int64
	n         int64 // how often it was passed over in this way
	next      int32 // the next gap with the same from + 1
	internal  bool  // within one operation
	group     bool  // by a consumer that subscribes
	committed bool  // by one that reads committed records only
	noticed   bool  // already counted as a finding
}

// gaps are those of one log; each is kept once. They stand in chunks, so that
// the list grows without being copied.
type gaps struct {
	chunks [][]gap
	len    int
	byFrom paged[gapPage]
}

// gapPage holds, for each offset, the gap that begins there.
type gapPage [pageLen]gapHead

// gapHead is the latest of the gaps that begin at an offset. Nearly all are passed
// over again and again, by one consumer after the other, which needs a look at
// this alone.
type gapHead struct {
	last  int32  // its place among the gaps + 1; 0: none
	tag   uint32 // what tells it from other gaps at the offset; 0: look it up
	again uint32 // how often it was passed over beyond its n
}

const gapChunk = 1 << 10

// maxGaps bounds the gaps kept of one log. Logs with a marker after each
// transaction have many.
const maxGaps = 1 << 20

func (g *gaps) at(i int32) *gap { return &g.chunks[i/gapChunk][i%gapChunk] }

// tag tells gaps from each other that begin at the same offset; 0 for those that
// are too long for it.
func (n *gap) tag() uint32 {
	length := n.to - n.from
	if length <= 0 || length >= 1<<29 {
		return 0
	}
	return uint32(length)<<3 | uint32(btoi(n.internal)<<2|btoi(n.group)<<1|btoi(n.committed))
}

// add notes a gap and returns its place, -1 where there is no more room.
func (g *gaps) add(n *gap) int32 {
	head := &g.byFrom.make(n.from >> pageBits)[n.from&pageMask]
	tag := n.tag()
	if tag != 0 && head.tag == tag && head.again < math.MaxUint32 {
		head.again++
		return head.last - 1
	}
	for i := head.last; i != 0; i = g.at(i - 1).next {
		if old := g.at(i - 1); old.to == n.to && old.internal == n.internal && old.group == n.group && old.committed == n.committed {
			old.n++
			return i - 1
		}
	}
	if g.len >= maxGaps {
		return -1
	}
	if head.last != 0 {
		g.at(head.last - 1).n += int64(head.again)
	}
	if g.len%gapChunk == 0 {
		g.chunks = append(g.chunks, make([]gap, 0, gapChunk))
	}
	n.n, n.next = 1, head.last
	chunk := &g.chunks[g.len/gapChunk]
	*chunk = append(*chunk, *n)
	g.len++
	*head = gapHead{last: int32(g.len), tag: tag}
	return head.last - 1
}

// each calls f with every gap, in the order in which they were first seen.
func (g *gaps) each(f func(*gap)) {
	for c := range g.chunks {
		for i := range g.chunks[c] {
			n := &g.chunks[c][i]
			if head := &g.byFrom.make(n.from >> pageBits)[n.from&pageMask]; head.last == int32(c*gapChunk+i+1) {
				n.n += int64(head.again)
				head.again = 0
			}
			f(n)
		}
	}
}
