package run

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/metrics"
)

// tailEvery is the least time between two polls of a tailing reader: often
// enough to identify every offset soon, rarely enough to leave the broker to
// the clients.
const tailEvery = 10 * time.Millisecond

// askAgain is when a worker whose generator said Wait is asked again.
const askAgain = 2 * time.Millisecond

// holdAgain is when it is asked again whether everybody has to wait.
const holdAgain = 10 * time.Millisecond

// Counts are the operations completed so far, by outcome.
type Counts struct {
	OK, Fail, Info atomic.Int64
	Acked          atomic.Int64 // records
}

func (c *Counts) add(t histories.Type) {
	switch t {
	case histories.OK:
		c.OK.Add(1)
	case histories.Fail:
		c.Fail.Add(1)
	case histories.Info:
		c.Info.Add(1)
	}
}

// sent counts the records that a completion acknowledges.
func (c *Counts) sent(op *histories.Op) {
	if op.Type != histories.OK {
		return
	}
	for i := range op.Mops {
		if op.Mops[i].Send {
			c.Acked.Add(1)
		}
	}
}

// scheduler hands a free worker its next operation. One goroutine owns the
// generator; each worker has a goroutine that records the invocation, asks,
// and records the completion.
type scheduler struct {
	gen       generator.Generator
	rec       *histories.Recorder
	open      func(process int64) (client.Conn, error)
	clients   int     // workers below this number are paced by rate
	workers   int     // all of them
	rate      float64 // operations per second; 0: no limit
	firstProc int64   // process of worker 0
	stride    int64   // the process after a retired process p is p + stride
	counts    *Counts
	metrics   *metrics.Run // nil: nobody watches
	// hold tells whether everybody has to wait before anything more is asked;
	// nil: never.
	hold func(now time.Duration) bool
}

// worker is one thread of the test: it stays, its processes come and go.
type worker struct {
	id      int
	process int64
	conn    client.Conn
	op      histories.Op // lent to the owner while the worker is free
	start   chan struct{}
	readyAt time.Duration
}

// run works until every worker is done or stop is closed; then it waits for
// the operations in flight. An error is a harness error. Cancelling ctx ends
// the operations in flight as well.
func (s *scheduler) run(ctx context.Context, stop <-chan struct{}) (last int64, err error) {
	g, ctx := errgroup.WithContext(ctx)
	free := make(chan *worker, s.workers)
	all := make([]*worker, s.workers)
	for i := range all {
		w := &worker{id: i, process: s.firstProc + int64(i), start: make(chan struct{}, 1)}
		all[i] = w
		g.Go(func() error { return s.work(ctx, w, free) })
		free <- w
	}
	g.Go(func() error {
		defer func() {
			for _, w := range all {
				close(w.start)
			}
		}()
		return s.own(ctx, free, stop)
	})
	err = g.Wait()
	for _, w := range all {
		last = max(last, w.process)
	}
	return last, err
}

// own is the single owner of the generator.
func (s *scheduler) own(ctx context.Context, free chan *worker, stop <-chan struct{}) error {
	var (
		ready   []*worker // free, in order of arrival
		busy    int
		fresh   = s.workers // workers that have not been seen yet
		done    int
		next    = s.rec.Now() // when the next paced operation may begin
		step    time.Duration
		timer   = time.NewTimer(time.Hour)
		stopped bool
	)
	defer timer.Stop()
	if s.rate > 0 {
		step = time.Duration(float64(time.Second) / s.rate)
	}
	take := func(w *worker) {
		if fresh > 0 {
			fresh--
		} else {
			busy--
			s.gen.Saw(w.id, &w.op)
		}
		ready = append(ready, w)
	}
	for {
		for more := true; more; {
			select {
			case w := <-free:
				take(w)
			default:
				more = false
			}
		}
		if (stopped || done == s.workers) && busy == 0 && fresh == 0 {
			return nil
		}
		sleep := time.Hour
		if !stopped {
			var n, finished int
			ready, n, finished, sleep = s.deal(ready, &next, step)
			busy += n
			done += finished
			if n > 0 {
				continue
			}
			if done == s.workers {
				continue
			}
		}
		timer.Reset(sleep)
		select {
		case w := <-free:
			take(w)
		case <-timer.C:
		case <-stop:
			stopped, stop = true, nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// deal gives operations to the ready workers as far as the rate allows and
// says how long to sleep if nothing happens.
func (s *scheduler) deal(ready []*worker, next *time.Duration, step time.Duration) (rest []*worker, started, finished int, sleep time.Duration) {
	now := s.rec.Now()
	if now-*next > 50*time.Millisecond { // catch up with a short delay, not with a long one
		*next = now - 50*time.Millisecond
	}
	if s.hold != nil && s.hold(now) {
		return ready, 0, 0, holdAgain
	}
	sleep = time.Hour
	rest = ready[:0]
	for _, w := range ready {
		paced := w.id < s.clients
		switch {
		case w.readyAt > now:
			sleep = min(sleep, w.readyAt-now)
			rest = append(rest, w)
			continue
		case paced && step > 0 && *next > now:
			sleep = min(sleep, *next-now)
			rest = append(rest, w)
			continue
		}
		w.op.Reset()
		switch s.gen.Next(now, w.id, &w.op) {
		case generator.Done:
			finished++
			continue
		case generator.Wait:
			w.readyAt = now + askAgain
			sleep = min(sleep, askAgain)
			rest = append(rest, w)
			continue
		}
		if paced {
			*next += step
		} else {
			w.readyAt = now + tailEvery
		}
		started++
		w.start <- struct{}{}
	}
	return rest, started, finished, sleep
}

// work performs the worker's operations, one at a time.
func (s *scheduler) work(ctx context.Context, w *worker, free chan<- *worker) error {
	defer func() {
		if w.conn != nil {
			w.conn.Close()
		}
	}()
	for range w.start {
		if err := s.do(ctx, w); err != nil {
			return err
		}
		free <- w
	}
	return nil
}

func (s *scheduler) do(ctx context.Context, w *worker) error {
	if w.conn == nil {
		conn, err := s.open(w.process)
		if err != nil {
			return fmt.Errorf("open a client for process %d: %w", w.process, err)
		}
		w.conn = conn
	}
	op := &w.op
	op.Process, op.Type = w.process, histories.Invoke
	if err := s.rec.Record(op); err != nil {
		return err
	}
	begun := s.rec.Now()
	w.conn.Do(ctx, op)
	op.Process = w.process
	if op.Type == histories.Invoke { // a Conn that says nothing knows nothing
		op.Type, op.Error = histories.Info, "the client gave no outcome"
	}
	if err := s.rec.Record(op); err != nil {
		return err
	}
	s.counts.add(op.Type)
	s.counts.sent(op)
	s.metrics.Completed(op.F.String(), op.Type.String(), s.rec.Now()-begun)
	if op.Type == histories.Info {
		// The process is dead: its request may still take effect.
		w.conn.Close()
		w.conn = nil
		w.process += s.stride
	}
	return nil
}
