package client

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// answerProduce lets the cluster answer the next produce request by fn, which
// is given an answer of code 0 at base offset 0 to change.
func (l *lab) answerProduce(fn func(*kmsg.ProduceResponse)) {
	l.c.ControlKey(int16(kmsg.Produce), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.ProduceRequest)
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range req.Topics {
			t := kmsg.NewProduceResponseTopic()
			t.Topic, t.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition = rp.Partition
				t.Partitions = append(t.Partitions, p)
			}
			resp.Topics = append(resp.Topics, t)
		}
		fn(resp)
		return resp, nil, true
	})
}

// TestOutcomeOfEachCode has the broker answer each code of the table, and some
// that are not in it, and compares the completion with the row.
func TestOutcomeOfEachCode(t *testing.T) {
	l := newLab(t, 1)
	codes := []int16{kerr.LeaderNotAvailable.Code, kerr.FencedLeaderEpoch.Code, kerr.DuplicateSequenceNumber.Code, 29999}
	for _, o := range Outcomes {
		if o.Code != CodeNone {
			codes = append(codes, o.Code)
		}
	}
	for i, code := range codes {
		want := OutcomeOf(code)
		l.answerProduce(func(r *kmsg.ProduceResponse) { r.Topics[0].Partitions[0].ErrorCode = code })
		op := sendOp(0, int64(i), int64(i+1000))
		l.open("raw").Do(context.Background(), op)
		if op.Type != want.Type {
			t.Errorf("code %d completed as %d, the row %s says %d: %s", code, op.Type, want.Name, want.Type, op.Error)
		}
		if code != 0 && (op.Error == "" || op.Mops[0].Offset != histories.OffsetUnknown) {
			t.Errorf("code %d: error %q, offset %d", code, op.Error, op.Mops[0].Offset)
		}
		if want.Type == histories.Info && want.Definite || want.Type == histories.Fail && !want.Definite {
			t.Errorf("row %s is not definite as its type says", want.Name)
		}
	}
}

// TestOutcomeTable holds the table together: one row a code and a name, a
// reason in each, the protocol's names, info for what is not listed.
func TestOutcomeTable(t *testing.T) {
	names, codes := map[string]bool{}, map[int16]bool{}
	for _, o := range Outcomes {
		if names[o.Name] || o.Code != CodeNone && codes[o.Code] {
			t.Errorf("row %s stands twice", o.Name)
		}
		names[o.Name], codes[o.Code] = true, true
		if o.Doc == "" {
			t.Errorf("row %s has no reason", o.Name)
		}
		if err := kerr.TypedErrorForCode(o.Code); o.Code > 0 && (err == nil || err.Message != o.Name && o.Code != kerr.NotLeaderForPartition.Code) {
			t.Errorf("row %s has the code of %v", o.Name, err)
		}
		if o.Definite != (o.Type != histories.Info) {
			t.Errorf("row %s: definite is %v for type %d", o.Name, o.Definite, o.Type)
		}
	}
	for _, name := range []string{unsent, unanswered, malformed, unacked, producer, read, unlisted} {
		if byName[name] == nil {
			t.Errorf("no row %s", name)
		}
	}
	if OutcomeOf(31999).Type != histories.Info {
		t.Error("an unknown code is not info")
	}
}

// TestAppendedThenError: the broker appends and answers an error. The record
// is in the log, so nothing but info is true.
func TestAppendedThenError(t *testing.T) {
	l := newLab(t, 1)
	for i, err := range []*kerr.Error{kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend} {
		l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err})
		do(t, l.open("raw"), sendOp(0, int64(i)), histories.Info)
		if got := l.readAll(0); len(got) != i+1 {
			t.Errorf("%s: the log holds %v", err.Message, got)
		}
	}
}

// TestAckWithoutOffset: an acknowledgement with a negative base offset is ok
// without an offset.
func TestAckWithoutOffset(t *testing.T) {
	l := newLab(t, 1)
	l.answerProduce(func(r *kmsg.ProduceResponse) { r.Topics[0].Partitions[0].BaseOffset = -1 })
	op := do(t, l.open("raw"), sendOp(0, 1, 2), histories.OK)
	for _, m := range op.Mops {
		if m.Offset != histories.OffsetNil {
			t.Errorf("offset %d, want OffsetNil", m.Offset)
		}
	}
	if !strings.Contains(op.Error, "-1") {
		t.Errorf("error %q does not say the base offset", op.Error)
	}
}

// TestMalformedAnswer: an answer without the log, or with another one, is info.
func TestMalformedAnswer(t *testing.T) {
	l := newLab(t, 1)
	for name, fn := range map[string]func(*kmsg.ProduceResponse){
		"no topic":          func(r *kmsg.ProduceResponse) { r.Topics = nil },
		"no partition":      func(r *kmsg.ProduceResponse) { r.Topics[0].Partitions = nil },
		"another topic":     func(r *kmsg.ProduceResponse) { r.Topics[0].TopicID[0]++ },
		"another partition": func(r *kmsg.ProduceResponse) { r.Topics[0].Partitions[0].Partition++ },
	} {
		l.answerProduce(fn)
		op := do(t, l.open("raw"), sendOp(0, 1), histories.Info)
		if !strings.HasPrefix(op.Error, malformed) {
			t.Errorf("%s: error %q", name, op.Error)
		}
	}
}

// TestAcksZero: nobody answers, so nobody knows.
func TestAcksZero(t *testing.T) {
	l := newLab(t, 1)
	for _, kind := range []string{"raw", "kgo"} {
		c := l.open(kind, func(cfg *Config) { cfg.Contract.Acks = "0" })
		op := do(t, c, sendOp(0, 1), histories.Info)
		if !strings.HasPrefix(op.Error, unacked) {
			t.Errorf("%s: error %q", kind, op.Error)
		}
	}
}

// TestUnsent: whatever stops a request before its first byte is a fail, and
// the record is not in the log afterwards.
func TestUnsent(t *testing.T) {
	short := func(cfg *Config) { cfg.OpTimeout = 300 * time.Millisecond }
	cases := []struct {
		name        string
		break_, fix func(*lab)
	}{
		{"unmapped", func(l *lab) { l.leaveOut(0, true) }, func(l *lab) { l.leaveOut(0, false) }},
		{"closed at once", func(l *lab) { l.links[0].refuse.Store(true) }, func(l *lab) { l.links[0].refuse.Store(false) }},
		{"silent upstream", func(l *lab) { l.links[0].up.shut() }, func(l *lab) { l.links[0].up.open() }},
		{"silent downstream", func(l *lab) { l.links[0].down.shut() }, func(l *lab) { l.links[0].down.open() }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t, 1)
			c := l.open("raw", short)
			tc.break_(l)
			op := do(t, c, sendOp(0, 1), histories.Fail)
			if !strings.HasPrefix(op.Error, unsent) {
				t.Errorf("error %q", op.Error)
			}
			tc.fix(l)
			do(t, c, sendOp(0, 2), histories.OK)
			if got := l.readAll(0); len(got) != 1 || got[0].Value != 2 {
				t.Errorf("the log holds %v, want only the second value", got)
			}
		})
	}
}

// TestUnsentOnKnownLeader: the leader is known and only its produce connection
// cannot be made.
func TestUnsentOnKnownLeader(t *testing.T) {
	l := newLab(t, 2)
	c := l.open("raw", func(cfg *Config) {
		cfg.OpTimeout = 300 * time.Millisecond
		// The operation's deadline strikes first, not the connection's.
		cfg.Opts = []kgo.Opt{kgo.RequestTimeoutOverhead(10 * time.Second)}
	})
	do(t, c, &histories.Op{F: histories.EndOffsets, Keys: []int64{0, 1}}, histories.OK)
	l.links[0].up.shut()
	before := c.(*rawConn).wire
	op := do(t, c, sendOp(0, 1), histories.Fail)
	if !strings.HasPrefix(op.Error, unsent) {
		t.Errorf("error %q", op.Error)
	}
	if c.(*rawConn).wire == before {
		t.Error("the wire of an abandoned request is used again")
	}
	do(t, c, sendOp(1, 2), histories.OK) // the other broker is as it was
	l.links[0].up.open()
	do(t, c, sendOp(0, 3), histories.OK)
	if got := l.readAll(0); len(got) != 1 || got[0].Value != 3 {
		t.Errorf("the log holds %v, want only the last value", got)
	}
}

// TestUnanswered: the request was written and its answer did not come. The
// first loses the answer of an append, the second the request itself: nobody
// at the client can tell them apart, and both are info.
func TestUnanswered(t *testing.T) {
	for name, cut := range map[string]func(*link){
		"lost answer":  func(k *link) { k.down.shut() },
		"lost request": func(k *link) { k.up.shut() },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, 1)
			c := l.open("raw", func(cfg *Config) { cfg.OpTimeout = 300 * time.Millisecond })
			do(t, c, sendOp(0, 1), histories.OK)
			cut(l.links[0])
			op := do(t, c, sendOp(0, 2), histories.Info)
			if !strings.HasPrefix(op.Error, unanswered) {
				t.Errorf("error %q", op.Error)
			}
			c.Close()
			l.links[0].reset()
			l.links[0].down.open()
			l.links[0].up.open()
			if got := l.readAll(0); name == "lost answer" && len(got) != 2 {
				t.Errorf("the log holds %v, want both values", got)
			}
		})
	}
}

// TestReset: the connection is reset while the answer is awaited.
func TestReset(t *testing.T) {
	l := newLab(t, 1)
	c := l.open("raw")
	do(t, c, sendOp(0, 1), histories.OK)
	l.links[0].down.shut()
	seen := l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	done := make(chan *histories.Op, 1)
	op := sendOp(0, 2)
	go func() { c.Do(context.Background(), op); done <- op }()
	if err := seen.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	l.links[0].reset()
	if <-done; op.Type != histories.Info || !strings.HasPrefix(op.Error, unanswered) {
		t.Errorf("completed as %d: %s", op.Type, op.Error)
	}
}

// TestFailedReads: a read that is refused or stopped is a fail.
func TestFailedReads(t *testing.T) {
	l := newLab(t, 1)
	c := l.open("raw", func(cfg *Config) { cfg.OpTimeout = 300 * time.Millisecond })
	do(t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, 0), histories.OK)
	l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.KafkaStorageError})
	if op := do(t, c, pollOp(), histories.Fail); op.Mops[0].Polled || !strings.Contains(op.Error, "KAFKA_STORAGE_ERROR") {
		t.Errorf("polled %v, error %q", op.Mops[0].Polled, op.Error)
	}
	l.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.UnknownServerError})
	op := do(t, c, &histories.Op{F: histories.EndOffsets, Keys: []int64{0}}, histories.Fail)
	if op.Offsets[0].Offset != -1 {
		t.Errorf("a failed listing says %v", op.Offsets)
	}
	l.links[0].down.shut()
	for _, op := range []*histories.Op{pollOp(), assignOp(histories.Seek{To: histories.SeekEnd}, 0), {F: histories.StartOffsets, Keys: []int64{0}}} {
		do(t, c, op, histories.Fail)
	}
	do(t, c, assignOp(histories.Seek{}), histories.OK) // nothing assigned, nobody asked
	do(t, c, pollOp(), histories.Fail)
	do(t, c, &histories.Op{F: histories.Txn}, histories.Fail)
	do(t, c, sendOp(9, 1), histories.Fail)
	do(t, c, sendOp(0), histories.Fail)
	two := sendOp(0, 1)
	two.Mops = append(two.Mops, histories.Mop{Send: true, Key: 1})
	do(t, c, two, histories.Fail)
}

// leaveOut takes a broker out of the route map, or puts it back.
func (l *lab) leaveOut(i int, left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left[l.c.ListenAddrs()[i]] = left
}

// readAll reads a log from its start to its end with a fresh client.
func (l *lab) readAll(key int64) []histories.Rec {
	l.t.Helper()
	c := l.open("raw")
	defer c.Close()
	end := do(l.t, c, &histories.Op{F: histories.EndOffsets, Keys: []int64{key}}, histories.OK).Offsets[0].Offset
	start := do(l.t, c, assignOp(histories.Seek{To: histories.SeekBeginning}, key), histories.OK).Offsets[0].Offset
	var out []histories.Rec
	for next := start; next < end; {
		op := do(l.t, c, pollOp(), histories.OK)
		if len(op.Bad) > 0 {
			l.t.Fatalf("bad records %v", op.Bad)
		}
		out = append(out, values(op, key)...)
		if n := len(out); n > 0 {
			next = out[n-1].Offset + 1
		}
	}
	return out
}
