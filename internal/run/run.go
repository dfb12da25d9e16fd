package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// Options are what a run needs that is not part of what it does.
type Options struct {
	Store  string          // the store directory
	Tool   string          // name and version, for the header
	Plan   nemesis.Plan    // walks this plan instead of drawing one; nil: draw
	Bed    *Bed            // runs on this cluster instead of starting one; nil: start one
	Stop   <-chan struct{} // closed: end the main phase, heal, read back, judge
	Status func(Status)    // called a few times a second; may be nil
	// Progress says what takes long before the run begins; nil: nobody listens.
	Progress func(line string)
	Metrics  *metrics.Run // shows the run to Prometheus; nil: to nobody
	// Summary writes summary.txt; nil: there is none.
	Summary func(io.Writer, Result)
	// Repeat is the command that makes the run again, for its page.
	Repeat string
	// DiskBudget bounds the run directory, in bytes: the main phase ends in time
	// for what is written after it to fit; 0: no bound.
	DiskBudget int64

	// Client makes another client out of each one of the main phase, a broken one to
	// see what it is convicted of; nil: they stay as they are.
	Client func(client.Conn) client.Conn

	alsoLive []checker.Pass // of tests: more passes beside the live ones
}

// Result is what a run left behind.
type Result struct {
	Dir     string
	Spec    Spec
	Plan    nemesis.Plan
	Header  histories.Header
	Verdict checker.Verdict
}

// Refused is the error of a run that was not begun, because what was asked for
// cannot be done as it was asked: a bad spec, a plan that names a node which is
// not there, a store that cannot be written to.
type Refused struct{ Err error }

// Error is the reason.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Err }

// Run makes one run. An error is a harness error, or Refused: what was recorded
// by then is in Result.Dir, and its verdict in Result.Verdict where it could be
// judged. The verdict, whatever it says, is no error.
func Run(ctx context.Context, spec Spec, o Options) (res Result, err error) {
	if err := spec.Validate(); err != nil {
		return res, &Refused{err}
	}
	r := &runner{spec: spec, opts: o, began: time.Now()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.prepareUnlessStopped(ctx); err != nil {
		return r.result(), err
	}
	if err := r.record(ctx); err != nil {
		err = r.salvage(err)
		return r.result(), err
	}
	if err := r.judge(); err != nil {
		return r.result(), err
	}
	return r.result(), r.cleanUp(ctx)
}

// ErrStopped says that the user stopped a run before it began: there is nothing
// to heal, and nothing was recorded.
var ErrStopped = errors.New("stopped before the run began; nothing was recorded")

// prepareUnlessStopped prepares, which may take a minute, and gives up where the
// user stops.
func (r *runner) prepareUnlessStopped(ctx context.Context) error {
	limited, cancel := context.WithCancel(ctx)
	prepared := make(chan struct{})
	go func() {
		select {
		case <-r.opts.Stop:
			cancel()
		case <-prepared:
		}
	}()
	err := r.prepare(limited)
	close(prepared)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		r.logf("%v: %v", ErrStopped, err)
		return ErrStopped
	}
	return err
}

// runner holds the parts of one run between their start and their end.
type runner struct {
	spec  Spec
	opts  Options
	began time.Time

	dir     string
	log     *os.File
	toxiLog *os.File
	plan    nemesis.Plan
	work    generator.Workload
	genCfg  generator.Config
	kind    client.Kind
	runID   uint64
	header  histories.Header
	topics  []string
	mortal  []string // topics that the workload creates and deletes
	lives   client.Lives

	bed      *Bed
	rec      *histories.Recorder
	nem      *nemesis.Nemesis
	counts   Counts
	live     *liveJudge
	status   *ticker
	phase    string
	phaseMu  sync.Mutex // held while a phase is entered, and while the brokers are asked for evidence
	bites    bites
	sampler  *sampler // while the main phase lasts
	liveFile *liveFile

	verdict checker.Verdict
}

func (r *runner) result() Result {
	return Result{Dir: r.dir, Spec: r.spec, Plan: r.plan, Header: r.header, Verdict: r.verdict}
}

// cleanUp deletes the run's topics after a valid verdict; after any other they
// are evidence.
func (r *runner) cleanUp(ctx context.Context) error {
	if r.spec.KeepTopics || r.verdict.Valid != checker.Valid {
		return nil
	}
	if d, ok := r.bed.cluster.(target.Disposable); ok && r.bed != r.opts.Bed && !r.bed.kept {
		d.DiscardData() // the topics go with the brokers
		return nil
	}
	topics := slices.Concat(r.topics, r.mortal)
	if err := r.bed.cluster.DeleteTopics(ctx, topics); err != nil {
		return fmt.Errorf("delete the run's topics %s: %w", strings.Join(topics, ", "), err)
	}
	return nil
}

func (r *runner) close() error {
	errs := []error{r.liveFile.stop()}
	if r.bed != nil && r.bed != r.opts.Bed { // a bed that was lent is not ours to end
		errs = append(errs, r.bed.Close())
	}
	for _, c := range []io.Closer{r.log, r.toxiLog} {
		if c != (*os.File)(nil) {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
