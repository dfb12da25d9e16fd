package cycles

// scratch is memory that searches share.
type scratch struct {
	unseen []read // reads that missed a record, by that record
}

// A node is a vertex or, from Len on, a barrier of real time: barrier b stands
// for "the first b ok completions are done" and is number Len+b-1, for b ≥ 1.
type node = int32

// pred is one step back: from a node to one that comes before it.
type pred struct {
	node node
	kind Kind
	log  int32 // of ww, wr and rw; -1 else
	a, b int32 // positions: of the earlier operation's record, and of the later one's; -1 where it has none
}

// cursor walks through what comes before a node. It is as small as can be,
// because a search keeps one for each node on its way.
type cursor struct {
	node  node
	phase uint8 // of phases
	i, j  int32 // within the phase
}

const (
	phaseReads = iota
	phaseWrites
	phaseMissed
	phaseProcess
	phaseTime
	phaseEnd
)

// next returns the next node that comes before the cursor's, by the kinds in
// mask; false: there are no more.
func (g *Graph) next(c *cursor, mask Kind) (pred, bool) {
	n := node(len(g.vertices))
	if c.node >= n {
		return g.nextBarrier(c, n)
	}
	for {
		switch c.phase {
		case phaseReads:
			if p, ok := g.nextRead(c, mask); ok {
				return p, true
			}
		case phaseWrites:
			if p, ok := g.nextWrite(c, mask); ok {
				return p, true
			}
		case phaseMissed:
			if p, ok := g.nextMissed(c, mask); ok {
				return p, true
			}
		case phaseProcess:
			c.phase, c.i, c.j = phaseTime, 0, 0
			if u := g.vertices[c.node].before; mask&Process != 0 && u != None {
				return pred{u, Process, -1, -1, -1}, true
			}
			continue
		case phaseTime:
			c.phase = phaseEnd
			if b := g.vertices[c.node].barrier; mask&Realtime != 0 && b > 0 {
				return pred{n + b - 1, Realtime, -1, -1, -1}, true
			}
			continue
		default:
			return pred{}, false
		}
		c.phase, c.i, c.j = c.phase+1, 0, 0
	}
}

// nextBarrier walks from a barrier to the ok completion that it adds, and to
// the barrier before.
func (g *Graph) nextBarrier(c *cursor, n node) (pred, bool) {
	b := c.node - n // the barrier after completion b
	c.i++
	switch {
	case c.i == 1:
		return pred{g.acked[b], 0, -1, -1, -1}, true
	case c.i == 2 && b > 0:
		return pred{c.node - 1, 0, -1, -1, -1}, true
	}
	return pred{}, false
}

// nextRead walks through the writers of what the vertex read.
func (g *Graph) nextRead(c *cursor, mask Kind) (pred, bool) {
	if mask&WR == 0 {
		return pred{}, false
	}
	reads := g.reads[g.firsts[c.node]:g.firsts[c.node+1]]
	for ; int(c.i) < len(reads); c.i, c.j = c.i+1, 0 {
		r := &reads[c.i]
		writers := g.logs[r.log].writers
		for r.from+c.j < r.to {
			pos := r.from + c.j
			c.j++
			if w := writers[pos]; w != None && w != c.node {
				return pred{w, WR, r.log, pos, pos}, true
			}
		}
	}
	return pred{}, false
}

// nextWrite walks through the writers of the records right before the vertex's.
func (g *Graph) nextWrite(c *cursor, mask Kind) (pred, bool) {
	if mask&WW == 0 {
		return pred{}, false
	}
	writes := g.writes[g.firstW[c.node]:g.firstW[c.node+1]]
	for int(c.i) < len(writes) {
		w := &writes[c.i]
		c.i++
		if w.pos == 0 {
			continue
		}
		if u := g.logs[w.log].writers[w.pos-1]; u != None && u != c.node {
			return pred{u, WW, w.log, w.pos - 1, w.pos}, true
		}
	}
	return pred{}, false
}

// nextMissed walks through the readers that missed the vertex's records.
func (g *Graph) nextMissed(c *cursor, mask Kind) (pred, bool) {
	if mask&RW == 0 || len(g.scratch.unseen) == 0 {
		return pred{}, false
	}
	writes := g.writes[g.firstW[c.node]:g.firstW[c.node+1]]
	for ; int(c.i) < len(writes); c.i, c.j = c.i+1, 0 {
		w := &writes[c.i]
		missed := g.missing(w.log, w.pos)
		for int(c.j) < len(missed) {
			r := missed[c.j]
			c.j++
			if r.vertex != c.node {
				return pred{r.vertex, RW, w.log, w.pos, w.pos}, true
			}
		}
	}
	return pred{}, false
}

// nodes is the number of nodes that a search by these kinds may meet.
func (g *Graph) nodes(mask Kind) int {
	if mask&Realtime == 0 {
		return len(g.vertices)
	}
	return len(g.vertices) + len(g.acked)
}
