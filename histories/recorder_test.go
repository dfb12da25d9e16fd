package histories

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
