package client

import (
	"slices"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestStatedPosition: a position that the invocation states goes before its
// seek; logs without one follow the seek.
func TestStatedPosition(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			l := newLab(t, 2)
			do(t, l.open("raw"), sendOp(0, 10, 11, 12), histories.OK)
			do(t, l.open("raw"), sendOp(1, 20), histories.OK)
			c := l.open(kind.Name)
			op := assignOp(histories.Seek{To: histories.SeekBeginning}, 0, 1)
			op.Offsets = []histories.KeyOffset{{Key: 0, Offset: 2}}
			do(t, c, op, histories.OK)
			if want := []histories.KeyOffset{{Key: 0, Offset: 2}, {Key: 1, Offset: 0}}; !slices.Equal(op.Offsets, want) {
				t.Errorf("assigned at %v, want %v", op.Offsets, want)
			}
			var got []int64
			for range 20 {
				for _, r := range values(do(t, c, pollOp(), histories.OK), 0) {
					got = append(got, r.Value)
				}
				if len(got) > 0 {
					break
				}
			}
			if !slices.Equal(got, []int64{12}) {
				t.Errorf("polled %v of the log, want the record at offset 2 alone", got)
			}
		})
	}
}
