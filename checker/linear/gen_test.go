package linear

import (
	"math/rand/v2"
	"slices"

	"github.com/anishathalye/porcupine"
)

// smallHistory draws a few operations around random points of time, on a clock
// so coarse that many of them tie: batches, hidden appends, reads with exact,
// lower, upper and two-sided bounds. Up to mutations of them are then bent.
func smallHistory(r *rand.Rand, mutations int) []Op {
	n := 2 + r.IntN(11)
	clock := 4 + r.IntN(30)
	points := make([]int64, n)
	for i := range points {
		points[i] = int64(r.IntN(clock))
	}
	slices.Sort(points)
	spread := 1 + r.IntN(8)
	var ops []Op
	length := int64(0)
	for i, at := range points {
		o := Op{Call: max(0, at-int64(r.IntN(spread))), Ret: at + int64(r.IntN(spread)),
			Process: int64(i), Index: int64(i), Invoked: int64(i), Value: -1}
		if r.IntN(2) == 0 {
			o.Kind, o.Hi = Produce, length
			length++
			if r.IntN(3) == 0 {
				length += int64(r.IntN(3))
			}
			o.Lo = length
			switch r.IntN(8) {
			case 0:
				o.Ret, o.Unknown = Inf, true
			case 1:
				continue // nobody knows of it
			}
		} else {
			o.Kind = End
			switch r.IntN(5) {
			case 0, 1:
				o.Lo, o.Hi = length, length
			case 2:
				o.Kind = Fetch
				o.Lo, o.Hi = max(0, length-int64(r.IntN(3))), Inf
			case 3:
				o.Lo, o.Hi = 0, length+int64(r.IntN(3))
			case 4:
				o.Lo, o.Hi = max(0, length-int64(r.IntN(2))), length+int64(r.IntN(2))
			}
		}
		ops = append(ops, o)
	}
	for m := r.IntN(mutations + 1); m > 0 && len(ops) > 0; m-- {
		mutate(r, ops)
	}
	return ops
}

// mutate bends one operation: its time, its bounds, or both with another one.
func mutate(r *rand.Rand, ops []Op) {
	o, p := &ops[r.IntN(len(ops))], &ops[r.IntN(len(ops))]
	switch d := int64(r.IntN(9) - 4); r.IntN(6) {
	case 0:
		o.Call = max(0, o.Call+d)
		o.Ret = max(o.Ret, o.Call)
	case 1:
		if o.Ret < Inf {
			o.Ret = max(o.Call, o.Ret-int64(r.IntN(5)))
		}
	case 2:
		if !o.writes() {
			d /= 2
			o.Lo = max(0, o.Lo+d)
			if o.Hi < Inf {
				o.Hi = max(o.Lo, o.Hi+d)
			}
		}
	case 3:
		if p.writes() == o.writes() {
			o.Lo, p.Lo = p.Lo, o.Lo
			o.Hi, p.Hi = p.Hi, o.Hi
		}
	case 4:
		if o.Ret < Inf {
			o.Call, o.Ret = max(0, o.Call+d), max(0, o.Call+d, o.Ret+d)
		}
	case 5:
		if d := int64(r.IntN(3) - 1); o.writes() && o.Hi+d >= 0 {
			o.Hi, o.Lo = o.Hi+d, o.Lo+d
		}
	}
}

// disjoint tells whether no two produces claim one offset.
func disjoint(ops []Op) bool {
	for i := range ops {
		for j := range i {
			a, b := &ops[i], &ops[j]
			if a.writes() && b.writes() && a.Hi < b.Lo && b.Hi < a.Lo {
				return false
			}
		}
	}
	return true
}

// plainModel is the log as one would write it down for porcupine: the state is
// its length. What no produce of the history accounts for are fillers, as in
// the naive model; they are found by the simplest search, offset by offset.
var plainModel = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(s, in, _ any) (bool, any) {
		length, o := s.(int64), in.(*Op)
		if o.writes() {
			return length == o.Hi, o.Lo
		}
		return o.Lo <= length && length <= o.Hi, s
	},
}

// plainHistory adds one filler for every offset that no produce holds.
func plainHistory(ops []Op) []porcupine.Operation {
	var top int64
	held := map[int64]bool{}
	var h []porcupine.Operation
	add := func(o Op) {
		h = append(h, porcupine.Operation{ClientId: int(o.Process), Input: &o, Call: o.Call, Return: o.Ret})
	}
	for _, o := range ops {
		add(o)
		top = max(top, o.Lo)
		if o.writes() {
			for p := o.Hi; p < o.Lo; p++ {
				held[p] = true
			}
		}
	}
	for p := range top {
		if !held[p] {
			add(Op{Call: -1, Ret: Inf, Hi: p, Lo: p + 1, Kind: filler})
		}
	}
	return h
}

// naive decides by trying: which operations may come next at this length? It
// knows nothing of porcupine and of the rule.
func naive(ops []Op) bool {
	type key struct {
		done   uint32
		length int64
	}
	var top int64
	held := map[int64]bool{}
	for _, o := range ops {
		top = max(top, o.Lo)
		if o.writes() {
			for p := o.Hi; p < o.Lo; p++ {
				held[p] = true
			}
		}
	}
	tried := map[key]bool{}
	var search func(done uint32, length int64) bool
	search = func(done uint32, length int64) bool {
		k := key{done, length}
		if tried[k] {
			return false
		}
		tried[k] = true
		first := Inf // nothing may come after the first return of what is left
		left := false
		for i, o := range ops {
			if done&(1<<i) == 0 && o.Ret < Inf {
				first, left = min(first, o.Ret), true
			}
		}
		if !left && !anyLeft(ops, done) {
			return true
		}
		for i := range ops {
			o := &ops[i]
			if done&(1<<i) != 0 || o.Call > first {
				continue
			}
			switch {
			case o.writes() && length == o.Hi && search(done|1<<i, o.Lo),
				!o.writes() && o.Lo <= length && length <= o.Hi && search(done|1<<i, length):
				return true
			}
		}
		return length < top && !held[length] && search(done, length+1)
	}
	return search(0, 0)
}

func anyLeft(ops []Op, done uint32) bool { return done != 1<<len(ops)-1 }
