package checker

import (
	"math/rand/v2"
	"testing"
)

// TestGaps: each gap is kept once, in the order of the first sightings, and
// counted, however many begin at an offset and however long they are.
func TestGaps(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	type key struct {
		from, to                   int64
		internal, group, committed bool
	}
	for range 50 {
		var g gaps
		times := map[key]int64{}
		first := map[key]int64{}
		var order []key
		for op := range int64(3000) {
			k := key{from: r.Int64N(40) - 1, internal: r.IntN(2) == 0, group: r.IntN(8) == 0, committed: r.IntN(8) == 0}
			k.to = k.from + 2 + r.Int64N(2)
			if r.IntN(20) == 0 {
				k.to += 1 << (28 + r.IntN(10)) // about where a head cannot tell it any more
			}
			if r.IntN(50) == 0 {
				k.from, k.to = k.from+1<<40, k.to+1<<40
			}
			if times[k]++; times[k] == 1 {
				first[k] = op
				order = append(order, k)
			}
			at := g.add(&gap{from: k.from, to: k.to, internal: k.internal, group: k.group, committed: k.committed, op: op})
			if got := g.at(at); got.op != first[k] || got.from != k.from || got.to != k.to {
				t.Fatalf("gap %+v, first seen by %d, is taken for %+v", k, first[k], got)
			}
		}
		for range 2 { // a second look counts nothing twice
			i := 0
			g.each(func(n *gap) {
				k := key{n.from, n.to, n.internal, n.group, n.committed}
				if i >= len(order) || k != order[i] || n.n != times[k] {
					t.Fatalf("gap %d is %+v, %d times; want %+v, %d times", i, k, n.n, order[min(i, len(order)-1)], times[k])
				}
				i++
			})
			if i != len(order) {
				t.Fatalf("%d gaps, want %d", i, len(order))
			}
		}
	}
}

// TestGapsAreBounded: beyond the limit no gap is kept, and known ones still count.
func TestGapsAreBounded(t *testing.T) {
	var g gaps
	for i := range int64(maxGaps) {
		if g.add(&gap{from: 3 * i, to: 3*i + 2}) < 0 {
			t.Fatalf("no room for gap %d", i)
		}
	}
	if g.add(&gap{from: 1, to: 3}) >= 0 || g.add(&gap{from: 0, to: 3}) >= 0 {
		t.Error("there is room for more gaps than there may be")
	}
	if g.add(&gap{from: 0, to: 2}) != 0 || g.len != maxGaps {
		t.Error("a gap that is kept is not found any more")
	}
	g.each(func(n *gap) {
		if want := int64(1 + btoi(n.from == 0)); n.n != want {
			t.Fatalf("gap %+v was seen %d times", n, want)
		}
	})
}
