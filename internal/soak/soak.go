package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/run"
)

// Options are what a soak needs that does not stand in its file.
type Options struct {
	Tool     string
	Stop     <-chan struct{} // closed: end the round that is under way, and then the soak
	Status   func(run.Status)
	Progress func(line string) // says what takes long, and what is odd
	Begin    func(n int, spec run.Spec)
	Done     func(Round)
	Metrics  *metrics.Run
	// Summary writes a round's summary.txt; repeat is the command that makes it again.
	Summary func(w io.Writer, r run.Result, repeat string)
	// Repeat is the command that makes a run again.
	Repeat func(run.Spec) string
}

// DiskFull is how a soak ends where nothing more can be written.
const DiskFull = "the disk is full"

// Soak is a soak that is at work, or about to be.
type Soak struct {
	File *File
	Dir  string
	lock *os.File
	opts Options
}

// New makes the directory of a new soak in the store, after the specs' name.
func New(store string, f File, o Options) (*Soak, error) {
	now := time.Now()
	f.Format, f.Tool, f.Started, f.Rounds = Format, o.Tool, now.UTC().Format(time.RFC3339), []Round{}
	if len(f.Specs) == 0 {
		return nil, &run.Refused{Err: errors.New("a soak needs at least one spec")}
	}
	name := f.Specs[0].Name + "-" + stamp(now)
	for i := range f.Specs {
		f.Specs[i].Name = name
	}
	if err := errors.Join(f.check(), f.runnable()); err != nil {
		return nil, &run.Refused{Err: err}
	}
	dir := filepath.Join(store, name)
	if err := os.MkdirAll(store, 0o755); err != nil {
		return nil, &run.Refused{Err: fmt.Errorf("make the store: %w; name another with --store", err)}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, &run.Refused{Err: fmt.Errorf("make the soak's directory: %w", err)}
	}
	s := &Soak{File: &f, Dir: dir, opts: o}
	var err error
	if s.lock, err = lock(dir); err != nil {
		return nil, err
	}
	return s, f.save(dir)
}

// Run makes rounds until the time is up, a round convicts, the disk is full or
// the user stops. An error is that of the soak itself; what the rounds say
// stands in the file.
func (s *Soak) Run(ctx context.Context) (err error) {
	f := s.File
	defer func() { err = errors.Join(err, s.lock.Close()) }()
	f.Sessions++
	f.Ended = ""
	k := &run.Keeper{Spec: f.Specs[0], Dir: s.Dir, Name: ".cluster", Progress: s.opts.Progress}
	k.Spec.Seed = f.Seed
	begin, before := time.Now(), time.Duration(f.Elapsed)
	at := func() { f.Elapsed = run.Duration(before + time.Since(begin)) }
	for f.Ended == "" {
		at()
		if f.Ended = s.over(); f.Ended != "" {
			break
		}
		r, failed := s.round(ctx, k, f.next())
		at()
		if failed != nil && r.Dir == "" && len(f.Rounds) == 0 { // nothing could even begin
			err = failed
			break
		}
		s.settle(&r, failed)
	}
	at()
	err = errors.Join(err, k.Close())
	if allPassed(f) {
		err = errors.Join(err, k.Discard())
	}
	return errors.Join(err, f.save(s.Dir), s.saveTable())
}

// over says why no further round begins; empty: one does.
func (s *Soak) over() string {
	f := s.File
	select {
	case <-s.opts.Stop:
		return "it was stopped"
	default:
	}
	for i := range f.Rounds {
		if r := &f.Rounds[i]; r.Convicted() && !f.KeepGoing {
			return fmt.Sprintf("round %d convicted", r.N)
		}
	}
	if f.Elapsed >= f.Limit {
		return "its time is up"
	}
	return ""
}

// round makes one round on the kept cluster.
func (s *Soak) round(ctx context.Context, k *run.Keeper, n int) (Round, error) {
	spec := s.File.spec(n)
	r := Round{N: n, Seed: spec.Seed, Scenario: spec.Scenario, Kept: KeptAll, Repeat: s.repeat(spec)}
	if s.opts.Begin != nil {
		s.opts.Begin(n, spec)
	}
	begin := time.Now()
	defer func() { r.Seconds = time.Since(begin).Seconds() }()
	bed, err := k.Bed(ctx)
	if err != nil {
		return r, err
	}
	o := run.Options{
		Store: filepath.Dir(s.Dir), Tool: s.opts.Tool, Bed: bed, Stop: s.opts.Stop, Status: s.opts.Status,
		Progress: s.opts.Progress, Metrics: s.opts.Metrics, Repeat: r.Repeat, DiskBudget: s.room(),
		Summary: func(w io.Writer, res run.Result) { s.opts.Summary(w, res, r.Repeat) },
	}
	peak := watch()
	res, err := run.Run(ctx, spec, o)
	most := peak()
	if err == nil {
		if err = bed.Clean(ctx); err != nil {
			err = fmt.Errorf("the cluster is not clean after round %d: %w", n, err)
		}
	}
	if err != nil { // the next round gets a cluster that nobody knows anything bad of
		err = errors.Join(err, k.Close())
	}
	if res.Dir != "" {
		r.Dir = filepath.Base(res.Dir)
	}
	r.judged(res.Verdict)
	r.Seconds = time.Since(begin).Seconds()
	r.Usage = take(s.Dir, most)
	return r, err
}

// settle keeps what the round leaves, notes it in the file, and says so. What
// goes wrong here ends the soak.
func (s *Soak) settle(r *Round, failed error) {
	f := s.File
	if failed != nil {
		r.Error = sentence(failed)
	}
	if r.Passed() {
		if err := essence(filepath.Join(s.Dir, r.Dir)); err != nil {
			s.say(fmt.Sprintf("round %d: %v", r.N, err))
		} else {
			r.Kept = KeptEssence
		}
	}
	f.Rounds = append(f.Rounds, *r)
	if full(failed) {
		s.say(fmt.Sprintf("round %d: the disk is full; what was recorded is kept: %s", r.N, sentence(failed)))
		f.Ended = DiskFull
		s.makeRoom(1 << 20) // for what is still to be written: the table and the file
	}
	if err := s.keepBudget(); err != nil && f.Ended == "" {
		s.say(err.Error())
		f.Ended = err.Error()
	}
	if err := f.save(s.Dir); err != nil {
		s.makeRoom(1 << 20)
		if err = f.save(s.Dir); err != nil {
			s.say(err.Error())
			f.Ended = sentence(err)
		}
	}
	if s.opts.Done != nil {
		s.opts.Done(f.Rounds[len(f.Rounds)-1])
	}
}

// repeat is the command that makes the round again.
func (s *Soak) repeat(spec run.Spec) string {
	if s.opts.Repeat == nil {
		return ""
	}
	return s.opts.Repeat(spec)
}

func (s *Soak) say(line string) {
	if s.opts.Progress != nil {
		s.opts.Progress(line)
	}
}

func (s *Soak) saveTable() error {
	var b strings.Builder
	s.File.Table(&b, s.Dir)
	if err := os.WriteFile(filepath.Join(s.Dir, TableName), []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("save the table: %w", err)
	}
	return nil
}

func allPassed(f *File) bool {
	for i := range f.Rounds {
		if !f.Rounds[i].Passed() {
			return false
		}
	}
	return true
}

// sentence puts joined errors on one line.
func sentence(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
