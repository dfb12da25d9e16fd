package run

import (
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
	"github.com/ackproof/ackproof/internal/page"
)

// BenchmarkLivePasses tells what the live passes take of a core at 20,000
// operations a second: a simulated feed is recorded at that rate, with the passes
// beside it, every one of them and the gathering for the page as in a run, and
// without. The difference in processor time is theirs.
func BenchmarkLivePasses(b *testing.B) {
	const rate, length, rounds = 20_000, 10 * time.Second, 3
	for b.Loop() {
		var alone, both, lag time.Duration
		for i := range rounds {
			cpu, _ := pacedFeed(b, false, uint64(i), rate, length)
			alone += cpu
			cpu, behind := pacedFeed(b, true, uint64(i), rate, length)
			both, lag = both+cpu, max(lag, behind)
		}
		b.ReportMetric((both-alone).Seconds()/(rounds*length.Seconds()), "cores")
		b.ReportMetric(alone.Seconds()/(rounds*length.Seconds()), "cores-without")
		b.ReportMetric(float64(lag.Milliseconds()), "ms-most-lag")
	}
}

// pacedFeed records a simulated history at so many operations a second and
// returns the processor time that it took, and how far the passes were behind at
// most.
func pacedFeed(b *testing.B, judged bool, seed uint64, rate int, length time.Duration) (cpu, lag time.Duration) {
	b.Helper()
	o := histtest.Options{Seed: seed, Ops: int(float64(rate) * length.Seconds()), Clients: 50, Logs: 8, Batches: -1, InfoRate: 0.01}
	h := o.Header()
	rec, err := histories.Create(filepath.Join(b.TempDir(), histories.HistoryFile), h, histories.RecorderOptions{})
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	before := cpuTime(b)
	var live *liveJudge
	if judged {
		live = startLiveJudge(rec, h, checker.Options{Also: []checker.Pass{page.NewGather(h)}})
	}
	const step = 5 * time.Millisecond
	invoked, begin := 0, time.Now()
	histtest.Simulate(o, func(op *histories.Op) {
		if err := rec.Record(op); err != nil {
			b.Fatal(err)
		}
		if op.Type != histories.Invoke {
			return
		}
		if invoked++; invoked%(rate*int(step)/int(time.Second)) == 0 {
			due := time.Duration(invoked) * time.Second / time.Duration(rate)
			time.Sleep(due - time.Since(begin))
			if judged {
				lag = max(lag, live.lag(rec.Now()))
			}
		}
	})
	took := time.Since(begin)
	if err := rec.Close(); err != nil {
		b.Fatal(err)
	}
	if judged {
		live.wait()
		if n := live.judge.Found(); len(n) > 0 {
			b.Fatalf("the simulated history is convicted: %v", n)
		}
	}
	cpu = cpuTime(b) - before
	if took > length*3/2 {
		b.Fatal(fmt.Errorf("the machine is too busy: %v of feed took %v", length, took))
	}
	return cpu, lag
}

// cpuTime is the processor time that this process has taken.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
