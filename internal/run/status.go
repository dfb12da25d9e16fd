package run

import (
	"sync/atomic"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/metrics"
)

// Status is what a run looks like at a moment.
type Status struct {
	Elapsed        time.Duration
	Phase          string
	OK, Fail, Info int64    // operations completed so far
	Rate           float64  // operations per second since the last status
	Active         []string // the faults acting now
	Anomalies      []checker.Finding
	Lag            time.Duration // how far the live checker is behind
	Slowed         bool          // the clients wait for it
	Last           bool
}

// statusEvery is how often a status is reported.
const statusEvery = 250 * time.Millisecond

// ticker reports the status a few times a second until it is stopped.
type ticker struct {
	phase      atomic.Pointer[string]
	quit, done chan struct{}
}

func startTicker(report func(Status), snapshot func() Status) *ticker {
	t := &ticker{quit: make(chan struct{}), done: make(chan struct{})}
	none := ""
	t.phase.Store(&none)
	if report == nil {
		close(t.done)
		return t
	}
	go func() {
		defer close(t.done)
		tick := time.NewTicker(statusEvery)
		defer tick.Stop()
		var before Status
		for {
			s := Status{}
			select {
			case <-tick.C:
			case <-t.quit:
				s.Last = true
			}
			now := snapshot()
			now.Last, now.Phase = s.Last, *t.phase.Load()
			if dt := (now.Elapsed - before.Elapsed).Seconds(); dt > 0 {
				now.Rate = float64(now.OK+now.Fail+now.Info-before.OK-before.Fail-before.Info) / dt
			}
			report(now)
			if now.Last {
				return
			}
			before = now
		}
	}()
	return t
}

func (t *ticker) setPhase(p string) { t.phase.Store(&p) }

func (t *ticker) stop() {
	close(t.quit)
	<-t.done
}

// report is who the status is reported to; nil: nobody.
func (r *runner) report() func(Status) {
	show, watched := r.opts.Status, r.opts.Metrics
	if watched == nil {
		return show
	}
	return func(s Status) {
		m := metrics.Moment{Elapsed: s.Elapsed, Lag: s.Lag, Slowed: s.Slowed, Phase: s.Phase, Active: s.Active, Anomalies: map[string]int64{}}
		for _, f := range s.Anomalies {
			m.Anomalies[string(f.Kind)] = f.Count
		}
		watched.Show(m)
		if show != nil {
			show(s)
		}
	}
}

// snapshot reads the counters; the ticker adds phase and rate.
func (r *runner) snapshot() Status {
	now := r.rec.Now()
	return Status{
		Elapsed: now, Lag: r.live.lag(now), Slowed: r.live.holding.Load(), OK: r.counts.OK.Load(), Fail: r.counts.Fail.Load(), Info: r.counts.Info.Load(),
		Active: r.nem.Active(), Anomalies: r.live.found(),
	}
}
