package checker

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// A perfect history of which an entry is missing, doubled or displaced accuses
// nobody and proves nothing.
func TestMalformedHistoriesAreUnknown(t *testing.T) {
	perfect := histtest.Valid(histtest.Options{Seed: 7, Ops: 800, Clients: 6})
	damages := []struct {
		what string
		do   func(ops []histories.Op, i int) []histories.Op
	}{
		{"a call is missing", func(ops []histories.Op, i int) []histories.Op {
			for ops[i].Type != histories.Invoke || ops[i].Process < 0 {
				i--
			}
			return slices.Delete(ops, i, i+1)
		}},
		{"an entry stands twice", func(ops []histories.Op, i int) []histories.Op {
			return slices.Insert(ops, i, ops[i])
		}},
		{"two entries changed places", func(ops []histories.Op, i int) []histories.Op {
			ops[i], ops[i+1] = ops[i+1], ops[i]
			return ops
		}},
		{"time goes back", func(ops []histories.Op, i int) []histories.Op {
			ops[i].Time = ops[i-1].Time - 1
			return ops
		}},
	}
	rapid.Check(t, func(t *rapid.T) {
		d := damages[rapid.IntRange(0, len(damages)-1).Draw(t, "damage")]
		i := rapid.IntRange(10, len(perfect.Ops)-2).Draw(t, "entry")
		h := perfect
		h.Ops = d.do(slices.Clone(perfect.Ops), i)
		v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1})
		if v.Valid != Unknown || !slices.ContainsFunc(v.Unknown, func(r Reason) bool { return r.Kind == MalformedHistory }) {
			t.Fatalf("%s at entry %d: %s", d.what, i, text(v))
		}
	})
}
