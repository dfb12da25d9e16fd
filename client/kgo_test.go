package client

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// pollUntil polls until n records of the log have come.
func pollUntil(t testing.TB, c Conn, key int64, n int) []histories.Rec {
	t.Helper()
	var out []histories.Rec
	for deadline := time.Now().Add(10 * time.Second); len(out) < n; {
		op := do(t, c, pollOp(), histories.OK)
		if len(op.Bad) > 0 {
			t.Fatalf("bad records %v", op.Bad)
		}
		out = append(out, values(op, key)...)
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d records after 10 s: %v", len(out), n, out)
		}
	}
	return out
}

func recs(pairs ...int64) []histories.Rec {
	var out []histories.Rec
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, histories.Rec{Offset: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// idem makes the contract idempotent and retried, the default of the queue
// workload.
func idem(cfg *Config) {
	yes := true
	cfg.Contract.Idempotence, cfg.Contract.Attempts = &yes, "retried"
}

// TestKgoFamilies walks every operation of the high-level client.
func TestKgoFamilies(t *testing.T) {
	l := newLab(t, 3)
	c := l.open("kgo", idem)
	for i := range 4 {
		op := do(t, c, sendOp(0, int64(10+i)), histories.OK)
		if op.Mops[0].Offset != int64(i) {
			t.Errorf("record %d has offset %d", i, op.Mops[0].Offset)
		}
	}
	op := do(t, c, sendOp(1, 20, 21, 22), histories.OK)
	for i, m := range op.Mops {
		if m.Offset != int64(i) {
			t.Errorf("record %d of the batch has offset %d", i, m.Offset)
		}
	}
	op = do(t, c, &histories.Op{F: histories.EndOffsets, Keys: []int64{0, 1, 2}}, histories.OK)
	if want := []histories.KeyOffset{{Key: 0, Offset: 4}, {Key: 1, Offset: 3}, {Key: 2, Offset: 0}}; !reflect.DeepEqual(op.Offsets, want) {
		t.Errorf("ends %v, want %v", op.Offsets, want)
	}
	do(t, c, pollOp(), histories.Fail)

	do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0, 1), histories.OK)
	if got, want := pollUntil(t, c, 0, 4), recs(0, 10, 1, 11, 2, 12, 3, 13); !reflect.DeepEqual(got, want) {
		t.Errorf("polled %v, want %v", got, want)
	}
	op = do(t, c, assignOp(histories.Seek{To: histories.SeekBack, Back: 2}, 0), histories.OK)
	if op.Offsets[0].Offset != 2 {
		t.Errorf("two back is %v", op.Offsets)
	}
	if got, want := pollUntil(t, c, 0, 2), recs(2, 12, 3, 13); !reflect.DeepEqual(got, want) {
		t.Errorf("polled %v, want %v", got, want)
	}
	op = do(t, c, assignOp(histories.Seek{To: histories.SeekResume}, 0, 2), histories.OK)
	if op.Offsets[0].Offset != 4 || op.Offsets[1].Offset != 0 {
		t.Errorf("resumed at %v", op.Offsets)
	}
	do(t, c, sendOp(0, 14), histories.OK)
	if got, want := pollUntil(t, c, 0, 1), recs(4, 14); !reflect.DeepEqual(got, want) {
		t.Errorf("polled %v, want %v", got, want)
	}
	do(t, c, &histories.Op{F: histories.Crash}, histories.Info)
	do(t, c, sendOp(0, 15), histories.Fail)
}

// TestKgoRetriesOnce: the first answer is lost and the producer retries; the
// idempotent one leaves one record, the other may leave two.
func TestKgoRetriesOnce(t *testing.T) {
	l := newLab(t, 1)
	c := l.open("kgo", idem, func(cfg *Config) { cfg.OpTimeout = 5 * time.Second })
	l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicasAfterAppend})
	do(t, c, sendOp(0, 1), histories.OK)
	if got := l.readAll(0); len(got) != 1 {
		t.Errorf("the log holds %v", got)
	}
	plain := l.open("kgo", func(cfg *Config) { cfg.OpTimeout = 5 * time.Second })
	l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicasAfterAppend})
	do(t, plain, sendOp(0, 2), histories.OK)
	if got := l.readAll(0); len(got) != 3 {
		t.Errorf("the log holds %v, want the second value twice", got)
	}
}

// TestKgoErrorsAreInfo: refused or unreachable, the producer does not tell
// what was appended.
func TestKgoErrorsAreInfo(t *testing.T) {
	l := newLab(t, 1)
	short := func(cfg *Config) { cfg.OpTimeout = 500 * time.Millisecond }
	refused := l.open("kgo", idem, short)
	l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge})
	op := do(t, refused, sendOp(0, 1), histories.Info)
	if !strings.HasPrefix(op.Error, producer) {
		t.Errorf("error %q", op.Error)
	}
	l.leaveOut(0, true)
	do(t, l.open("kgo", idem, short), sendOp(0, 2), histories.Info)
	do(t, l.open("kgo", idem, short), &histories.Op{F: histories.EndOffsets, Keys: []int64{0}}, histories.Fail)
}

// TestKgoUnknown: what the client does not know fails before anything is sent.
func TestKgoUnknown(t *testing.T) {
	l := newLab(t, 1)
	c := l.open("kgo", idem)
	do(t, c, sendOp(9, 1), histories.Fail)
	do(t, c, sendOp(0), histories.Fail)
	do(t, c, &histories.Op{F: histories.Txn}, histories.Fail)
	op := do(t, c, assignOp(histories.Seek{To: histories.SeekEnd}, 0, 9), histories.OK)
	if op.Offsets[1].Offset != -1 || op.Error == "" {
		t.Errorf("assigned at %v, error %q", op.Offsets, op.Error)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	op = sendOp(0, 1)
	if c.Do(ctx, op); op.Type != histories.Info {
		t.Errorf("a cancelled send completed as %d", op.Type)
	}
}
