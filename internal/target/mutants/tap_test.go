package mutants

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// pipeConn is a connection that reads from memory and keeps what is written.
type pipeConn struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
}

func (c *pipeConn) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.out.Write(p) }
func (c *pipeConn) Close() error                { return nil }

// oneListener accepts one connection.
type oneListener struct{ c net.Conn }

func (l oneListener) Accept() (net.Conn, error) { return l.c, nil }
func (l oneListener) Close() error              { return nil }
func (l oneListener) Addr() net.Addr            { return nil }

// framed puts a size before the body.
func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// someFrames draws requests, whole and mangled ones.
func someFrames(t *rapid.T) []byte {
	var out []byte
	for range rapid.IntRange(0, 6).Draw(t, "frames") {
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			out = append(out, framed(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "noise"))...)
		default:
			key := rapid.SampledFrom([]int16{0, 1, 2, 3, 18, 19}).Draw(t, "key")
			req := kmsg.RequestForKey(key)
			req.SetVersion(rapid.Int16Range(0, req.MaxVersion()).Draw(t, "version"))
			if p, ok := req.(*kmsg.ProduceRequest); ok {
				p.Acks = rapid.Int16Range(-1, 1).Draw(t, "acks")
				topic := kmsg.NewProduceRequestTopic()
				topic.Topic = "t"
				part := kmsg.NewProduceRequestTopicPartition()
				part.Records = newBatch("0.0.0.!", "0.1.0.!")
				topic.Partitions = append(topic.Partitions, part)
				p.Topics = append(p.Topics, topic)
			}
			frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("c")).AppendRequest(nil, req, rapid.Int32().Draw(t, "corr"))
			if rapid.IntRange(0, 9).Draw(t, "mangle") == 0 {
				frame[rapid.IntRange(4, len(frame)-1).Draw(t, "at")] ^= 0x55
			}
			out = append(out, frame...)
		}
	}
	return append(out, rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "torn")...)
}

// TestTransparent: without a mutant, and with one whose time has not come, every
// byte passes as it is, requests and responses, torn and mangled ones included.
func TestTransparent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(append([]Mutant{{}}, Mutants...)).Draw(t, "mutant")
		sent := someFrames(t)
		var in io.Reader = bytes.NewReader(sent)
		if rapid.Bool().Draw(t, "slow") {
			in = iotest.OneByteReader(in)
		}
		under := &pipeConn{in: in}
		c, err := New(m, Options{}).Wrap(oneListener{under}).Accept()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("read %x (%v), want %x", got, err, sent)
		}
		var wrote []byte
		for i := range rapid.IntRange(0, 4).Draw(t, "responses") {
			p := framed(rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "response"))
			if i%2 == 1 {
				p = p[:len(p)-1] // not a whole frame
			}
			if n, err := c.Write(p); n != len(p) || err != nil {
				t.Fatalf("write: %d, %v", n, err)
			}
			wrote = append(wrote, p...)
		}
		if !bytes.Equal(under.out.Bytes(), wrote) {
			t.Fatalf("wrote %x, want %x", under.out.Bytes(), wrote)
		}
	})
}

// TestBatchSurgery: what is cut, joined and rewritten stays a valid batch.
func TestBatchSurgery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringN(1, 40, 60), 1, 8).Draw(t, "values")
		b := newBatch(values...)
		binary.BigEndian.PutUint64(b, 77)
		valid := func(what string, c batch) {
			if !c.whole() || c.crc() != c.clone().sealed().crc() {
				t.Fatalf("%s is not a valid batch", what)
			}
		}
		valid("the batch", b)
		for what, c := range map[string]batch{
			"unowned": b.unowned(), "emptied": b.emptied(), "alone": b.alone([]byte("x")), "rebased": b.rebased(b),
		} {
			valid(what, c)
		}
		if e := b.emptied(); e.count() != 0 || e.base() != 77 {
			t.Fatalf("emptied has %d records at %d", e.count(), e.base())
		}
		records, err := b.records()
		if err != nil || len(records) != len(values) {
			t.Fatalf("%d records, %v", len(records), err)
		}
		for i, r := range records {
			if string(r.Value) != values[i] {
				t.Fatalf("value %d is %q", i, r.Value)
			}
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		data := append(append(append([]byte{}, b...), b...), b[:cut]...)
		batches, rest := split(data)
		if len(batches) != 2 || len(rest) != cut || !bytes.Equal(join(batches, rest), data) {
			t.Fatalf("split into %d batches and %d bytes", len(batches), len(rest))
		}
	})
}

// FuzzSplit: no fetch, however mangled, is lost or makes the broker crash.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(newBatch("0.0.0.!")))
	f.Add([]byte(newBatch("a", "b"))[:70])
	f.Add(make([]byte, 200))
	f.Fuzz(func(t *testing.T, data []byte) {
		batches, rest := split(data)
		if !bytes.Equal(join(batches, rest), data) {
			t.Fatal("split and join change the bytes")
		}
		for _, b := range batches {
			b.emptied()
			b.unowned()
			_ = b.crc()
		}
	})
}

// TestHighLevelConsumer: an offset that was dropped does not hold up a consumer.
func TestHighLevelConsumer(t *testing.T) {
	l := newLab(t, ackAndDrop, quick)
	l.run(300)
	final := l.final()
	want := 0
	for _, records := range final {
		want += len(records)
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(l.fake.ListenAddrs()...), kgo.ConsumeTopics(testTopic), kgo.DisableClientMetrics(), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	got := 0
	for got < want && ctx.Err() == nil {
		c.PollFetches(ctx).EachRecord(func(*kgo.Record) { got++ })
	}
	if got != want || want == 0 {
		t.Errorf("the consumer got %d records, %d can be read", got, want)
	}
}

// TestLedgerLines: the ledger is JSON lines with the values where they are known.
func TestLedgerLines(t *testing.T) {
	l := newLab(t, ackNoOffset, quick)
	l.run(200)
	var out bytes.Buffer
	if err := l.broker.WriteLedger(&out); err != nil {
		t.Fatal(err)
	}
	known := map[string]int64{}
	for _, a := range l.acks {
		known[a.value] = valueOf([]byte(a.value))
	}
	lines := 0
	for dec := json.NewDecoder(&out); dec.More(); lines++ {
		var s Sin
		if err := dec.Decode(&s); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, v := range known {
			found = found || v == s.Value
		}
		if !found {
			t.Errorf("nobody sent the value of %+v", s)
		}
	}
	if lines == 0 || lines != len(l.broker.Ledger()) {
		t.Errorf("%d lines", lines)
	}
}

// TestClimb: a height counts from the time it was reached on.
func TestClimb(t *testing.T) {
	var c climb
	before := time.Now()
	if c.by(before) != 0 {
		t.Error("an empty climb is high")
	}
	c.reach(5)
	c.reach(3)
	at := time.Now()
	c.reach(9)
	c[len(c)-1].at = at.Add(time.Second)
	for when, want := range map[time.Time]int64{before.Add(-time.Second): 0, at: 5, at.Add(2 * time.Second): 9} {
		if got := c.by(when); got != want {
			t.Errorf("by %v: %d, want %d", when.Sub(at), got, want)
		}
	}
	c = climb{{at.Add(-time.Hour), 1}, {at.Add(-time.Minute), 2}, {at, 3}}
	c.reach(4)
	if len(c) > 3 || c.by(time.Now()) != 4 {
		t.Errorf("old steps are kept: %v", c)
	}
}

// BenchmarkTap is the cost of the honest tap on a produce and its answer.
func BenchmarkTap(b *testing.B) {
	for _, wrapped := range []bool{false, true} {
		b.Run(fmt.Sprintf("wrapped=%v", wrapped), func(b *testing.B) {
			req := kmsg.NewPtrProduceRequest()
			req.Version, req.Acks = 9, -1
			topic := kmsg.NewProduceRequestTopic()
			topic.Topic = "t"
			part := kmsg.NewProduceRequestTopicPartition()
			part.Records = newBatch(string(make([]byte, 64)))
			topic.Partitions = append(topic.Partitions, part)
			req.Topics = append(req.Topics, topic)
			frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, rand.Int32())
			var c net.Conn = &pipeConn{in: endless(frame)}
			if wrapped {
				c, _ = New(Mutant{}, Options{}).Wrap(oneListener{c}).Accept()
			}
			p := make([]byte, len(frame))
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.ReadFull(c, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// endless repeats the bytes.
func endless(p []byte) io.Reader { return &repeatedly{p: p} }

type repeatedly struct {
	p  []byte
	at int
}

func (r *repeatedly) Read(p []byte) (int, error) {
	n := copy(p, r.p[r.at:])
	r.at = (r.at + n) % len(r.p)
	return n, nil
}
