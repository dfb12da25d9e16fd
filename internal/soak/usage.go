package soak

import (
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/run"
)

// peakEvery is how often the memory is looked at during a round.
const peakEvery = 500 * time.Millisecond

// watch looks at the memory until it is stopped, and returns the most that was
// anonymous.
func watch() (stop func() int64) {
	quit, out := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(peakEvery)
		defer tick.Stop()
		most := int64(0)
		for {
			if u, err := proc.Of(os.Getpid()); err == nil {
				most = max(most, u.Anon)
			}
			select {
			case <-tick.C:
			case <-quit:
				out <- most
				return
			}
		}
	}()
	return func() int64 { close(quit); return <-out }
}

// take measures what is held between two rounds: the garbage is collected and
// given back to the system first, so that what grows is seen and nothing else.
func take(dir string, peak int64) *Usage {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := &Usage{AnonPeak: peak, Heap: int64(m.HeapAlloc), Goroutines: runtime.NumGoroutine(), Disk: run.DirSize(dir)}
	if held, err := proc.Of(os.Getpid()); err == nil { // Linux tells; elsewhere they stay 0
		u.Anon, u.FDs, u.Threads = held.Anon, held.FDs, held.Threads
	}
	return u
}
