package client

import (
	"reflect"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestRawFamilies walks every operation of the raw client over healthy links.
func TestRawFamilies(t *testing.T) {
	l := newLab(t, 3)
	c := l.open("raw")

	op := do(t, c, sendOp(0, 10), histories.OK)
	if op.Mops[0].Offset != 0 {
		t.Errorf("first offset is %d", op.Mops[0].Offset)
	}
	op = do(t, c, sendOp(0, 11, 12, 13), histories.OK)
	for i, m := range op.Mops {
		if m.Offset != int64(i+1) {
			t.Errorf("record %d of the batch has offset %d", i, m.Offset)
		}
	}
	do(t, c, sendOp(2, 20), histories.OK)

	op = do(t, c, &histories.Op{F: histories.EndOffsets, Keys: []int64{0, 1, 2}}, histories.OK)
	if want := []histories.KeyOffset{{Key: 0, Offset: 4}, {Key: 1, Offset: 0}, {Key: 2, Offset: 1}}; !reflect.DeepEqual(op.Offsets, want) {
		t.Errorf("ends %v, want %v", op.Offsets, want)
	}
	if err := l.c.DeleteRecords("t", 0, 1); err != nil {
		t.Fatal(err)
	}
	op = do(t, c, &histories.Op{F: histories.StartOffsets, Keys: []int64{0}}, histories.OK)
	if op.Offsets[0].Offset != 1 {
		t.Errorf("start %v, want 1", op.Offsets)
	}

	op = do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0, 1, 2), histories.OK)
	if op.Offsets[0].Offset != 1 || op.Offsets[2].Offset != 0 {
		t.Errorf("assigned at %v", op.Offsets)
	}
	op = do(t, c, pollOp(), histories.OK)
	if got, want := values(op, 0), []histories.Rec{{Offset: 1, Value: 11}, {Offset: 2, Value: 12}, {Offset: 3, Value: 13}}; !reflect.DeepEqual(got, want) {
		t.Errorf("polled %v, want %v", got, want)
	}
	if got := values(op, 2); len(got) != 1 || got[0].Value != 20 {
		t.Errorf("polled %v of log 2", got)
	}
	if len(op.Bad) != 0 || len(op.Fetched) != 3 || !op.Mops[0].Polled {
		t.Errorf("bad %v, fetched %v", op.Bad, op.Fetched)
	}
	for _, f := range op.Fetched {
		if want := map[int64]int64{0: 4, 1: 0, 2: 1}[f.Key]; f.HighWatermark != want {
			t.Errorf("high watermark of log %d is %d, want %d", f.Key, f.HighWatermark, want)
		}
	}

	op = do(t, c, assignOp(histories.Seek{To: histories.SeekBack, Back: 2}, 0), histories.OK)
	if op.Offsets[0].Offset != 2 {
		t.Errorf("two back is %v", op.Offsets)
	}
	op = do(t, c, assignOp(histories.Seek{To: histories.SeekBack, Back: 99}, 0), histories.OK)
	if op.Offsets[0].Offset != 1 {
		t.Errorf("99 back is %v, want the start", op.Offsets)
	}
	op = do(t, c, assignOp(histories.Seek{To: histories.SeekEnd}, 0), histories.OK)
	if op.Offsets[0].Offset != 4 {
		t.Errorf("end is %v", op.Offsets)
	}
	op = do(t, c, assignOp(histories.Seek{To: histories.SeekResume}, 0, 1), histories.OK)
	if op.Offsets[0].Offset != 4 || op.Offsets[1].Offset != 0 {
		t.Errorf("resumed at %v", op.Offsets)
	}
	op = do(t, c, pollOp(), histories.OK)
	if len(op.Recs) != 0 || !op.Mops[0].Polled || len(op.Fetched) != 2 {
		t.Errorf("an empty poll returned %v, fetched %v", op.Recs, op.Fetched)
	}
	do(t, c, &histories.Op{F: histories.Crash}, histories.Info)
	do(t, c, sendOp(0, 14), histories.Fail)
}
