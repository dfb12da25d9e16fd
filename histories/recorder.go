package histories

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// RecorderOptions set what a Recorder does with time; the zero value is what
// runs use.
type RecorderOptions struct {
	// FlushEvery is the longest that an entry waits in memory before the
	// kernel has it: what kill -9 can lose. 0: 250 ms. While someone follows
	// it is at most 50 ms.
	FlushEvery time.Duration
	// SyncEvery is how often the file is put on the disk: what a power
	// failure can lose. 0: one second.
	SyncEvery time.Duration
}

const (
	flushEvery   = 250 * time.Millisecond
	followEvery  = 50 * time.Millisecond
	syncEvery    = time.Second
	maxUnwritten = 4 << 20 // bytes; more than that and Record waits for the file
)

// Recorder writes a history as it happens. It is the only giver of Index and
// Time: one clock, one lock. It may be used by many goroutines.
//
// Entries go through memory to the file on a goroutine of the recorder's own,
// so that a slow disk delays nobody until a few megabytes wait for it.
type Recorder struct {
	path  string
	start time.Time
	opts  RecorderOptions

	mu     sync.Mutex
	room   sync.Cond     // buf was taken away, or err is set
	buf    []byte        // encoded, not yet taken by the writing goroutine
	next   int64         // index of the next entry
	last   time.Duration // time of the last entry
	err    error         // why nothing more can be recorded
	closed bool

	kick      chan struct{} // buf is worth writing
	stop      chan struct{}
	done      sync.WaitGroup
	followers atomic.Int64
	progress  progress

	out fileEnd // of the writing goroutine alone, until it has ended
}

// Create creates a history file and begins to record; the run's time counts
// from here. The name's extension tells the format: .jsonl or .jsonl.zst. It
// does not overwrite a file.
func Create(path string, h Header, opts RecorderOptions) (*Recorder, error) {
	f, err := FormatOf(path)
	if err != nil {
		return nil, fmt.Errorf("record history: %w", err)
	}
	if f.Name != "jsonl" {
		return nil, fmt.Errorf("record history: %s: runs record JSON Lines: want the extension .jsonl or .jsonl.zst, and convert afterwards", path)
	}
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("record history: %w", err)
	}
	osFile, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("record history: %w", err)
	}
	return newRecorder(osFile, path, f.Zstd, h, opts)
}

func newRecorder(f file, path string, compress bool, h Header, opts RecorderOptions) (*Recorder, error) {
	if opts.FlushEvery <= 0 {
		opts.FlushEvery = flushEvery
	}
	if opts.SyncEvery <= 0 {
		opts.SyncEvery = syncEvery
	}
	r := &Recorder{
		path: path, start: time.Now(), opts: opts, last: -1,
		buf:  make([]byte, 0, 2*writerBuffer),
		kick: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	r.room.L = &r.mu
	r.progress.init()
	r.out = fileEnd{file: f, spare: make([]byte, 0, 2*writerBuffer)}
	if compress {
		var err error
		if r.out.z, err = newCompressor(&r.out.packed); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	r.buf = jsonHeader(r.buf, &h)
	if err := r.handOver(true); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.done.Add(2)
	go r.writeLoop()
	go r.syncLoop()
	return r, nil
}

// Path is the file's path.
func (r *Recorder) Path() string { return r.path }

// Now is the time since the run's start by the recorder's clock.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

// Recorded is how many entries there are.
func (r *Recorder) Recorded() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// Record writes the entry down and sets its Index and its Time, which is later
// than that of every entry before. The entry is the caller's again when Record
// returns. An error says why the file cannot be written, and is the answer to
// every later call too; what was recorded before it is kept.
func (r *Recorder) Record(op *Op) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.buf) >= maxUnwritten && r.err == nil {
		r.room.Wait()
	}
	if r.err != nil {
		return r.err
	}
	if r.closed {
		return fmt.Errorf("record history %s: the recorder is closed", r.path)
	}
	r.last = max(time.Since(r.start), r.last+1)
	op.Index, op.Time = r.next, r.last
	r.next++
	before := len(r.buf)
	r.buf = AppendJSON(r.buf, op)
	if before < writerBuffer && len(r.buf) >= writerBuffer {
		select {
		case r.kick <- struct{}{}:
		default:
		}
	}
	return nil
}

// Flush hands everything recorded so far to the kernel.
func (r *Recorder) Flush() error { return r.handOver(true) }

// Close writes everything to the disk and ends the recording. It returns the
// error that ended it earlier, if one did and could not be made good.
func (r *Recorder) Close() error {
	r.mu.Lock()
	if r.closed {
		defer r.mu.Unlock()
		return r.err
	}
	r.closed = true
	r.mu.Unlock()
	close(r.stop)
	r.done.Wait()
	err := r.handOver(true)
	if err == nil {
		err = r.out.end()
	}
	if err == nil {
		err = r.out.file.Sync()
	}
	err = errors.Join(err, r.out.file.Close())
	if err != nil {
		err = r.fail(err)
	}
	r.progress.close(r.out.written)
	return err
}

// fail remembers why nothing more can be recorded.
func (r *Recorder) fail(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = fmt.Errorf("record history %s: %w; what was recorded before is kept", r.path, err)
	}
	r.room.Broadcast()
	return r.err
}

// handOver gives what is in memory to the file. push makes a compressed file
// readable to here.
func (r *Recorder) handOver(push bool) error {
	r.out.mu.Lock()
	defer r.out.mu.Unlock()
	r.mu.Lock()
	full := r.buf
	r.buf = r.out.spare[:0]
	r.room.Broadcast()
	r.mu.Unlock()
	err := r.out.write(full, push)
	r.out.spare = full
	r.progress.advance(r.out.written)
	if err != nil {
		return r.fail(err)
	}
	return nil
}

// writeLoop hands over when there is enough or when it is time.
func (r *Recorder) writeLoop() {
	defer r.done.Done()
	tick := time.NewTicker(min(followEvery, r.opts.FlushEvery))
	defer tick.Stop()
	flushed := time.Now()
	for {
		push := false
		select {
		case <-r.stop:
			return
		case <-r.kick:
		case now := <-tick.C:
			if r.followers.Load() == 0 && now.Sub(flushed) < r.opts.FlushEvery-followEvery/2 {
				continue
			}
			flushed, push = now, true
		}
		_ = r.handOver(push) // the next Record returns it
	}
}

// syncLoop puts the file on the disk now and then, while entries flow on.
func (r *Recorder) syncLoop() {
	defer r.done.Done()
	tick := time.NewTicker(r.opts.SyncEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
			if err := r.out.file.Sync(); err != nil {
				_ = r.fail(err)
			}
		}
	}
}
