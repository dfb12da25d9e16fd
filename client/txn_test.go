package client

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// txnOp is a transaction: a value to send (to log 0 below 100, to log 1 above)
// or -1 for a poll.
func txnOp(parts ...int64) *histories.Op {
	op := &histories.Op{F: histories.Txn}
	for _, v := range parts {
		switch {
		case v < 0:
			op.AddPoll()
		case v < 100:
			op.AddSend(0, v)
		default:
			op.AddSend(1, v)
		}
	}
	return op
}

// all reads both logs with an isolation, until everything was polled.
func (l *lab) all(i histories.Isolation) (out [2][]int64) {
	l.t.Helper()
	c := l.open("txn", func(cfg *Config) { cfg.Process, cfg.Txn = 99, 99 })
	op := assignOp(histories.Seek{To: histories.SeekBeginning}, 0, 1)
	op.Isolation = i
	do(l.t, c, op, histories.OK)
	for empty := 0; empty < 2; empty++ {
		op := do(l.t, c, pollOp(), histories.OK)
		for key, r := range op.Polled() {
			out[key] = append(out[key], r.Value)
			empty = 0
		}
	}
	return out
}

// TestTransactions: what is committed is there for everybody, what is aborted,
// at any point, only for readers of everything; an abort goes back to where the
// polls began.
func TestTransactions(t *testing.T) {
	l := newLab(t, 2)
	c := l.open("txn")
	op := do(t, c, txnOp(1, 101, 2), histories.OK)
	if p := op.Producer; p.Txn != 1 || p.Epoch < 0 || op.Mops[0].Offset != 0 || op.Mops[2].Offset != 1 {
		t.Errorf("%+v", op)
	}
	first := op.Producer.Instance
	aborted := 3
	for after := range 3 {
		op := txnOp(int64(aborted), 100+int64(aborted))
		op.Abort = int32(after) + 1
		do(t, c, op, histories.Fail)
		if !strings.Contains(op.Error, "on purpose") {
			t.Errorf("abort after %d: %s", after, op.Error)
		}
		for i, m := range op.Mops {
			if (m.Offset >= 0) != (i < after) {
				t.Errorf("abort after %d: %+v", after, op.Mops)
			}
		}
		aborted++
	}
	do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0), histories.OK)
	op = txnOp(-1, 6)
	op.Abort = 3
	do(t, c, op, histories.Fail)
	again := do(t, c, txnOp(-1, 7), histories.OK)
	if want := []int64{1, 2}; !slices.Equal(valuesOf(op), want) || !slices.Equal(valuesOf(again), want) {
		t.Errorf("polled %v and, after the abort, %v; want %v", valuesOf(op), valuesOf(again), want)
	}
	if again.Producer.Instance != first {
		t.Error("a producer whose aborts were acknowledged was replaced")
	}
	if got, want := l.all(histories.ReadCommitted), [2][]int64{{1, 2, 7}, {101}}; !reflect.DeepEqual(got, want) {
		t.Errorf("committed: %v, want %v", got, want)
	}
	if got, want := l.all(histories.ReadUncommitted), [2][]int64{{1, 2, 4, 5, 6, 7}, {101, 105}}; !reflect.DeepEqual(got, want) {
		t.Errorf("everything: %v, want %v", got, want)
	}
}

func valuesOf(op *histories.Op) (out []int64) {
	for _, r := range op.Polled() {
		out = append(out, r.Value)
	}
	return out
}

// TestFencing: after a fence, or a second instance, the first one commits
// nothing, and says so; then it takes the transactional id back.
func TestFencing(t *testing.T) {
	l := newLab(t, 2)
	a, b := l.open("txn"), l.open("txn", func(cfg *Config) { cfg.Process, cfg.Txn = 2, 2 })
	before := do(t, a, txnOp(1), histories.OK).Producer
	fence := &histories.Op{F: histories.Fence, Keys: []int64{1}}
	if p := do(t, b, fence, histories.OK).Producer; p.Txn != 1 || p.Epoch <= before.Epoch || p.Instance == before.Instance {
		t.Errorf("%+v fences %+v", p, before)
	}
	op := do(t, a, txnOp(2), histories.Fail)
	if op.Producer.Instance != before.Instance {
		t.Errorf("%+v is not the fenced producer", op)
	}
	if after := do(t, a, txnOp(3), histories.OK).Producer; after.Instance == before.Instance {
		t.Errorf("%+v commits after it was fenced", after)
	}
	heir := l.open("txn", func(cfg *Config) { cfg.Process = 11 })
	do(t, heir, txnOp(4), histories.OK)
	do(t, a, txnOp(5), histories.Fail)
	if got, want := l.all(histories.ReadCommitted)[0], []int64{1, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("committed %v, want %v", got, want)
	}
}

// TestStableOffsets: an open transaction holds the last stable offset, its end
// frees it.
func TestStableOffsets(t *testing.T) {
	l := newLab(t, 2)
	do(t, l.open("raw"), sendOp(0, 1), histories.OK)
	a := l.open("txn").(*txnConn)
	ctx := t.Context()
	if err := a.ready(ctx); err != nil {
		t.Fatal(err)
	}
	mops := txnOp(2).Mops
	if err := a.producer.send(ctx, a, mops); err != nil {
		t.Fatal(err)
	}
	reader := l.open("txn", func(cfg *Config) { cfg.Process, cfg.Txn = 3, 3 })
	ask := func(f histories.F) int64 {
		return do(t, reader, &histories.Op{F: f, Keys: []int64{0}}, histories.OK).Offsets[0].Offset
	}
	if stable, end := ask(histories.StableOffsets), ask(histories.EndOffsets); stable != 1 || end != 2 {
		t.Errorf("stable %d, end %d; want 1 and 2", stable, end)
	}
	do(t, reader, &histories.Op{F: histories.Fence, Keys: []int64{1}}, histories.OK)
	if stable, end := ask(histories.StableOffsets), ask(histories.EndOffsets); stable != 3 || end != 3 {
		t.Errorf("stable %d, end %d; want 3 and 3, behind the marker", stable, end)
	}
}

// TestTransformations: positions are committed with what was made of the
// records, and an abort commits neither.
func TestTransformations(t *testing.T) {
	l := newLab(t, 2)
	do(t, l.open("raw"), sendOp(0, 1, 2, 3, 4, 5), histories.OK)
	c := l.open("txn")
	resume := func(c Conn, want int64) {
		t.Helper()
		op := assignOp(histories.Seek{To: histories.SeekCommitted}, 0)
		op.Group = "g"
		if do(t, c, op, histories.OK); op.Offsets[0].Offset != want || op.Seek.To != histories.SeekCommitted {
			t.Errorf("resumed at %+v, want %d", op, want)
		}
	}
	transform := func(c Conn, as histories.Type, abort int32, sends ...int64) *histories.Op {
		t.Helper()
		op := txnOp(append([]int64{-1}, sends...)...)
		op.Group, op.Abort = "g", abort
		return do(t, c, op, as)
	}
	resume(c, 0)
	if got := valuesOf(transform(c, histories.OK, 0, 101, 102)); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("transformed %v", got)
	}
	if got := valuesOf(transform(c, histories.Fail, 3, 103, 104)); !slices.Equal(got, []int64{3, 4}) {
		t.Errorf("aborted a transformation of %v", got)
	}
	resume(c, 2)
	if got := valuesOf(transform(c, histories.OK, 0, 105)); !slices.Equal(got, []int64{3}) {
		t.Errorf("transformed %v, want the third record again", got)
	}
	if op := transform(c, histories.Fail, 0, 106, 107, 108); !strings.Contains(op.Error, "too few") {
		t.Errorf("two records are left, and three were asked for: %+v", op)
	}
	c.Close()
	heir := l.open("txn", func(cfg *Config) { cfg.Process = 11 })
	resume(heir, 3)
	transform(heir, histories.OK, 0, 109, 110)
	if got, want := l.all(histories.ReadCommitted)[1], []int64{101, 102, 105, 109, 110}; !slices.Equal(got, want) {
		t.Errorf("committed %v, want %v", got, want)
	}
}

// TestLostCommit: a commit without an answer is info, whatever came of it.
func TestLostCommit(t *testing.T) {
	l := newLab(t, 1)
	c := l.open("txn", func(cfg *Config) { cfg.OpTimeout, cfg.PollWait = 250*time.Millisecond, 0 }).(*txnConn)
	do(t, c, txnOp(1), histories.OK)
	op := txnOp(2)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := c.ready(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.producer.send(ctx, c, op.Mops); err != nil {
		t.Fatal(err)
	}
	l.links[0].down.shut()
	asked, err := c.commit(ctx, op)
	l.links[0].down.open()
	if !asked || err == nil {
		t.Errorf("asked %v, error %v", asked, err)
	}
}
