package client

import (
	"slices"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestLeaderEpochs: every move of the leader begins an epoch, whose end is where
// the next one began.
func TestLeaderEpochs(t *testing.T) {
	l := newLab(t, 2)
	c := l.open("raw")
	do(t, c, sendOp(0, 1, 2), histories.OK)
	current := do(t, c, &histories.Op{F: histories.LeaderEpochs, Keys: []int64{0, 1}, IDs: []int64{-1, -1}}, histories.OK)
	if len(current.IDs) != 2 || current.IDs[0] < 0 || !slices.Equal(current.Offsets, []histories.KeyOffset{{Key: 0, Offset: 2}, {Key: 1, Offset: 0}}) {
		t.Fatalf("%v end at %v", current.IDs, current.Offsets)
	}
	if err := l.c.MoveTopicPartition("t", 0, 1); err != nil {
		t.Fatal(err)
	}
	d := l.open("raw", func(cfg *Config) { cfg.Process = 2 }) // it learns the new leader
	do(t, d, sendOp(0, 3), histories.OK)
	now := do(t, d, &histories.Op{F: histories.LeaderEpochs, Keys: []int64{0}}, histories.OK)
	if now.IDs[0] <= current.IDs[0] || now.Offsets[0].Offset != 3 {
		t.Errorf("epoch %v ends at %v, after %v", now.IDs, now.Offsets, current.IDs)
	}
	before := do(t, d, &histories.Op{F: histories.LeaderEpochs, Keys: []int64{0}, IDs: []int64{now.IDs[0] - 1}}, histories.OK)
	if before.Offsets[0].Offset != 2 || before.IDs[0] >= now.IDs[0] {
		t.Errorf("the epoch before, %v, ends at %v", before.IDs, before.Offsets)
	}
	do(t, d, &histories.Op{F: histories.LeaderEpochs, Keys: []int64{99}}, histories.Fail)
}
