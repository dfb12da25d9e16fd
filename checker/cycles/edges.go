package cycles

// Between returns the kinds of edges, among those in mask, that lead straight
// from one vertex to another. Realtime is not looked for.
func (g *Graph) Between(from, to int32, mask Kind) Kind {
	g.settle()
	var found Kind
	for c := (cursor{node: to}); ; {
		p, more := g.next(&c, mask&^Realtime)
		if !more {
			return found
		}
		if p.node == from {
			found |= p.kind
		}
	}
}

// HasEdges tells whether there is an edge of one of these kinds at all.
func (g *Graph) HasEdges(mask Kind) bool {
	g.settle()
	for v := range g.vertices {
		c := cursor{node: int32(v)}
		if _, any := g.next(&c, mask); any {
			return true
		}
	}
	return false
}
