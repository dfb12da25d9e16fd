package histories

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func create(t *testing.T, name string, opts RecorderOptions) *Recorder {
	t.Helper()
	r, err := Create(filepath.Join(t.TempDir(), name), Header{Format: FormatVersion, Seed: 7}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func openAll(t *testing.T, path string) []*Op {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if h, ok := r.Header(); !ok || h.Seed != 7 {
		t.Fatalf("header %+v, %v", h, ok)
	}
	ops, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

// Many goroutines record; the file holds what each was told, in one order.
func TestRecorder(t *testing.T) {
	for _, name := range []string{HistoryFile, HistoryFile + zstdExt} {
		t.Run(name, func(t *testing.T) {
			const workers, each = 8, 2000
			r := create(t, name, RecorderOptions{FlushEvery: time.Millisecond})
			var mu sync.Mutex
			told := make(map[int64]time.Duration)
			var group sync.WaitGroup
			for p := range int64(workers) {
				group.Go(func() {
					mine := make(map[int64]time.Duration)
					var op Op
					for n := range int64(each) {
						op.Reset()
						op.Process, op.F = p, Send
						op.AddSend(p, n)
						if err := r.Record(&op); err != nil {
							t.Error(err)
							return
						}
						mine[op.Index] = op.Time
					}
					mu.Lock()
					defer mu.Unlock()
					for i, at := range mine {
						told[i] = at
					}
				})
			}
			group.Wait()
			if err := errors.Join(r.Close(), r.Close()); err != nil {
				t.Fatal(err)
			}
			ops := openAll(t, r.Path())
			if len(ops) != workers*each {
				t.Fatalf("%d entries, want %d", len(ops), workers*each)
			}
			next := make([]int64, workers)
			for i, o := range ops {
				if o.Index != int64(i) || told[o.Index] != o.Time || i > 0 && o.Time <= ops[i-1].Time {
					t.Fatalf("entry %d: index %d time %d, told %d", i, o.Index, o.Time, told[o.Index])
				}
				if o.Mops[0].Value != next[o.Process] {
					t.Fatalf("entry %d: process %d sends %d, want %d", i, o.Process, o.Mops[0].Value, next[o.Process])
				}
				next[o.Process]++
			}
			if err := r.Record(&Op{}); err == nil {
				t.Error("recorded after Close")
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	good := Header{Format: FormatVersion}
	taken := filepath.Join(dir, "taken.jsonl")
	if err := os.WriteFile(taken, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
		h          Header
	}{
		{taken, "exists", good},
		{filepath.Join(dir, "none", HistoryFile), "no such file", good},
		{filepath.Join(dir, "history.edn"), "want the extension .jsonl", good},
		{filepath.Join(dir, "history"), "want .jsonl", good},
		{filepath.Join(dir, HistoryFile), "format 0", Header{}},
	} {
		if _, err := Create(c.path, c.h, RecorderOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
	if b, err := os.ReadFile(taken); err != nil || string(b) != "precious" {
		t.Errorf("the file that was there is %q, %v", b, err)
	}
}

// A follower sees every entry while recording goes on, waits where there is no
// more, and ends with the recorder.
func TestFollow(t *testing.T) {
	for _, name := range []string{HistoryFile, HistoryFile + zstdExt} {
		t.Run(name, func(t *testing.T) {
			r := create(t, name, RecorderOptions{FlushEvery: time.Hour})
			in := r.Follow()
			if h, ok := in.Header(); !ok || h.Seed != 7 {
				t.Fatalf("header %+v, %v", h, ok)
			}
			for n := range int64(50) { // one at a time: each arrives without the next
				if err := r.Record(&Op{Process: n, F: Crash}); err != nil {
					t.Fatal(err)
				}
				if n%10 != 0 {
					continue
				}
				for {
					op, err := in.Next()
					if err != nil {
						t.Fatal(err)
					}
					if op.Process == n {
						break
					}
				}
			}
			seen := make(chan error, 1)
			go func() {
				ops, err := readAll(in)
				if err == nil && len(ops) != 50_009 {
					err = fmt.Errorf("%d entries", len(ops))
				}
				seen <- err
			}()
			for n := range int64(50_000) {
				if err := r.Record(&Op{Process: n, F: Crash}); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-seen; err != nil {
				t.Error(err)
			}
			late, err := readAll(r.Follow()) // and after the end it is a reader like any
			if err != nil || len(late) != 50_050 {
				t.Errorf("%d entries: %v", len(late), err)
			}
		})
	}
}

// Close frees a follower that waits.
func TestFollowClose(t *testing.T) {
	r := create(t, HistoryFile, RecorderOptions{})
	in := r.Follow()
	ended := make(chan error)
	go func() {
		_, err := in.Next()
		ended <- err
	}()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != io.EOF {
		t.Errorf("Next returned %v", err)
	}
	if n := r.followers.Load(); n != 0 {
		t.Errorf("%d followers are left", n)
	}
}

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
		if !errors.As(err, &syn) || !syn.Torn || len(ops) > taken || !compress && len(ops) == 0 {
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

// The recorder's memory does not grow with what it records.
func TestRecorderAllocatesNothing(t *testing.T) {
	r := create(t, HistoryFile, RecorderOptions{})
	ops := typicalOps()
	n := int64(0)
	round := func() {
		for range 10_000 {
			vary(ops, n)
			for _, o := range ops {
				if err := r.Record(o); err != nil {
					t.Fatal(err)
				}
			}
			n++
		}
	}
	round()
	if got := testing.AllocsPerRun(3, round); got > 100 {
		t.Errorf("%v allocations for 40,000 entries", got)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if cap(r.buf) > 4*maxUnwritten {
		t.Errorf("the buffer has grown to %d bytes", cap(r.buf))
	}
}

const crashEnv = "ACKPROOF_RECORDER_TEST_FILE"

// TestRecorderCrash kills a process that records, without warning. What had a
// moment to be handed over is in the file.
func TestRecorderCrash(t *testing.T) {
	if path := os.Getenv(crashEnv); path != "" {
		recordAndHang(t, path)
		return
	}
	for _, name := range []string{HistoryFile, HistoryFile + zstdExt} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			cmd := exec.Command(os.Args[0], "-test.run=^TestRecorderCrash$")
			cmd.Env = append(os.Environ(), crashEnv+"="+path)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n') // says when the last entry is older than a second
			if err := errors.Join(err, cmd.Process.Kill()); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil || line != "recorded\n" {
				t.Fatalf("it said %q and ended with %v", line, err)
			}
			r, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			ops, err := readAll(r)
			var syn *SyntaxError
			if err != nil && (!errors.As(err, &syn) || !syn.Torn) {
				t.Fatal(err)
			}
			if len(ops) < crashOps {
				t.Errorf("%d entries are left of %d that were a second old: %v", len(ops), crashOps, err)
			}
		})
	}
}

const crashOps = 1000

func recordAndHang(t *testing.T, path string) {
	r, err := Create(path, Header{Format: FormatVersion}, RecorderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(crashOps) {
		if err := r.Record(&Op{Process: n, F: Crash}); err != nil {
			t.Fatal(err)
		}
	}
	<-time.After(time.Second) // the promise
	fmt.Println("recorded")
	select {}
}
