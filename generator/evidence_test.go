package generator

import (
	"slices"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// TestEvidence walks a log's epochs down from the current one, gives a broker
// that does not answer up, and reads the log like the final reads.
func TestEvidence(t *testing.T) {
	_, cfg := config(1, 2, 2)
	var now time.Duration
	g := NewEvidence(cfg)
	answer := func(worker int, epoch, end int64) histories.Op {
		op := ask(t, g, worker, &now)
		if op.F == histories.LeaderEpochs {
			done := op
			done.Type = histories.OK
			done.Offsets, done.IDs = []histories.KeyOffset{{Key: op.Keys[0], Offset: end}}, []int64{epoch}
			g.Saw(worker, &done)
		}
		return op
	}
	var asked []int64
	for _, a := range [][2]int64{{7, 90}, {5, 60}, {2, 0}} {
		op := answer(0, a[0], a[1])
		if op.F != histories.LeaderEpochs {
			t.Fatalf("asks %v", op.F)
		}
		asked = append(asked, op.IDs...)
	}
	if want := []int64{-1, 6, 4}; !slices.Equal(asked, want) {
		t.Errorf("asked for the epochs %v, want %v", asked, want)
	}
	if op := ask(t, g, 0, &now); op.F != histories.StartOffsets {
		t.Errorf("after the epochs it asks %v", op.F)
	}
	for range epochTries {
		op := ask(t, g, 1, &now)
		if op.F != histories.LeaderEpochs {
			t.Fatalf("asks %v", op.F)
		}
		op.Type = histories.Fail
		g.Saw(1, &op)
	}
	if op := ask(t, g, 1, &now); op.F != histories.StartOffsets {
		t.Errorf("after %d failures it asks %v", epochTries, op.F)
	}
}
