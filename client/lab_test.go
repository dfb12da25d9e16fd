package client

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ackproof/ackproof/histories"
)

// lab is a kfake cluster behind a route map whose links a test can cut.
type lab struct {
	t     testing.TB
	c     *kfake.Cluster
	logs  []histories.Log
	links []*link
	mu    sync.Mutex
	dials map[string]int
	left  map[string]bool // addresses left out of the route map
}

// newLab starts brokers and one topic with as many partitions, led in turn.
func newLab(t testing.TB, brokers int, opts ...kfake.Opt) *lab {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(brokers), kfake.SeedTopics(int32(brokers), "t")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l := &lab{t: t, c: c, dials: map[string]int{}, left: map[string]bool{}}
	for i, addr := range c.ListenAddrs() {
		if err := c.MoveTopicPartition("t", int32(i), int32(i)); err != nil {
			t.Fatal(err)
		}
		l.logs = append(l.logs, histories.Log{Key: int64(i), Topic: "t", Partition: int32(i)})
		k := newLink(t, addr)
		l.links = append(l.links, k)
	}
	return l
}

// dial is the route map: it refuses what it does not know.
func (l *lab) dial(ctx context.Context, network, host string) (net.Conn, error) {
	l.mu.Lock()
	l.dials[host]++
	left := l.left[host]
	l.mu.Unlock()
	for i, a := range l.c.ListenAddrs() {
		if a == host && !left {
			var d net.Dialer
			return d.DialContext(ctx, network, l.links[i].addr())
		}
	}
	return nil, fmt.Errorf("no link is mapped for the advertised address %s", host)
}

func (l *lab) config() Config {
	no := false
	return Config{
		Process: 1, Txn: 1, Seeds: l.c.ListenAddrs(), Dial: l.dial, Logs: l.logs, Run: 0xabcdef,
		Contract:  histories.Contract{Acks: "all", Idempotence: &no, Attempts: "single", Isolation: "read_uncommitted"},
		OpTimeout: 2 * time.Second, PollWait: 50 * time.Millisecond, RecordSize: 64,
	}
}

// open opens a connection of a kind and closes it with the test.
func (l *lab) open(kind string, change ...func(*Config)) Conn {
	l.t.Helper()
	cfg := l.config()
	if kind == "txn" {
		yes := true
		cfg.Contract.Idempotence, cfg.Contract.Isolation = &yes, "read_committed"
	}
	for _, f := range change {
		f(&cfg)
	}
	for _, k := range Kinds {
		if k.Name == kind {
			c, err := k.Open(cfg)
			if err != nil {
				l.t.Fatal(err)
			}
			l.t.Cleanup(func() { c.Close() })
			return c
		}
	}
	l.t.Fatalf("no client kind %q", kind)
	return nil
}

// link is a TCP relay that can be made silent in one direction or both, or be
// cut. Bytes are held, never lost, while it is silent.
type link struct {
	ln       net.Listener
	to       string
	up, down valve // towards the broker, towards the client
	mu       sync.Mutex
	conns    map[net.Conn]bool
	refuse   atomic.Bool
}

// valve lets bytes through while its channel is closed.
type valve struct {
	mu sync.Mutex
	ch chan struct{}
}

func (v *valve) wait(done <-chan struct{}) {
	v.mu.Lock()
	ch := v.ch
	v.mu.Unlock()
	if ch != nil {
		select {
		case <-ch:
		case <-done:
		}
	}
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ch == nil {
		v.ch = make(chan struct{})
	}
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ch != nil {
		close(v.ch)
		v.ch = nil
	}
}

func newLink(t testing.TB, to string) *link {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{ln: ln, to: to, conns: map[net.Conn]bool{}}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if k.refuse.Load() {
				c.Close()
				continue
			}
			s, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			k.keep(c, s)
			wg.Go(func() { pump(s, c, &k.up, done) })
			wg.Go(func() { pump(c, s, &k.down, done) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		close(done)
		k.reset()
		wg.Wait()
	})
	return k
}

func (k *link) addr() string { return k.ln.Addr().String() }

func (k *link) keep(cs ...net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range cs {
		k.conns[c] = true
	}
}

// reset closes every connection.
func (k *link) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		c.Close()
	}
	clear(k.conns)
}

// pump copies through a valve until either side ends.
func pump(dst, src net.Conn, v *valve, done <-chan struct{}) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		v.wait(done)
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}

// sendOp is a send of values to a log.
func sendOp(key int64, values ...int64) *histories.Op {
	op := &histories.Op{Process: 1, F: histories.Send}
	for _, v := range values {
		op.Mops = append(op.Mops, histories.Mop{Send: true, Key: key, Value: v})
	}
	return op
}

func pollOp() *histories.Op {
	return &histories.Op{Process: 1, F: histories.Poll, Mops: []histories.Mop{{}}}
}

func assignOp(seek histories.Seek, keys ...int64) *histories.Op {
	return &histories.Op{Process: 1, F: histories.Assign, Keys: keys, Seek: seek}
}

// do runs an operation and requires its type.
func do(t testing.TB, c Conn, op *histories.Op, want histories.Type) *histories.Op {
	t.Helper()
	c.Do(context.Background(), op)
	if op.Type != want {
		t.Fatalf("operation %d completed as %d, want %d: %s", op.F, op.Type, want, op.Error)
	}
	return op
}

// values lists what a poll returned of a log.
func values(op *histories.Op, key int64) []histories.Rec {
	var out []histories.Rec
	for _, r := range op.Runs {
		if r.Key == key {
			out = append(out, op.Recs[r.From:r.To]...)
		}
	}
	return out
}
