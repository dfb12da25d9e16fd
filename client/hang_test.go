package client

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// every is one operation of each family.
func every() map[string]*histories.Op {
	return map[string]*histories.Op{
		"send":   sendOp(0, 1),
		"batch":  sendOp(0, 1, 2, 3),
		"poll":   pollOp(),
		"assign": assignOp(histories.Seek{To: histories.SeekBeginning}, 0),
		"end":    {F: histories.EndOffsets, Keys: []int64{0}},
		"start":  {F: histories.StartOffsets, Keys: []int64{0}},
	}
}

// TestNoHang: under a black hole, before or after the connection was made,
// every operation comes back by its deadline, and Close at once.
func TestNoHang(t *testing.T) {
	const timeout, slack = 300 * time.Millisecond, 2 * time.Second
	for _, kind := range []string{"raw", "kgo"} {
		for _, warm := range []bool{false, true} {
			for name, op := range every() {
				l := newLab(t, 1)
				c := l.open(kind, idem, func(cfg *Config) { cfg.OpTimeout = timeout })
				if warm {
					do(t, c, sendOp(0, 99), histories.OK)
					do(t, c, assignOp(histories.Seek{To: histories.SeekEnd}, 0), histories.OK)
					do(t, c, pollOp(), histories.OK)
				}
				l.links[0].up.shut()
				l.links[0].down.shut()
				begun := time.Now()
				c.Do(context.Background(), op)
				if took := time.Since(begun); took > timeout+slack {
					t.Errorf("%s %s, warm %v: %v for a deadline of %v", kind, name, warm, took, timeout)
				}
				if op.Type == histories.OK && !(kind == "kgo" && warm && name == "poll") {
					t.Errorf("%s %s, warm %v: ok through a black hole", kind, name, warm)
				}
				begun = time.Now()
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(begun); took > slack {
					t.Errorf("%s: close took %v", kind, took)
				}
			}
		}
	}
}

// TestCancelled: an operation whose context has ended does not ask.
func TestCancelled(t *testing.T) {
	l := newLab(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, op := range every() {
		if l.open("raw").Do(ctx, op); op.Type != histories.Fail {
			t.Errorf("%s completed as %d: %s", name, op.Type, op.Error)
		}
	}
	if got := l.readAll(0); len(got) != 0 {
		t.Errorf("the log holds %v", got)
	}
}

// TestNoLeak: closed clients leave no goroutine behind, whatever state they
// were closed in.
func TestNoLeak(t *testing.T) {
	l := newLab(t, 2)
	before := runtime.NumGoroutine()
	for _, kind := range []string{"raw", "kgo"} {
		for _, cut := range []bool{false, true} {
			for range 5 {
				c := l.open(kind, idem, func(cfg *Config) { cfg.OpTimeout = 200 * time.Millisecond })
				c.Do(context.Background(), sendOp(0, 1))
				c.Do(context.Background(), assignOp(histories.Seek{To: histories.SeekBeginning}, 0, 1))
				if cut {
					l.links[0].up.shut()
				}
				c.Do(context.Background(), pollOp())
				c.Do(context.Background(), sendOp(0, 2))
				c.Close()
				l.links[0].up.open()
			}
		}
	}
	// The links' own goroutines end with the connections they relay.
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		now := runtime.NumGoroutine()
		if now <= before+4 {
			return
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", now, before, buf[:runtime.Stack(buf, true)])
		}
	}
}
