package histories

import (
	"io"
	"os"
	"strings"
	"sync"
)

// progress tells followers how far the file has grown.
type progress struct {
	mu      sync.Mutex
	grown   sync.Cond
	written int64
	closed  bool
}

func (p *progress) init() { p.grown.L = &p.mu }

func (p *progress) advance(written int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if written > p.written {
		p.written = written
		p.grown.Broadcast()
	}
}

func (p *progress) close(written int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written, p.closed = written, true
	p.grown.Broadcast()
}

// Follow returns a Reader of the history while it is being recorded, from its
// beginning. Next waits until more is written; io.EOF comes when the recorder
// is closed and everything was read. Close may be called while Next waits, and
// makes it return.
func (r *Recorder) Follow() Reader {
	f, err := os.Open(r.path)
	if err != nil {
		return &unreadable{err: err}
	}
	r.followers.Add(1)
	t := &tail{file: f, progress: &r.progress, leave: func() { r.followers.Add(-1) }}
	format := Formats[0]
	format.Zstd = strings.HasSuffix(r.path, zstdExt)
	rd, err := NewReader(t, format, r.path)
	if err != nil {
		_ = t.Close()
		return &unreadable{err: err}
	}
	return &follower{rd, t}
}

type follower struct {
	Reader
	tail *tail
}

func (f *follower) Close() error { return f.tail.Close() }

// tail reads a growing file and waits at its end.
type tail struct {
	file     *os.File
	progress *progress
	read     int64
	left     bool // guarded by progress.mu
	leave    func()
}

// Read implements io.Reader.
func (t *tail) Read(b []byte) (int, error) {
	p := t.progress
	p.mu.Lock()
	for p.written <= t.read && !p.closed && !t.left {
		p.grown.Wait()
	}
	there, left := p.written, t.left
	p.mu.Unlock()
	if left || there <= t.read {
		return 0, io.EOF
	}
	n, err := t.file.ReadAt(b[:min(int64(len(b)), there-t.read)], t.read)
	t.read += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// Close ends the reading.
func (t *tail) Close() error {
	p := t.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.left {
		return nil
	}
	t.left = true
	t.leave()
	p.grown.Broadcast()
	return t.file.Close()
}
