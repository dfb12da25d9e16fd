package cycles

// Facts are what the rules of jepsen.tests.kafka ask of a component that was
// found by ww, wr and realtime edges together.
type Facts struct {
	Component
	A bool // ww edges alone make a cycle inside of it
	B bool // ww and wr edges do
	S bool // ww and realtime edges do
}

// Judge returns the components by ww (unless noWW), wr and realtime edges, with
// their facts.
func (g *Graph) Judge(noWW bool) []Facts {
	ww := WW
	if noWW {
		ww = 0
	}
	var out []Facts
	for _, c := range g.Components(ww | WR | Realtime) {
		f := Facts{Component: c}
		f.A = ww != 0 && g.Cyclic(c, ww)
		f.B = f.A || g.Cyclic(c, ww|WR)
		f.S = f.A || ww != 0 && g.Cyclic(c, ww|Realtime)
		out = append(out, f)
	}
	return out
}
