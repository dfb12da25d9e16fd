package nemesis

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"
)

// echo serves an echo of every connection until the test ends.
func echo(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return ln.Addr().String()
}

// churn is what harsh clients have done to a link.
type churn struct {
	conns, bytes, corrupt atomic.Int64
}

// pattern is what harsh clients write again and again.
var pattern = func() []byte {
	b := make([]byte, 3000)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}()

// harsh is the client that freezes Toxiproxy: many small chunks under way, a
// reader that stops, a reset in the end.
func (c *churn) harsh(addr func() string, stop <-chan struct{}, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	var readers sync.WaitGroup
	defer readers.Wait()
	for {
		select {
		case <-stop:
			return
		default:
		}
		conn, err := net.DialTimeout("tcp", addr(), time.Second)
		if err != nil {
			<-pause.C
			continue
		}
		c.conns.Add(1)
		life := time.Now().Add(time.Duration(10+r.IntN(140)) * time.Millisecond)
		conn.SetDeadline(life)
		readers.Go(func() { c.read(conn) })
		for time.Now().Before(life) {
			if _, err := conn.Write(pattern); err != nil {
				break
			}
			<-pause.C
		}
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

// read checks what comes back, and stops after a while: unread data makes the
// close a reset.
func (c *churn) read(conn net.Conn) {
	b := make([]byte, len(pattern))
	for n := 0; n <= 10*len(pattern); {
		m, err := conn.Read(b)
		for i := range m {
			if b[i] != pattern[(n+i)%len(pattern)] {
				c.corrupt.Add(1)
				break
			}
		}
		n += m
		c.bytes.Add(int64(m))
		if err != nil {
			return
		}
	}
}

// begin starts clients and returns what stops them and waits for them.
func (c *churn) begin(clients int, addr func() string) (end func()) {
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() { c.harsh(addr, stop, uint64(i)) })
	}
	return func() {
		close(stop)
		group.Wait()
	}
}

const (
	heals    = 200
	holdTime = 15 * time.Millisecond
	healTime = 100 * time.Millisecond
)

// TestHealsSurviveChurn heals every fault in both directions 200 times while
// harsh clients churn: none may hang, and all but a few, which are the
// machine's, take no longer than healTime.
func TestHealsSurviveChurn(t *testing.T) {
	var todo []Event
	for _, e := range cases() {
		if e.Direction != Both {
			todo = append(todo, e)
		}
	}
	before := runtime.NumGoroutine()
	var group sync.WaitGroup
	turns := make(chan struct{}, 3) // links under churn at a time
	for _, e := range todo {
		group.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			t.Run(strings.TrimSuffix(e.Fault+"/"+e.Direction, "/"), func(t *testing.T) { healUnderChurn(t, e) })
		})
	}
	group.Wait()
	goroutinesBack(t, before)
}

// healUnderChurn injects and heals one fault again and again.
func healUnderChurn(t *testing.T, e Event) {
	l := opened(t, LinkConfig{Nodes: []Node{{Name: "n1", Addr: echo(t)}}, Seed: 1})
	k := l.links[0]
	f, _ := FindFault(e.Fault)
	e.On = []string{"n1"}
	w := &World{Links: l}
	var c churn
	start := time.Now()
	end := c.begin(10, k.address)
	var took, flows []time.Duration
	for i := range heals / fewer {
		e.ID = i
		heal, err := f.Inject(t.Context(), w, e)
		if err != nil {
			t.Fatalf("inject %d: %v", i, err)
		}
		<-time.After(holdTime)
		begin := time.Now()
		if err := heal(t.Context()); err != nil {
			t.Fatalf("heal %d: %v", i, err)
		}
		took = append(took, time.Since(begin))
		for passed := c.bytes.Load(); c.bytes.Load() == passed; <-time.After(100 * time.Microsecond) {
			if time.Since(begin) > 5*time.Second*slow {
				t.Fatalf("nothing passes after heal %d", i)
			}
		}
		flows = append(flows, time.Since(begin))
	}
	end()
	rate := float64(c.conns.Load()) / time.Since(start).Seconds()
	slices.Sort(took)
	slices.Sort(flows)
	t.Logf("heals: median %v, longest %v; bytes flow after %v, at the longest %v; %.0f connections/s, %d bytes read",
		took[len(took)/2], took[len(took)-1], flows[len(flows)/2], flows[len(flows)-1], rate, c.bytes.Load())
	if limit, most := slow*healTime, took[len(took)*97/100]; most > limit {
		t.Errorf("3 of 100 heals took more than %v, the limit is %v", most, limit)
	}
	if n := c.corrupt.Load(); n > 0 {
		t.Errorf("%d reads were not what was sent", n)
	}
	if rate < 100 && !raceEnabled {
		t.Errorf("%.0f connections/s are no churn", rate)
	}
}

// goroutinesBack waits until there are no more goroutines than before, give or take 20.
func goroutinesBack(t *testing.T, before int) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for runtime.NumGoroutine() > before+20 {
		if time.Now().After(deadline) {
			b := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestNaiveHealHangs shows why faults are switched the way they are: removing
// Toxiproxy's own latency toxic under the same churn freezes the proxy.
func TestNaiveHealHangs(t *testing.T) {
	srv, err := startServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.web.Close() // its proxy is frozen: nothing else can end
	p, err := srv.api.CreateProxy("naive", "127.0.0.1:0", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	var c churn
	end := c.begin(20, func() string { return p.Listen })
	defer end()
	for i := range heals {
		if hangs(t, fmt.Sprintf("add %d", i), func() error {
			_, err := p.AddToxic("latency", "latency", Downstream, 1, tc.Attributes{"latency": 100, "jitter": 20})
			return err
		}) {
			return
		}
		<-time.After(holdTime)
		if hangs(t, fmt.Sprintf("remove %d", i), func() error { return p.RemoveToxic("latency") }) {
			return
		}
		<-time.After(holdTime / 3)
	}
	t.Error("200 naive heals went well: is the control toxic still needed?")
}

// hangs says whether a call takes more than two seconds.
func hangs(t *testing.T, what string, do func() error) bool {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
		return false
	case <-time.After(2 * time.Second):
		t.Logf("%s hangs", what)
		return true
	}
}
