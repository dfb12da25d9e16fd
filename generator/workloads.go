package generator

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Workloads is the catalogue; the first one is the default.
var Workloads = []Workload{logWorkload, queueWorkload, groupWorkload, txnWorkload, adminWorkload}

// workers counts the client workers and one tailing reader for each log.
func workers(cfg Config) int { return cfg.Concurrency + len(cfg.Logs) }

// crowd is a Generator of independent workers.
type crowd []worker

// worker is one worker of a Generator.
type worker interface {
	next(now time.Duration, op *histories.Op) Turn
	saw(op *histories.Op)
}

// Next implements Generator.
func (c crowd) Next(now time.Duration, worker int, op *histories.Op) Turn {
	return c[worker].next(now, op)
}

// Saw implements Generator.
func (c crowd) Saw(worker int, op *histories.Op) { c[worker].saw(op) }

// newCrowd makes client workers of one mix, and the tailing readers.
func newCrowd(cfg Config, m mix) crowd {
	c := make(crowd, 0, workers(cfg))
	for w := range cfg.Concurrency {
		c = append(c, newClient(cfg, w, m))
	}
	for _, log := range cfg.Logs {
		c = append(c, &tail{reader{key: log.Key}})
	}
	return c
}

// pause lets a worker wait after failures: what fails at once, as while a
// broker is down, would fill the history with nothing but failures.
type pause struct {
	fails int
	owed  time.Duration // asked for by the last completion, begins with the next question
	until time.Duration // since the run's start
}

// The first failure costs firstPause, each further one in a row twice as much,
// up to lastPause.
const (
	firstPause = time.Millisecond
	lastPause  = 64 * time.Millisecond
)

func (p *pause) saw(t histories.Type) {
	if t != histories.Fail {
		p.fails = 0
		return
	}
	p.owed = min(firstPause<<min(p.fails, 10), lastPause)
	p.fails++
}

// over tells whether the worker may go on.
func (p *pause) over(now time.Duration) bool {
	if p.owed > 0 {
		p.until, p.owed = now+p.owed, 0
	}
	return now >= p.until
}
