package linear

import (
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
)

// sessionHistory draws operations of a few sequential sessions; produces are
// appended in the order they are drawn, reads show one of the last states.
func sessionHistory(r *rand.Rand) []Op {
	var clock [4]int64
	sessions := 2 + r.IntN(3)
	length := int64(0)
	ops := make([]Op, 3+r.IntN(8))
	for i := range ops {
		s := r.IntN(sessions)
		o := Op{Process: int64(s), Index: int64(i), Invoked: int64(i), Value: -1}
		o.Call = clock[s] + int64(r.IntN(3))
		o.Ret = o.Call + int64(r.IntN(6))
		clock[s] = o.Ret + 1
		if r.IntN(2) == 0 {
			o.Kind, o.Hi = Produce, length
			length += 1 + int64(r.IntN(2))
			o.Lo = length
		} else {
			o.Kind = Kind(1 + r.IntN(2))
			at := max(0, length-int64(r.IntN(3)))
			switch r.IntN(3) {
			case 0:
				o.Lo, o.Hi = at, at
			case 1:
				o.Lo, o.Hi = at, Inf
			case 2:
				o.Lo, o.Hi = max(0, at-1), at+int64(r.IntN(2))
			}
		}
		ops[i] = o
	}
	if a, b := &ops[r.IntN(len(ops))], &ops[r.IntN(len(ops))]; r.IntN(2) == 0 && a.Kind == b.Kind {
		a.Lo, b.Lo = b.Lo, a.Lo
		a.Hi, b.Hi = b.Hi, a.Hi
	}
	return ops
}

// before is the order of a model, said as simply as possible.
func before(m Model, b, a *Op) bool {
	same := b.Process == a.Process && b.Call < a.Call
	switch {
	case m == Session:
		return same
	case m == Kafka && a.Kind == Fetch:
		return same && b.Kind == Fetch
	}
	return b.Ret < a.Call
}

// pairs is the rule over all pairs.
func pairs(m Model, ops []Op) bool {
	if !disjoint(ops) {
		return false
	}
	var s shape
	s.refine(&Window{Atomic: true, Ops: ops})
	for i := range s.ops {
		for j := range s.ops {
			a, b := &s.ops[i], &s.ops[j]
			if i != j && a.Kind != filler && b.Kind != filler && b.Lo > a.Hi && before(m, b, a) {
				return false
			}
		}
	}
	return len(s.torn) == 0
}

// ordered is a model for porcupine that keeps the order of sessions in its
// state and takes real time from the intervals alone.
type ordered struct {
	length int64
	next   [4]int8
}

type orderedIn struct {
	*Op
	session, place int // -1: not ordered by a session
}

var orderedModel = porcupine.Model{
	Init: func() any { return ordered{} },
	Step: func(s, in, _ any) (bool, any) {
		x, o := s.(ordered), in.(*orderedIn)
		if o.session >= 0 {
			if int(x.next[o.session]) != o.place {
				return false, s
			}
			x.next[o.session]++
		}
		if o.writes() {
			if x.length != o.Hi {
				return false, s
			}
			x.length = o.Lo
			return true, x
		}
		return o.Lo <= x.length && x.length <= o.Hi, x
	},
}

func porcupineWithSessions(m Model, ops []Op) bool {
	var h []porcupine.Operation
	var place [4]int
	for _, o := range plainHistory(ops) {
		in := &orderedIn{Op: o.Input.(*Op), session: -1}
		call, ret := o.Call, o.Return
		if in.Kind != filler {
			fetch := in.Kind == Fetch
			if m == Session || m == Kafka && fetch {
				in.session = int(in.Process)
				in.place = place[in.session]
				place[in.session]++
				call = -1 // an older state will do
			}
			if m == Session {
				ret = Inf
			}
		}
		h = append(h, porcupine.Operation{Input: in, Call: call, Return: ret})
	}
	return porcupine.CheckOperations(orderedModel, h)
}

// TestModelsAgree: for each model, the pairs, porcupine with session order in
// its state, and the streaming log give one answer.
func TestModelsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, m := range []Model{Strict, Kafka, Session} {
		verdicts := map[bool]int{}
		for range rounds(30_000) {
			ops := sessionHistory(r)
			want := porcupineWithSessions(m, ops)
			if got := pairs(m, ops); got != want {
				t.Fatalf("model %d: the pairs say %v, porcupine %v:\n%s", m, got, want, show(ops))
			}
			if !disjoint(ops) {
				continue
			}
			verdicts[want]++
			online, windows, results := stream(ops, Config{Model: m, Atomic: true, Size: 1 + r.IntN(3)}, make([]int64, len(ops)))
			got := len(online)+len(windows) == 0
			if got && !want && m != Strict && rounded(ops) {
				// The order of sessions is judged as the operations return, when
				// the edges of batches are not known yet.
				continue
			}
			if got != want {
				t.Fatalf("model %d: stream says %v, porcupine %v:\n%s", m, got, want, show(ops))
			}
			for _, res := range results {
				if res.Disagree || res.Panic != nil {
					t.Fatalf("model %d: a window disagrees (%v):\n%s", m, res.Panic, show(res.Window.Ops))
				}
			}
		}
		if verdicts[true] < 300 || verdicts[false] < 300 {
			t.Errorf("model %d: verdicts %v: one of them is hardly tested", m, verdicts)
		}
	}
}

// rounded tells whether a read bound lies inside a batch.
func rounded(ops []Op) bool {
	var s shape
	s.refine(&Window{Atomic: true, Ops: ops})
	return s.rounded
}
