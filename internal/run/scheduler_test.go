package run

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
)

// fakeGenerator gives every worker the same number of sends. It demands what a
// generator may demand: one owner, and a worker's completion before its next
// operation.
type fakeGenerator struct {
	t       *testing.T
	each    int // operations of each worker; below 0: no end
	inside  atomic.Bool
	given   map[int]int
	waiting map[int]bool // workers with an operation under way
}

func newFakeGenerator(t *testing.T, each int) *fakeGenerator {
	return &fakeGenerator{t: t, each: each, given: map[int]int{}, waiting: map[int]bool{}}
}

func (g *fakeGenerator) enter() func() {
	if !g.inside.CompareAndSwap(false, true) {
		g.t.Error("two goroutines in the generator at a time")
	}
	return func() { g.inside.Store(false) }
}

func (g *fakeGenerator) Next(_ time.Duration, worker int, op *histories.Op) generator.Turn {
	defer g.enter()()
	if g.waiting[worker] {
		g.t.Errorf("worker %d is asked for its next operation before it saw the last one", worker)
	}
	if g.given[worker] == g.each {
		return generator.Done
	}
	op.F = histories.Send
	op.Mops = append(op.Mops, histories.Mop{Send: true, Value: int64(g.given[worker]), Offset: -1})
	g.given[worker]++
	g.waiting[worker] = true
	return generator.Go
}

func (g *fakeGenerator) Saw(worker int, op *histories.Op) {
	defer g.enter()()
	if !g.waiting[worker] {
		g.t.Errorf("worker %d saw an operation that it was not given", worker)
	}
	if op.Type == histories.Invoke {
		g.t.Errorf("worker %d saw an operation without an outcome", worker)
	}
	delete(g.waiting, worker)
}

// fakeConn answers with do.
type fakeConn struct {
	process int64
	do      func(ctx context.Context, process int64, op *histories.Op)
	closed  *atomic.Int64
}

func (c *fakeConn) Do(ctx context.Context, op *histories.Op) { c.do(ctx, c.process, op) }
func (c *fakeConn) Close() error                             { c.closed.Add(1); return nil }

// bench is a scheduler with fakes around it.
type bench struct {
	*scheduler
	opened, closed atomic.Int64
	path           string
}

func newBench(t *testing.T, gen generator.Generator, workers int, do func(ctx context.Context, process int64, op *histories.Op)) *bench {
	t.Helper()
	b := &bench{path: filepath.Join(t.TempDir(), "history.jsonl")}
	rec, err := histories.Create(b.path, histories.Header{Format: histories.FormatVersion, Logs: []histories.Log{{Topic: "t"}}}, histories.RecorderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rec.Close() })
	b.scheduler = &scheduler{
		gen: gen, rec: rec, clients: workers, workers: workers, stride: int64(workers), counts: &Counts{},
		open: func(process int64) (client.Conn, error) {
			b.opened.Add(1)
			return &fakeConn{process, do, &b.closed}, nil
		},
	}
	return b
}

// recorded reads back what was recorded.
func (b *bench) recorded(t *testing.T) []histories.Op {
	t.Helper()
	if err := b.rec.Close(); err != nil {
		t.Fatal(err)
	}
	return readAll(t, b.path)
}

// readAll reads the entries of a history.
func readAll(t *testing.T, path string) (ops []histories.Op) {
	t.Helper()
	in, err := histories.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for {
		op, err := in.Next()
		if err != nil {
			return ops
		}
		ops = append(ops, histories.Op{
			Index: op.Index, Time: op.Time, Process: op.Process, Type: op.Type, F: op.F, Seek: op.Seek,
			Mops: append([]histories.Mop(nil), op.Mops...), Keys: append([]int64(nil), op.Keys...),
		})
		if op.Event != nil {
			e := *op.Event
			ops[len(ops)-1].Event = &e
		}
	}
}

func ok(_ context.Context, _ int64, op *histories.Op) { op.Type = histories.OK }

func TestSchedulerHandsOutEveryOperation(t *testing.T) {
	const workers, each = 7, 50
	b := newBench(t, newFakeGenerator(t, each), workers, ok)
	last, err := b.run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != workers-1 {
		t.Errorf("the highest process is %d, want %d", last, workers-1)
	}
	if n := b.counts.OK.Load(); n != workers*each {
		t.Errorf("%d operations completed, want %d", n, workers*each)
	}
	if b.opened.Load() != workers || b.closed.Load() != workers {
		t.Errorf("%d connections opened and %d closed, want %d", b.opened.Load(), b.closed.Load(), workers)
	}
	var v histories.Validator
	ops := b.recorded(t)
	for i := range ops {
		for _, p := range v.Observe(&ops[i]) {
			t.Error(p.Why)
		}
	}
	if len(ops) != 2*workers*each || v.InFlight() != 0 {
		t.Errorf("%d entries, %d operations open; want %d and none", len(ops), v.InFlight(), 2*workers*each)
	}
}

// After an unknown outcome the process is dead: its worker goes on as the next
// one, a stride further, with a fresh connection.
func TestSchedulerRetiresAProcessAfterInfo(t *testing.T) {
	const workers, each = 3, 9
	b := newBench(t, newFakeGenerator(t, each), workers, func(_ context.Context, process int64, op *histories.Op) {
		op.Type = histories.OK
		if process%workers == 1 && op.Mops[0].Value%3 == 2 {
			op.Type = histories.Info
		}
		if process%workers == 2 && op.Mops[0].Value == 4 {
			op.Type = histories.Invoke // says nothing, knows nothing
		}
	})
	last, err := b.run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(1 + 3*workers); last != want {
		t.Errorf("the highest process is %d, want %d", last, want)
	}
	if b.opened.Load() != b.closed.Load() {
		t.Errorf("%d connections opened, %d closed", b.opened.Load(), b.closed.Load())
	}
	dead := map[int64]bool{}
	for _, op := range b.recorded(t) {
		if dead[op.Process] {
			t.Errorf("process %d goes on after its unknown outcome with entry %d", op.Process, op.Index)
		}
		if op.Type == histories.Info {
			dead[op.Process] = true
		}
		if op.Type == histories.Invoke && op.Process%workers == 1 {
			if want := int64(1) + op.Mops[0].Value/3*workers; op.Process != want {
				t.Errorf("operation %d of worker 1 is of process %d, want %d", op.Mops[0].Value, op.Process, want)
			}
		}
	}
	if len(dead) != 4 {
		t.Errorf("%d processes ended unknown, want 3 of worker 1 and 1 of worker 2", len(dead))
	}
}

func TestSchedulerStopWaitsForOperationsInFlight(t *testing.T) {
	const workers = 4
	var inFlight sync.WaitGroup
	inFlight.Add(workers)
	answer := make(chan struct{})
	b := newBench(t, newFakeGenerator(t, -1), workers, func(_ context.Context, _ int64, op *histories.Op) {
		inFlight.Done()
		<-answer
		op.Type = histories.OK
	})
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := b.run(t.Context(), stop)
		done <- err
	}()
	inFlight.Wait()
	close(stop)
	select {
	case err := <-done:
		t.Fatalf("the scheduler returned with operations in flight: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(answer) // a further operation would make inFlight negative and panic
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := len(b.recorded(t)); n != 2*workers {
		t.Errorf("%d entries, want %d: each operation with its completion, and none after the stop", n, 2*workers)
	}
}

// A harness error of one worker ends the operations of all others.
func TestSchedulerHarnessErrorCancels(t *testing.T) {
	refused := errors.New("no more file descriptors")
	b := newBench(t, newFakeGenerator(t, -1), 5, func(ctx context.Context, _ int64, op *histories.Op) {
		<-ctx.Done()
		op.Type = histories.Info
	})
	open := b.open
	b.open = func(process int64) (client.Conn, error) {
		if process == 3 {
			return nil, refused
		}
		return open(process)
	}
	if _, err := b.run(t.Context(), nil); !errors.Is(err, refused) {
		t.Fatalf("error %v, want %v", err, refused)
	}
	if b.opened.Load() != b.closed.Load() {
		t.Errorf("%d connections opened, %d closed", b.opened.Load(), b.closed.Load())
	}
}

func TestSchedulerCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("somebody else failed")
	b := newBench(t, newFakeGenerator(t, -1), 3, func(ctx context.Context, _ int64, op *histories.Op) {
		cancel(why)
		<-ctx.Done()
		op.Type = histories.Info
	})
	if _, err := b.run(ctx, nil); !errors.Is(err, why) {
		t.Fatalf("error %v, want %v", err, why)
	}
}

// A recorder that cannot write ends the run: what is not recorded must not happen.
func TestSchedulerRecorderError(t *testing.T) {
	b := newBench(t, newFakeGenerator(t, -1), 3, ok)
	if err := b.rec.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t.Context(), nil); err == nil {
		t.Fatal("the scheduler went on without a recorder")
	}
	if b.counts.OK.Load() != 0 {
		t.Errorf("%d operations were done that nobody recorded", b.counts.OK.Load())
	}
}

// The rate holds for all clients together, and not for tailing readers, who
// have a pace of their own.
func TestSchedulerPace(t *testing.T) {
	const clients, rate = 6, 400
	gen := newFakeGenerator(t, -1)
	b := newBench(t, gen, clients+1, ok)
	b.clients, b.rate = clients, rate
	stop := make(chan struct{})
	time.AfterFunc(500*time.Millisecond, func() { close(stop) })
	began := time.Now()
	if _, err := b.run(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	paced := 0
	for w := range clients {
		paced += gen.given[w]
	}
	// It may catch up with 50 ms, and be late on a busy machine.
	if most := int(rate*(took+50*time.Millisecond).Seconds()) + 1; paced > most || paced < 20 {
		t.Errorf("%d operations in %v at %d/s, want 20 to %d", paced, took, rate, most)
	}
	if most := int(took/tailEvery) + 1; gen.given[clients] > most || gen.given[clients] == 0 {
		t.Errorf("%d polls of the tailing reader in %v, want 1 to %d", gen.given[clients], took, most)
	}
}
