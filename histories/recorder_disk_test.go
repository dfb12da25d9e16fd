package histories

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// smallDisk is a file on a disk with room for so many bytes.
type smallDisk struct {
	mu    sync.Mutex
	room  int
	text  []byte
	syncs int
	stall chan struct{} // Sync waits for it, where it is there
	slow  chan struct{} // so does Write
}

var errFull = errors.New("no space left on device")

func (d *smallDisk) Write(b []byte) (int, error) {
	if d.slow != nil {
		<-d.slow
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(b), d.room)
	d.text = append(d.text, b[:n]...)
	d.room -= n
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func (d *smallDisk) Sync() error {
	if d.stall != nil {
		<-d.stall
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	return nil
}

func (d *smallDisk) Close() error { return nil }

// recordUntilFull records until the recorder refuses, and returns how many
// entries it took.
func recordUntilFull(t *testing.T, r *Recorder) (taken int) {
	t.Helper()
	for {
		err := r.Record(&Op{Process: int64(taken), F: Crash})
		if err == nil {
			taken++
			continue
		}
		if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "record history small.jsonl") {
			t.Fatalf("the reason given is %q", err)
		}
		if again := r.Record(&Op{}); again != err {
			t.Fatalf("then %v", again)
		}
		return taken
	}
}

// A full disk ends the recording with one sentence, and the prefix is kept.
func TestFullDisk(t *testing.T) {
	for _, compress := range []bool{false, true} {
		disk := &smallDisk{room: 5000}
		r, err := newRecorder(disk, "small.jsonl", compress, Header{Format: FormatVersion}, RecorderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		taken := recordUntilFull(t, r)
		if err := r.Close(); !errors.Is(err, errFull) {
			t.Fatalf("Close returned %v", err)
		}
		rd, err := NewReader(strings.NewReader(string(disk.text)), Format{}, "small")
		if err != nil {
			t.Fatal(err)
		}
		ops, err := readAll(rd)
		var syn *SyntaxError
		torn := errors.As(err, &syn) && syn.Torn
		if !compress && disk.text[len(disk.text)-1] == '\n' { // it was full just behind an entry
			torn = err == nil
		}
		if !torn || len(ops) > taken || !compress && len(ops) == 0 {
			t.Errorf("compressed %v: %d of %d entries, then %v", compress, len(ops), taken, err)
		}
	}
}

// Where there is room again before the end, everything taken is in the file.
func TestFullDiskFreed(t *testing.T) {
	for _, compress := range []bool{false, true} {
		disk := &smallDisk{room: 5000}
		r, err := newRecorder(disk, "small.jsonl", compress, Header{Format: FormatVersion}, RecorderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		taken := recordUntilFull(t, r)
		disk.mu.Lock()
		disk.room = 1 << 30
		disk.mu.Unlock()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		rd, err := NewReader(strings.NewReader(string(disk.text)), Format{}, "small")
		if err != nil {
			t.Fatal(err)
		}
		if ops, err := readAll(rd); err != nil || len(ops) != taken {
			t.Errorf("compressed %v: %d of %d entries, then %v", compress, len(ops), taken, err)
		}
	}
}

// A disk that hangs in fsync does not stop the recording.
func TestSyncOutsideTheLock(t *testing.T) {
	disk := &smallDisk{room: 1 << 30, stall: make(chan struct{})}
	r, err := newRecorder(disk, "small.jsonl", false, Header{Format: FormatVersion}, RecorderOptions{SyncEvery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(100_000) {
		if err := r.Record(&Op{Process: n, F: Crash}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	disk.mu.Lock()
	written, syncs := len(disk.text), disk.syncs
	disk.mu.Unlock()
	if written < 100_000*50 || syncs != 0 {
		t.Errorf("%d bytes written, %d syncs", written, syncs)
	}
	close(disk.stall)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// A disk that hangs in write makes Record wait once a few megabytes are taken,
// and no sooner; nothing is lost.
func TestSlowDisk(t *testing.T) {
	disk := &smallDisk{room: 1 << 30, slow: make(chan struct{}, 1)}
	disk.slow <- struct{}{} // the header may pass
	r, err := newRecorder(disk, "small.jsonl", false, Header{Format: FormatVersion}, RecorderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const entries = 200_000 // some 17 MB
	recorded := make(chan error, 1)
	go func() {
		var err error
		for n := int64(0); n < entries && err == nil; n++ {
			err = r.Record(&Op{Process: n, F: Crash})
		}
		recorded <- err
	}()
	for full := false; !full; runtime.Gosched() {
		r.mu.Lock()
		full = len(r.buf) >= maxUnwritten
		r.mu.Unlock()
	}
	select {
	case err := <-recorded:
		t.Fatalf("recording ended before the disk moved: %v", err)
	default:
	}
	close(disk.slow)
	if err := <-recorded; err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(disk.text), "\n"); n != entries+1 {
		t.Errorf("%d lines for %d entries and a header", n, entries)
	}
	if got := cap(r.buf) + cap(r.out.spare); got > 4*maxUnwritten {
		t.Errorf("the buffers have grown to %d bytes", got)
	}
}
