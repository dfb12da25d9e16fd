package run

import (
	"sync/atomic"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// maxLag is how far the live passes may be behind what is recorded. Beyond it
// the clients wait until half of it is left: a violation is to be noticed within
// seconds, and nothing may pile up for the passes in memory or on the disk.
const maxLag = 2 * time.Second

// liveJudge runs the passes over the history while it is being recorded. Its
// findings are shown and may end the main phase; the verdict comes from the file.
type liveJudge struct {
	judge *checker.Judge
	rec   *histories.Recorder
	at    atomic.Int64 // the time of the last entry that was observed, ns
	seen  atomic.Int64 // how many were
	done  chan struct{}

	holding atomic.Bool   // the clients are waiting
	since   time.Duration // since when; of the one who asks hold, as waited is
	waited  time.Duration
}

func startLiveJudge(rec *histories.Recorder, h histories.Header, o checker.Options) *liveJudge {
	l := &liveJudge{judge: checker.NewJudge(h, true, o), rec: rec, done: make(chan struct{})}
	in := rec.Follow()
	go func() {
		defer close(l.done)
		defer in.Close()
		for {
			op, err := in.Next()
			if err != nil {
				break // the end, or a fault of the file that the check will report
			}
			l.judge.Observe(op)
			l.at.Store(int64(op.Time))
			l.seen.Add(1)
		}
		l.judge.Finish()
	}()
	return l
}

func (l *liveJudge) found() []checker.Finding { return l.judge.Found() }

// lag is how far the passes are behind what is recorded; 0 where they have seen
// all of it.
func (l *liveJudge) lag(now time.Duration) time.Duration {
	behind := now - time.Duration(l.at.Load())
	if behind <= 0 || l.seen.Load() >= l.rec.Recorded() {
		return 0
	}
	return behind
}

// hold tells whether the clients have to wait for the passes. One goroutine asks.
func (l *liveJudge) hold(now time.Duration) bool {
	limit := maxLag
	if l.holding.Load() {
		limit /= 2
	}
	late := now-time.Duration(l.at.Load()) > limit && l.lag(now) > limit
	switch {
	case late && !l.holding.Load():
		l.since = now
	case !late && l.holding.Load():
		l.waited += now - l.since
	}
	l.holding.Store(late)
	return late
}

// slowed is how long the clients had to wait, once nobody asks hold any more.
func (l *liveJudge) slowed() time.Duration {
	if l.holding.Swap(false) {
		l.waited += l.rec.Now() - l.since
	}
	return l.waited
}

// wait waits until everything recorded was seen; the recorder must be closed.
func (l *liveJudge) wait() { <-l.done }
