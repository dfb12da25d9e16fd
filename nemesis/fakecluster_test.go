package nemesis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// fakeCluster is a cluster as faults see it: nodes that answer ApiVersions, talk
// to each other over their routes all the time, elect leaders and keep in-sync
// replicas by whom they hear. It notices within noticeTime what takes a real one
// seconds.
type fakeCluster struct {
	t     *testing.T
	world World
	nodes []*fakeNode
	deaf  bool // processes and admin do nothing of what they are told

	mu       sync.Mutex
	heard    map[pair]time.Time // the last answer on the way from one to the other
	parts    []histories.PartitionState
	pids     int
	segments int
}

const noticeTime = 500 * time.Millisecond

// fakeNode is a front for a broker, whose process can end and stand still.
type fakeNode struct {
	name, addr, broker string

	mu     sync.Mutex
	pid    int
	paused bool
	log    int64
	conns  map[net.Conn]bool
	wake   chan struct{} // closed when it goes on
}

// newFakeCluster starts a cluster whose nodes talk until the test ends.
func newFakeCluster(t *testing.T, n int) *fakeCluster {
	c := &fakeCluster{t: t, heard: map[pair]time.Time{}}
	var links []Node
	for i, b := range brokers(t, n) {
		node := &fakeNode{name: fmt.Sprintf("n%d", i+1), broker: b.Addr, conns: map[net.Conn]bool{}, log: 10_000}
		c.nodes = append(c.nodes, node)
		c.pids++
		node.pid = c.pids
		node.serve(t)
		links = append(links, Node{Name: node.name, Addr: node.addr})
	}
	names := c.names()
	for i := range 4 {
		turn := append(slices.Clone(names[i%n:]), names[:i%n]...)
		c.parts = append(c.parts, histories.PartitionState{Topic: "t", Partition: int32(i), Leader: turn[0], Replicas: turn, ISR: turn})
	}
	var routes []Route
	for _, from := range c.nodes {
		for _, to := range c.nodes {
			if from != to {
				routes = append(routes, Route{From: from.name, To: to.name, Port: "broker", Listen: freeAddr(t), Upstream: to.addr})
			}
		}
	}
	peers, err := OpenPeers(t.Context(), PeerConfig{Routes: routes, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var talk sync.WaitGroup
	for _, r := range routes {
		talk.Go(func() { c.talk(ctx, r) })
	}
	t.Cleanup(func() {
		cancel()
		talk.Wait()
		if err := peers.Close(); err != nil {
			t.Error(err)
		}
	})
	c.world = World{Links: opened(t, LinkConfig{Nodes: links, Seed: 3}), Peers: peers, Processes: c, Admin: c, Topics: []string{"t"}}
	c.awaitWhole()
	return c
}

// addresses gives every route a loopback address of its own.
var addresses atomic.Int32

// freeAddr is an address on which nothing listens.
func freeAddr(t *testing.T) string {
	n := addresses.Add(1)
	ln, err := net.Listen("tcp", fmt.Sprintf("127.78.%d.%d:0", n/250, 1+n%250))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func (c *fakeCluster) names() []string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, n.name)
	}
	return out
}

func (c *fakeCluster) awaitWhole() {
	deadline := time.Now().Add(3 * time.Minute)
	for {
		st, err := c.State(c.t.Context())
		if ok, why := st.Whole(); ok && err == nil {
			return
		} else if time.Now().After(deadline) {
			c.t.Fatalf("the fake cluster is not whole: %s, %v", why, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// serve takes connections and passes them on to the broker.
func (n *fakeNode) serve(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.addr = ln.Addr().String()
	t.Cleanup(func() {
		ln.Close()
		n.end()
		n.proceed()
	})
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go n.pass(conn)
		}
	}()
}

func (n *fakeNode) pass(in net.Conn) {
	defer in.Close()
	if !n.keep(in) {
		return
	}
	out, err := net.Dial("tcp", n.broker)
	if err != nil {
		return
	}
	defer out.Close()
	n.keep(out)
	go func() {
		io.Copy(in, out)
		in.Close()
	}()
	b := make([]byte, 32<<10)
	for {
		m, err := in.Read(b)
		if wake := n.still(); wake != nil {
			<-wake
		}
		if err != nil {
			return
		}
		if _, err := out.Write(b[:m]); err != nil {
			return
		}
	}
}

// keep notes a connection, unless the process is gone.
func (n *fakeNode) keep(c net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c] = true
	return n.pid != 0
}

// still is the channel that ends a pause; nil: it is not paused.
func (n *fakeNode) still() chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.wake
}

// end closes all connections.
func (n *fakeNode) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.Close()
	}
	clear(n.conns)
}

// proceed ends a pause.
func (n *fakeNode) proceed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.paused {
		n.paused = false
		close(n.wake)
		n.wake = nil
	}
}

// up says whether the process runs and moves.
func (n *fakeNode) up() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pid != 0 && !n.paused
}

// talk asks over a route again and again, as the node that dials it would.
func (c *fakeCluster) talk(ctx context.Context, r Route) {
	from := c.node(r.From)
	var l *line
	defer func() {
		if l != nil {
			l.Close()
		}
	}()
	for wait(ctx, 20*time.Millisecond) {
		if !from.up() {
			continue
		}
		if l == nil {
			d := net.Dialer{Timeout: 300 * time.Millisecond}
			conn, err := d.DialContext(ctx, "tcp", r.Listen)
			if err != nil {
				continue
			}
			l = &line{Conn: conn, tcp: conn, r: bufio.NewReader(conn)}
		}
		if _, _, err := l.ask(ctx, apiVersions(1), 300*time.Millisecond); err != nil {
			l.Close()
			l = nil
			continue
		}
		c.mu.Lock()
		c.heard[pair{r.From, r.To}] = time.Now()
		c.mu.Unlock()
	}
}

func (c *fakeCluster) node(name string) *fakeNode {
	i := slices.IndexFunc(c.nodes, func(n *fakeNode) bool { return n.name == name })
	return c.nodes[i]
}

// near says whether two nodes have heard of each other lately.
func (c *fakeCluster) near(a, b string) bool {
	if a == b {
		return c.node(a).up()
	}
	return c.node(a).up() && c.node(b).up() &&
		time.Since(c.heard[pair{a, b}]) < noticeTime && time.Since(c.heard[pair{b, a}]) < noticeTime
}

// majority says whether a node hears a majority.
func (c *fakeCluster) majority(name string) bool {
	n := 0
	for _, o := range c.names() {
		if c.near(name, o) {
			n++
		}
	}
	return 2*n > len(c.nodes)
}

// State elects leaders, shrinks and grows ISRs, and says so.
func (c *fakeCluster) State(context.Context, ...string) (histories.ClusterState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := histories.ClusterState{}
	for _, n := range c.names() {
		if c.majority(n) {
			st.Alive = append(st.Alive, n)
		}
	}
	if len(st.Alive) == 0 {
		return st, errors.New("no majority")
	}
	st.Controller = st.Alive[0]
	for i := range c.parts {
		p := &c.parts[i]
		if !slices.Contains(st.Alive, p.Leader) {
			for _, n := range p.ISR {
				if slices.Contains(st.Alive, n) {
					p.Leader = n
					p.Epoch++
					break
				}
			}
		}
		p.ISR = slices.DeleteFunc(slices.Clone(p.Replicas), func(n string) bool { return !c.near(p.Leader, n) })
		st.Partitions = append(st.Partitions, *p)
	}
	return st, nil
}

func (c *fakeCluster) part(topic string, partition int32) *histories.PartitionState {
	return &c.parts[slices.IndexFunc(c.parts, func(p histories.PartitionState) bool { return p.Topic == topic && p.Partition == partition })]
}

func (c *fakeCluster) MoveLeader(_ context.Context, topic string, partition int32, to string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.part(topic, partition); !c.deaf && p.Leader != to {
		p.Leader = to
		p.Epoch++
	}
	return nil
}

func (c *fakeCluster) Reassign(_ context.Context, topic string, partition int32, replicas []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.part(topic, partition); !c.deaf {
		p.Replicas = slices.Clone(replicas)
		if !slices.Contains(replicas, p.Leader) {
			p.Leader = replicas[0]
			p.Epoch++
		}
	}
	return nil
}

func (c *fakeCluster) RollSegments(context.Context, ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deaf {
		c.segments++
	}
	return nil
}

func (c *fakeCluster) Segments(context.Context, string, ...string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.segments, nil
}

func (c *fakeCluster) PID(name string) int {
	n := c.node(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pid
}

func (c *fakeCluster) Kill(_ context.Context, name string) error {
	if c.deaf {
		return nil
	}
	n := c.node(name)
	n.proceed()
	n.mu.Lock()
	n.pid = 0
	n.mu.Unlock()
	n.end()
	return nil
}

func (c *fakeCluster) Stop(ctx context.Context, name string) error { return c.Kill(ctx, name) }

func (c *fakeCluster) Restart(_ context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.node(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pid == 0 {
		c.pids++
		n.pid = c.pids
	}
	return nil
}

func (c *fakeCluster) Pause(_ context.Context, name string) error {
	n := c.node(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !c.deaf && !n.paused {
		n.paused, n.wake = true, make(chan struct{})
	}
	return nil
}

func (c *fakeCluster) Resume(_ context.Context, name string) error {
	c.node(name).proceed()
	return nil
}

func (c *fakeCluster) LoseTail(_ context.Context, name, _ string, _ int32, bytes int64) (int64, error) {
	n := c.node(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pid != 0 {
		return 0, errors.New("it runs")
	}
	lost := min(bytes, n.log)
	n.log -= lost
	return lost, nil
}
