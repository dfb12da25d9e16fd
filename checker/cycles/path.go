package cycles

import "slices"

// Step is an edge of a cycle: From comes before To.
type Step struct {
	From, To int32
	Kind     Kind
	// Log is the number of the log that proves it, -1 for process and realtime.
	Log int
	// A and B are offsets: of From's record and of To's (ww), or of the record
	// in question (wr, rw).
	A, B int64
}

// tries bounds the vertices from which the shortest cycle is looked for.
const tries = 64

// Shortest returns a shortest cycle by the kinds in mask inside of a component,
// nil where there is none. Each step's To is the next one's From, and the last
// one's To the first one's From. Of a component of more than 64 vertices it is
// the shortest through one of 64 of them.
func (g *Graph) Shortest(c Component, mask Kind) []Step {
	g.settle()
	var best []Step
	for _, sub := range g.Within(c, mask) {
		s := search{g: g, mask: mask, inside: sub.members()}
		step := max(1, len(sub.Vertices)/tries)
		for i := 0; i < len(sub.Vertices); i += step {
			if cycle := s.through(sub.Vertices[i], len(best)); cycle != nil && (best == nil || len(cycle) < len(best)) {
				best = cycle
			}
			if len(best) == 2 {
				return best
			}
		}
	}
	return best
}

// search looks for a way back to where it began, breadth first. Stepping onto a
// barrier costs nothing, leaving it for a vertex one step.
type search struct {
	g      *Graph
	mask   Kind
	inside map[node]struct{}
}

// arrival is how a node was reached: from later, by a step of kind pred.
type arrival struct {
	later node
	pred  pred
	dist  int32
}

// through returns a shortest cycle through a vertex, where it is shorter than
// limit; limit 0 is none.
func (s *search) through(root int32, limit int) []Step {
	n := node(len(s.g.vertices))
	seen := map[node]arrival{}
	now, next := []node{root}, []node(nil)
	for dist := int32(1); len(now) > 0 && (limit == 0 || int(dist) < limit); dist++ {
		for i := 0; i < len(now); i++ { // grows by what costs nothing
			v := now[i]
			c := cursor{node: v}
			for {
				p, more := s.g.next(&c, s.mask)
				if !more {
					break
				}
				if p.node == root {
					return s.steps(root, v, p, seen)
				}
				if _, ok := s.inside[p.node]; !ok {
					continue
				}
				if _, had := seen[p.node]; had {
					continue
				}
				seen[p.node] = arrival{v, p, dist}
				if p.node >= n {
					now = append(now, p.node)
				} else {
					next = append(next, p.node)
				}
			}
		}
		now, next = next, now[:0]
	}
	return nil
}

// steps reads the way from the root back to itself, earliest first.
func (s *search) steps(root int32, last node, p pred, seen map[node]arrival) []Step {
	n := node(len(s.g.vertices))
	var out []Step
	from := root
	for at := last; ; {
		kind := p.kind
		for at >= n { // the barriers between two vertices are one step
			kind = Realtime
			a := seen[at]
			at = a.later
		}
		out = append(out, s.g.step(from, at, kind, p))
		if at == root {
			break
		}
		a := seen[at]
		from, p, at = at, a.pred, a.later
	}
	return out
}

// step words a pred.
func (g *Graph) step(from, to int32, kind Kind, p pred) Step {
	s := Step{From: from, To: to, Kind: kind, Log: -1, A: -1, B: -1}
	if kind == WW || kind == WR || kind == RW {
		offsets := g.logs[p.log].offsets
		s.Log, s.A, s.B = int(p.log), offsets[p.a], offsets[p.b]
	}
	return s
}

// Kinds returns the kinds of the steps, together.
func Kinds(steps []Step) Kind {
	var k Kind
	for _, s := range steps {
		k |= s.Kind
	}
	return k
}

// Vertices returns the vertices of a cycle, in its order.
func Vertices(steps []Step) []int32 {
	out := make([]int32, 0, len(steps))
	for _, s := range steps {
		out = append(out, s.From)
	}
	return slices.Clip(out)
}
