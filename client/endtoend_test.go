package client

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// TestEndToEnd: many processes of both kinds write to every log through links
// that come and go; what was acknowledged is in the logs at its offset, once,
// and what failed is not there.
func TestEndToEnd(t *testing.T) {
	for _, kind := range []string{"raw", "kgo"} {
		t.Run(kind, func(t *testing.T) {
			l := newLab(t, 3)
			stop := flap(l)
			acked, failed := writeMuch(l, kind, 8, 60)
			stop()
			if len(acked) == 0 {
				t.Fatal("nothing was acknowledged")
			}
			for key := range int64(3) {
				at, count := map[int64]int64{}, map[int64]int{}
				for _, r := range l.readAll(key) {
					at[r.Offset] = r.Value
					count[r.Value]++
				}
				for v, o := range acked {
					if v%3 == key && (at[o] != v || count[v] != 1) {
						t.Errorf("log %d: value %d acknowledged at %d stands there as %d, %d times in all", key, v, o, at[o], count[v])
					}
				}
				for v := range failed {
					if count[v] != 0 {
						t.Errorf("log %d: failed value %d is in the log", key, v)
					}
				}
			}
		})
	}
}

// flap silences and resets the links in turn until stop is called.
func flap(l *lab) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			k := l.links[i%len(l.links)]
			valve := &k.up
			if i%2 == 0 {
				valve = &k.down
			}
			valve.shut()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-quit:
			}
			k.reset()
			valve.open()
			select {
			case <-time.After(50 * time.Millisecond):
			case <-quit:
				return
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}

// writeMuch has workers send n batches each, and collects the outcomes by
// value. A worker takes a fresh client after an info.
func writeMuch(l *lab, kind string, workers, n int) (acked map[int64]int64, failed map[int64]bool) {
	acked, failed = map[int64]int64{}, map[int64]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range workers {
		c := l.open(kind, idem, func(cfg *Config) { cfg.OpTimeout = 250 * time.Millisecond; cfg.Process = int64(w) })
		wg.Go(func() {
			for i := range n {
				v := int64((w*n + i) * 6)
				op := sendOp(v%3, v, v+3)
				if i%2 == 1 {
					op = sendOp((v+1)%3, v+1, v+4)
				}
				c.Do(context.Background(), op)
				mu.Lock()
				for _, m := range op.Mops {
					switch op.Type {
					case histories.OK:
						acked[m.Value] = m.Offset
					case histories.Fail:
						failed[m.Value] = true
					}
				}
				mu.Unlock()
				if op.Type == histories.Info {
					c.Close()
					c = l.open(kind, idem, func(cfg *Config) { cfg.OpTimeout = 250 * time.Millisecond; cfg.Process = int64(w + workers*(i+1)) })
				}
			}
		})
	}
	wg.Wait()
	return acked, failed
}
