package client

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// TestUnmapped: with one link left out of the route map, what that broker
// leads cannot be reached, and nothing goes round the map.
func TestUnmapped(t *testing.T) {
	l := newLab(t, 3)
	l.leaveOut(1, true)
	for _, kind := range []string{"raw", "kgo"} {
		c := l.open(kind, idem, func(cfg *Config) { cfg.OpTimeout = 700 * time.Millisecond })
		do(t, c, sendOp(0, 1), histories.OK)
		want := histories.Fail
		if kind == "kgo" {
			want = histories.Info
		}
		op := do(t, c, sendOp(1, 2), want)
		if kind == "raw" && !strings.Contains(op.Error, "no link is mapped") {
			t.Errorf("the error does not name the missing link: %s", op.Error)
		}
	}
	l.mu.Lock()
	tried := l.dials[l.c.ListenAddrs()[1]]
	l.mu.Unlock()
	if tried == 0 {
		t.Error("the broker that was left out was never dialled through the map")
	}
	l.leaveOut(1, false)
	if got := l.readAll(1); len(got) != 0 {
		t.Errorf("its log holds %v", got)
	}
}

// TestOneSilentBroker: one broker says nothing. What the others lead is served
// by fresh clients well before the deadline, whichever they ask first.
func TestOneSilentBroker(t *testing.T) {
	l := newLab(t, 3)
	l.links[0].up.shut()
	for p := range int64(6) {
		c := l.open("raw", func(cfg *Config) { cfg.Process = p })
		do(t, c, sendOp(1, p), histories.OK)
		op := do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 1, 2), histories.OK)
		if op.Error != "" {
			t.Errorf("assigned with error %q", op.Error)
		}
		c.Close()
	}
	c := l.open("raw", func(cfg *Config) { cfg.OpTimeout = 400 * time.Millisecond })
	op := do(t, c, &histories.Op{F: histories.EndOffsets, Keys: []int64{0, 1, 2}}, histories.OK)
	if want := []histories.KeyOffset{{Key: 0, Offset: -1}, {Key: 1, Offset: 6}, {Key: 2, Offset: 0}}; !reflect.DeepEqual(op.Offsets, want) {
		t.Errorf("ends %v, want %v", op.Offsets, want)
	}
	if !strings.Contains(op.Error, "log 0") || strings.Contains(op.Error, "log 1") {
		t.Errorf("error %q", op.Error)
	}
}

// TestPartialPoll: a poll tells of the logs that answered and names the rest;
// an assignment resolves later what it could not resolve at once.
func TestPartialPoll(t *testing.T) {
	l := newLab(t, 2)
	do(t, l.open("raw"), sendOp(0, 1, 2), histories.OK)
	do(t, l.open("raw"), sendOp(1, 3), histories.OK)
	c := l.open("raw", func(cfg *Config) { cfg.OpTimeout = 400 * time.Millisecond })
	l.links[0].up.shut()
	op := do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0, 1), histories.OK)
	if op.Offsets[0].Offset != -1 || op.Offsets[1].Offset != 0 || op.Error == "" {
		t.Errorf("assigned at %v, error %q", op.Offsets, op.Error)
	}
	l.links[0].up.open()
	op = do(t, c, pollOp(), histories.OK)
	if got := values(op, 0); len(got) != 2 {
		t.Errorf("polled %v of the log resolved late", got)
	}
	do(t, l.open("raw"), sendOp(1, 4), histories.OK)
	l.links[0].up.shut()
	op = do(t, c, pollOp(), histories.OK)
	if len(op.Fetched) != 1 || op.Fetched[0].Key != 1 || !strings.Contains(op.Error, "log 0") {
		t.Errorf("fetched %v, error %q", op.Fetched, op.Error)
	}
	if got := c.(*rawConn).assigned.find(0).next; got != 2 {
		t.Errorf("the position of the log that did not answer is %d", got)
	}
}

// TestLeaderMoves: the old leader refuses and may have appended before, so the
// send is info; the next client finds the new leader. Reads fail once and
// follow.
func TestLeaderMoves(t *testing.T) {
	l := newLab(t, 3)
	c, reader := l.open("raw"), l.open("raw")
	do(t, c, sendOp(0, 1), histories.OK)
	do(t, reader, assignOp(histories.Seek{To: histories.SeekBeginning}, 0), histories.OK)
	if err := l.c.MoveTopicPartition("t", 0, 2); err != nil {
		t.Fatal(err)
	}
	op := do(t, c, sendOp(0, 2), histories.Info)
	if !strings.Contains(op.Error, "NOT_LEADER") {
		t.Errorf("error %q", op.Error)
	}
	do(t, c, sendOp(0, 3), histories.OK)
	do(t, reader, pollOp(), histories.Fail)
	op = do(t, reader, pollOp(), histories.OK)
	if got, want := values(op, 0), recs(0, 1, 1, 3); !reflect.DeepEqual(got, want) {
		t.Errorf("polled %v, want %v", got, want)
	}
}

// TestStaleMetadata: a broker that tells an older leader epoch is not believed.
func TestStaleMetadata(t *testing.T) {
	r := &route{epoch: 5, addr: "b:1", node: 2, log: histories.Log{Topic: "t"}}
	ls := &leaders{routes: map[int64]*route{0: r}}
	old := kmsg.NewMetadataResponseTopicPartition()
	old.Leader, old.LeaderEpoch = 1, 4
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic, topic.Partitions = kmsg.StringPtr("t"), []kmsg.MetadataResponseTopicPartition{old}
	resp := &kmsg.MetadataResponse{Topics: []kmsg.MetadataResponseTopic{topic}}
	if err := ls.learn(&wire{}, resp); err != nil || r.node != 2 {
		t.Errorf("leader n%d after stale metadata, %v", r.node, err)
	}
	resp.Topics[0].Partitions[0].LeaderEpoch = 6
	if err := ls.learn(&wire{}, resp); err != nil || r.node != 1 || r.why == nil {
		t.Errorf("leader n%d (%v) after newer metadata without its address, %v", r.node, r.why, err)
	}
}

// TestNewBroker: a leader that was not among the seeds is reached by the
// address it advertises.
func TestNewBroker(t *testing.T) {
	l := newLab(t, 3)
	c := l.open("raw", func(cfg *Config) { cfg.Seeds = cfg.Seeds[:1] })
	for key := range int64(3) {
		do(t, c, sendOp(key, key), histories.OK)
	}
	for _, addr := range l.c.ListenAddrs() {
		if l.dials[addr] == 0 {
			t.Errorf("%s was not dialled through the map", addr)
		}
	}
}

// TestOutOfRange: the position is gone; the poll fails, says so, and the next
// one begins at the log's start.
func TestOutOfRange(t *testing.T) {
	l := newLab(t, 1)
	c := l.open("raw")
	do(t, c, sendOp(0, 1, 2, 3), histories.OK)
	do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0), histories.OK)
	if err := l.c.DeleteRecords("t", 0, 2); err != nil {
		t.Fatal(err)
	}
	op := do(t, c, pollOp(), histories.Fail)
	if !strings.Contains(op.Error, "OFFSET_OUT_OF_RANGE") || !strings.Contains(op.Error, "start") {
		t.Errorf("error %q", op.Error)
	}
	op = do(t, c, pollOp(), histories.OK)
	if len(op.Fetched) != 1 || op.Fetched[0].Position != 2 {
		t.Errorf("fetched %v, want from 2", op.Fetched)
	}
}

// TestIsolation: aborted records are seen by read_uncommitted alone, control
// records by nobody.
func TestIsolation(t *testing.T) {
	l := newLab(t, 1)
	produceTxn(t, l, true, 1)
	produceTxn(t, l, false, 2, 3)
	produceTxn(t, l, true, 4)
	for _, kind := range []string{"raw", "kgo"} {
		for isolation, want := range map[string][]histories.Rec{
			"read_uncommitted": recs(0, 1, 2, 2, 3, 3, 5, 4),
			"read_committed":   recs(0, 1, 5, 4),
		} {
			c := l.open(kind, func(cfg *Config) { cfg.Contract.Isolation = isolation })
			do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0), histories.OK)
			if got := pollUntil(t, c, 0, len(want)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s %s: %v, want %v", kind, isolation, got, want)
			}
		}
	}
}

// produceTxn writes the values to log 0 in a transaction of their own.
func produceTxn(t *testing.T, l *lab, commit bool, values ...int64) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(l.c.ListenAddrs()...), kgo.TransactionalID(fmt.Sprint("txn-", values[0])),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		r := &kgo.Record{Topic: "t", Value: AppendPayload(nil, Payload{Run: testRun, Value: v}, 64)}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
		t.Fatal(err)
	}
}

// TestForeignRecords: what others wrote to the topic is recognised.
func TestForeignRecords(t *testing.T) {
	l := newLab(t, 2)
	other := l.open("raw", func(cfg *Config) { cfg.Run = 7 })
	do(t, other, sendOp(0, 1), histories.OK)
	wrong := l.open("raw", func(cfg *Config) { // knows log 1 by another place
		cfg.Logs = []histories.Log{{Key: 1, Topic: "t", Partition: 0}}
	})
	do(t, wrong, sendOp(1, 2), histories.OK)
	for _, kind := range []string{"raw", "kgo"} {
		c := l.open(kind)
		do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0), histories.OK)
		op := pollOp()
		for len(op.Recs) < 2 {
			c.Do(context.Background(), op)
		}
		if len(op.Bad) != 2 || op.Bad[0].Why != histories.BadForeign || op.Bad[1].Why != histories.BadLog {
			t.Errorf("%s: bad %+v", kind, op.Bad)
		}
		if want := recs(0, -1, 1, 2); !reflect.DeepEqual(op.Recs, want) {
			t.Errorf("%s: read %v, want %v", kind, op.Recs, want)
		}
	}
}

// TestUnknownTopicIsInfo: the topic existed when the operation was called.
func TestUnknownTopicIsInfo(t *testing.T) {
	l := newLab(t, 1)
	for _, err := range []*kerr.Error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID} {
		l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err})
		do(t, l.open("raw"), sendOp(0, 1), histories.Info)
	}
}
