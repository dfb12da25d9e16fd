package cycles

import "slices"

// Component is a set of operations each of which comes before each other: there
// is no order of them.
type Component struct {
	Kinds    Kind    // the kinds of edges it was found by
	Vertices []int32 // in order
	barriers []node  // the places in real time between them, in order
}

// Components returns the strongly connected components of two vertices or more
// by the kinds in mask, in the order of their first vertices.
func (g *Graph) Components(mask Kind) []Component {
	g.settle()
	t := tarjan{g: g, mask: mask, index: make([]int32, g.nodes(mask))}
	for v := range node(len(g.vertices)) {
		t.search(v)
	}
	return t.sorted()
}

// Cyclic tells whether a component still has a cycle if only the edges of
// these kinds inside of it count.
func (g *Graph) Cyclic(c Component, mask Kind) bool { return len(g.Within(c, mask)) > 0 }

// Within returns the components by the kinds in mask inside of a component.
func (g *Graph) Within(c Component, mask Kind) []Component {
	g.settle()
	t := tarjan{g: g, mask: mask, inside: c.members()}
	t.near = make(map[node]int32, len(t.inside))
	for _, v := range c.Vertices {
		t.search(v)
	}
	return t.sorted()
}

// members are the nodes of a component.
func (c *Component) members() map[node]struct{} {
	m := make(map[node]struct{}, len(c.Vertices)+len(c.barriers))
	for _, v := range c.Vertices {
		m[v] = struct{}{}
	}
	for _, b := range c.barriers {
		m[b] = struct{}{}
	}
	return m
}

// tarjan is Tarjan's search, without recursion. Whoever completes after what it
// depends on, which is nearly everybody, is done at once.
type tarjan struct {
	g      *Graph
	mask   Kind
	inside map[node]struct{} // nil: everywhere

	index []int32        // by node: 0 not seen, done, or its number
	near  map[node]int32 // the same where inside is set
	count int32
	stack []node // Tarjan's
	path  []frame
	found []Component
	// passed are the barriers below which everything is done.
	passed int32
}

// frame is a node on the path of the search, and the lowest number it reaches.
type frame struct {
	cursor
	low int32
}

const done = -1

func (t *tarjan) at(v node) int32 {
	if t.inside != nil {
		return t.near[v]
	}
	return t.index[v]
}

func (t *tarjan) set(v node, i int32) {
	if t.inside != nil {
		t.near[v] = i
		return
	}
	t.index[v] = i
}

func (t *tarjan) enter(v node) {
	t.count++
	t.set(v, t.count)
	t.stack = append(t.stack, v)
	t.path = append(t.path, frame{cursor{node: v}, t.count})
}

func (t *tarjan) search(root node) {
	if t.at(root) != 0 {
		return
	}
	if t.inside == nil && t.ready(root) {
		t.set(root, done)
		return
	}
	t.enter(root)
	for len(t.path) > 0 {
		f := &t.path[len(t.path)-1]
		p, more := t.g.next(&f.cursor, t.mask)
		if !more {
			t.leave()
			continue
		}
		if t.inside != nil {
			if _, ok := t.inside[p.node]; !ok {
				continue
			}
		}
		switch i := t.at(p.node); {
		case i == 0:
			t.enter(p.node)
		case i != done:
			f.low = min(f.low, i)
		}
	}
}

// ready tells whether all that comes straight before a vertex is done, so that it
// is on no cycle. In doubt it says no.
func (t *tarjan) ready(v node) bool {
	g := t.g
	if t.mask&RW != 0 && len(g.scratch.unseen) > 0 {
		return false
	}
	if u := g.vertices[v].before; t.mask&Process != 0 && u != None && t.index[u] != done {
		return false
	}
	if t.mask&Realtime != 0 && !t.reached(g.vertices[v].barrier) {
		return false
	}
	if t.mask&WR != 0 {
		for i := g.firsts[v]; i < g.firsts[v+1]; i++ {
			r := &g.reads[i]
			for _, w := range g.logs[r.log].writers[r.from:r.to] {
				if w != None && w != v && t.index[w] != done {
					return false
				}
			}
		}
	}
	if t.mask&WW != 0 {
		for i := g.firstW[v]; i < g.firstW[v+1]; i++ {
			w := &g.writes[i]
			if w.pos == 0 {
				continue
			}
			if u := g.logs[w.log].writers[w.pos-1]; u != None && u != v && t.index[u] != done {
				return false
			}
		}
	}
	return true
}

// reached tells whether the first b ok completions are done, and makes their
// barriers done.
func (t *tarjan) reached(b int32) bool {
	n := node(len(t.g.vertices))
	for t.passed < b && t.index[t.g.acked[t.passed]] == done {
		t.index[n+t.passed] = done
		t.passed++
	}
	return t.passed >= b
}

// leave ends a node, and the component of which it is the first.
func (t *tarjan) leave() {
	f := t.path[len(t.path)-1]
	t.path = t.path[:len(t.path)-1]
	if f.low == t.at(f.node) {
		t.component(f.node)
	}
	if len(t.path) > 0 {
		up := &t.path[len(t.path)-1]
		up.low = min(up.low, f.low)
	}
}

func (t *tarjan) component(first node) {
	at := len(t.stack) - 1
	for t.stack[at] != first {
		at--
	}
	members := t.stack[at:]
	t.stack = t.stack[:at]
	for _, v := range members {
		t.set(v, done)
	}
	if len(members) < 2 {
		return
	}
	c := Component{Kinds: t.mask}
	n := node(len(t.g.vertices))
	for _, v := range members {
		if v < n {
			c.Vertices = append(c.Vertices, v)
		} else {
			c.barriers = append(c.barriers, v)
		}
	}
	slices.Sort(c.Vertices)
	slices.Sort(c.barriers)
	t.found = append(t.found, c)
}

func (t *tarjan) sorted() []Component {
	slices.SortFunc(t.found, func(a, b Component) int { return int(a.Vertices[0]) - int(b.Vertices[0]) })
	return t.found
}
