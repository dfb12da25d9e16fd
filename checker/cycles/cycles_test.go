package cycles

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawn is a small graph with its edges spelled out.
type drawn struct {
	*Graph
	edges [][]Kind // [from][to]
}

// draw makes a graph of a few operations that overlap in time, and the edges
// that the definitions in the package documentation give it.
func draw(t *rapid.T) drawn {
	n := rapid.IntRange(1, 7).Draw(t, "n")
	g := &Graph{}
	type op struct {
		process int64
		invoked Barrier
		ok      bool
	}
	ops := make([]op, n)
	var acked []int
	for i := range ops {
		ops[i] = op{rapid.Int64Range(0, 2).Draw(t, "process"), Barrier(rapid.IntRange(0, len(acked)).Draw(t, "barrier")), rapid.Bool().Draw(t, "ok")}
		g.Add(ops[i].process, ops[i].invoked, ops[i].ok)
		if ops[i].ok {
			acked = append(acked, i)
		}
	}
	d := drawn{g, make([][]Kind, n)}
	for i := range d.edges {
		d.edges[i] = make([]Kind, n)
	}
	edge := func(from, to int32, k Kind) {
		if from != to && from != None && to != None {
			d.edges[from][to] |= k
		}
	}
	for b := range ops {
		for _, a := range acked[:ops[b].invoked] {
			edge(int32(a), int32(b), Realtime)
		}
		for a := b - 1; a >= 0; a-- {
			if ops[a].process == ops[b].process {
				edge(int32(a), int32(b), Process)
				break
			}
		}
	}
	type place struct {
		offset int64
		writer int32
	}
	logs := make([][]place, rapid.IntRange(0, 2).Draw(t, "logs"))
	for l := range logs {
		offset := int64(0)
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			offset += rapid.SampledFrom([]int64{1, 1, 2, 1 << 40}).Draw(t, "gap")
			logs[l] = append(logs[l], place{offset, int32(rapid.IntRange(-1, n-1).Draw(t, "writer"))})
		}
		var offsets []int64
		var writers []int32
		for i, p := range logs[l] {
			offsets, writers = append(offsets, p.offset), append(writers, p.writer)
			if i > 0 {
				edge(logs[l][i-1].writer, p.writer, WW)
			}
		}
		g.AddLog(offsets, writers)
	}
	for v := range int32(n) {
		for l := range logs {
			if len(logs[l]) == 0 || rapid.Bool().Draw(t, "idle") {
				continue
			}
			from := rapid.IntRange(0, len(logs[l])-1).Draw(t, "from")
			to := rapid.IntRange(from, len(logs[l])).Draw(t, "to")
			if from < to {
				g.Read(v, l, logs[l][from].offset, logs[l][to-1].offset)
				for _, p := range logs[l][from:to] {
					edge(p.writer, v, WR)
				}
			}
			if to < len(logs[l]) && rapid.Bool().Draw(t, "missed") {
				g.Missed(v, l, logs[l][to].offset)
				edge(v, logs[l][to].writer, RW)
			}
		}
	}
	return d
}

// reach is the transitive closure by these kinds, among the vertices of in (nil: all).
func (d drawn) reach(mask Kind, in []int32) [][]bool {
	n := len(d.edges)
	r := make([][]bool, n)
	has := func(v int) bool { return in == nil || slices.Contains(in, int32(v)) }
	for a := range r {
		r[a] = make([]bool, n)
		for b := range r[a] {
			r[a][b] = d.edges[a][b]&mask != 0 && has(a) && has(b)
		}
	}
	for k := range r {
		for a := range r {
			for b := range r {
				r[a][b] = r[a][b] || r[a][k] && r[k][b]
			}
		}
	}
	return r
}

func (d drawn) components(mask Kind, in []int32) (out [][]int32) {
	r := d.reach(mask, in)
	seen := map[int32]bool{}
	for a := range r {
		if !r[a][a] || seen[int32(a)] {
			continue
		}
		var c []int32
		for b := range r {
			if r[a][b] && r[b][a] {
				c = append(c, int32(b))
				seen[int32(b)] = true
			}
		}
		out = append(out, c)
	}
	return out
}

// TestAgainstTheDefinitions compares components, Jepsen's facts and shortest
// cycles with the transitive closure.
func TestAgainstTheDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		for mask := Kind(1); mask <= All; mask++ {
			got := d.Components(mask)
			want := d.components(mask, nil)
			if len(got) != len(want) {
				t.Fatalf("%v: components %+v, want %v; edges %v", mask, got, want, d.edges)
			}
			for i, c := range got {
				if !slices.Equal(c.Vertices, want[i]) {
					t.Fatalf("%v: component %v, want %v", mask, c.Vertices, want[i])
				}
				d.checkShortest(t, c, mask)
			}
		}
		for _, f := range d.Judge(false) {
			for kind, got := range map[Kind]bool{WW: f.A, WW | WR: f.B, WW | Realtime: f.S} {
				if want := len(d.components(kind, f.Vertices)) > 0; got != want {
					t.Fatalf("%v within %v: %v, want %v", kind, f.Vertices, got, want)
				}
			}
		}
	})
}

func (d drawn) checkShortest(t *rapid.T, c Component, mask Kind) {
	steps := d.Shortest(c, mask)
	if len(steps) < 2 {
		t.Fatalf("%v: no cycle in %v: %+v", mask, c.Vertices, steps)
	}
	for i, s := range steps {
		if s.To != steps[(i+1)%len(steps)].From {
			t.Fatalf("%v: broken cycle %+v", mask, steps)
		}
		if s.Kind&mask == 0 || d.edges[s.From][s.To]&s.Kind == 0 {
			t.Fatalf("%v: no such edge: %+v in %v", mask, s, d.edges)
		}
		if !slices.Contains(c.Vertices, s.From) {
			t.Fatalf("%v: %d is outside of %v", mask, s.From, c.Vertices)
		}
		if (s.Kind&(WW|WR|RW) != 0) != (s.Log >= 0) {
			t.Fatalf("%v: step without its log: %+v", mask, s)
		}
	}
	if want := d.shortestLen(mask, c.Vertices); len(steps) != want {
		t.Fatalf("%v: a cycle of %d, want %d: %+v", mask, len(steps), want, steps)
	}
}

// shortestLen is the length of the shortest cycle, by powers of the matrix.
func (d drawn) shortestLen(mask Kind, in []int32) int {
	n := len(d.edges)
	step := func(a, b int) bool {
		return d.edges[a][b]&mask != 0 && slices.Contains(in, int32(a)) && slices.Contains(in, int32(b))
	}
	walk := make([][]bool, n)
	for a := range walk {
		walk[a] = make([]bool, n)
		walk[a][a] = true
	}
	for length := 1; length <= n; length++ {
		next := make([][]bool, n)
		for a := range next {
			next[a] = make([]bool, n)
			for b := range next[a] {
				for k := range n {
					next[a][b] = next[a][b] || walk[a][k] && step(k, b)
				}
			}
			if next[a][a] {
				return length
			}
		}
		walk = next
	}
	return 0
}

// TestEvidence: each step names the records that prove it.
func TestEvidence(t *testing.T) {
	g := &Graph{}
	a := g.Add(0, g.Now(), false)
	b := g.Add(1, g.Now(), false)
	x := g.AddLog([]int64{3, 7}, []int32{a, b})
	y := g.AddLog([]int64{5}, []int32{b})
	g.Read(a, y, 5, 5)
	all := g.Components(All)
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	steps := g.Shortest(all[0], All)
	want := []Step{{a, b, WW, x, 3, 7}, {b, a, WR, y, 5, 5}}
	if !slices.Equal(steps, want) {
		t.Fatalf("got %+v, want %+v", steps, want)
	}
	if g.Cyclic(all[0], WR) || !g.Cyclic(all[0], WW|WR) || Kinds(steps) != WW|WR {
		t.Fatal("a ww edge is needed")
	}
}
