package checker

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

// gaps are those of one log; each is kept once.
type gaps struct {
	list   []gap
	byFrom paged[gapPage]
}

// gapPage holds, for each offset, the gap that begins there: its index in the
// list + 1.
type gapPage [pageLen]int32

// maxGaps bounds the gaps kept of one log. Logs with a marker after each
// transaction have many.
const maxGaps = 1 << 20

// add notes a gap and returns it, nil where there is no more room.
func (g *gaps) add(n gap) *gap {
	first := &g.byFrom.make(n.from >> pageBits)[n.from&pageMask]
	for i := *first; i != 0; i = g.list[i-1].next {
		if old := &g.list[i-1]; old.to == n.to && old.internal == n.internal && old.group == n.group && old.committed == n.committed {
			old.n++
			return old
		}
	}
	if len(g.list) >= maxGaps {
		return nil
	}
	n.n, n.next = 1, *first
	g.list = append(g.list, n)
	*first = int32(len(g.list))
	return &g.list[len(g.list)-1]
}
