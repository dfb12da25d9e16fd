//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventLimit bounds the waits for what happens within seconds, on a machine that
// may have other things to do.
const eventLimit = 3 * time.Minute

// underWay is a run that has begun to record.
type underWay struct {
	*exec.Cmd
	dir    string // its run directory
	stdout bytes.Buffer
	stderr chan string // its lines
}

// begin starts a run that would last for minutes and waits until its clients are at work.
func begin(t *testing.T, flags ...string) *underWay {
	t.Helper()
	u := start(t, nil, flags...)
	u.await(t, " ops/s ")
	u.recorded(t, 100<<10)
	return u
}

// start starts a run that would last for minutes, with more variables in its
// environment.
func start(t *testing.T, env []string, flags ...string) *underWay {
	t.Helper()
	store := filepath.Join(t.TempDir(), "store")
	args := append([]string{}, shortRun...)
	args = append(args, "--time-limit", "9m", "--seed", "1", "--store", store)
	u := &underWay{Cmd: exec.Command("ackproof", append(args, flags...)...), dir: filepath.Join(store, "latest"), stderr: make(chan string, 10000)}
	u.Stdout = &u.stdout
	u.Env = append(os.Environ(), env...)
	pipe, err := u.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Process.Kill() })
	go func() {
		defer close(u.stderr)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			u.stderr <- lines.Text()
		}
		_, _ = io.Copy(io.Discard, pipe)
	}()
	return u
}

// exists waits until there is a file in the run directory.
func (u *underWay) exists(t *testing.T, name string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < eventLimit; time.Sleep(20 * time.Millisecond) {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(u.dir), "*", "*", name))
		if len(found) > 0 {
			return
		}
	}
	t.Fatalf("no %s within %v", name, eventLimit)
}

// await reads the status until a line says this.
func (u *underWay) await(t *testing.T, what string) {
	t.Helper()
	limit, last := time.After(eventLimit), ""
	for {
		select {
		case line, more := <-u.stderr:
			if !more {
				_ = u.Wait() // what it said is whole then
				t.Fatalf("the command ended without %q: %s\n%s", what, last, u.stdout.String())
			}
			last = line
			if strings.Contains(line, what) {
				return
			}
		case <-limit:
			t.Fatalf("no %q within %v", what, eventLimit)
		}
	}
}

// recorded waits until the history has this many bytes.
func (u *underWay) recorded(t *testing.T, size int64) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < eventLimit; time.Sleep(20 * time.Millisecond) {
		if info, err := os.Stat(filepath.Join(u.dir, "history.jsonl")); err == nil && info.Size() >= size {
			return
		}
	}
	t.Fatalf("nothing was recorded within %v", eventLimit)
}

// says waits until the history holds this.
func (u *underWay) says(t *testing.T, what string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < eventLimit; time.Sleep(50 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(u.dir, "history.jsonl")); err == nil && bytes.Contains(b, []byte(what)) {
			return
		}
	}
	t.Fatalf("the history does not say %s within %v", what, eventLimit)
}

// exit waits for the command's end and returns its exit code.
func (u *underWay) exit(t *testing.T, within time.Duration) int {
	t.Helper()
	slow := time.AfterFunc(within, func() { _ = u.Process.Kill() })
	for range u.stderr { // until both processes have let go of it
	}
	_ = u.Wait()
	if !slow.Stop() {
		t.Fatalf("the command did not end within %v", within)
	}
	return u.ProcessState.ExitCode()
}

func TestCtrlCHealsReadsBackAndJudges(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			plan := filepath.Join(t.TempDir(), "plan.json")
			// The fault acts when the signal comes, and would act for minutes.
			if err := os.WriteFile(plan, []byte(`[{"at":"400ms","for":"8m","fault":"latency","on":["n1"],"direction":"both","args":{"latency_ms":100,"jitter_ms":0}}]`), 0o644); err != nil {
				t.Fatal(err)
			}
			u := begin(t, "--plan", plan)
			u.await(t, "latency n1")
			u.says(t, `"f":"bite"`) // what is not proven yet would make unknown
			if err := u.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			code := u.exit(t, eventLimit)
			out := u.stdout.String()
			if code != exitValid {
				t.Errorf("exit code %d:\n%s", code, out)
			}
			for _, want := range []string{"\nfinal ", "\nend ", "verdict: valid\n", "latency  n1"} {
				if !strings.Contains(out, want) {
					t.Errorf("the summary has no %q:\n%s", want, out)
				}
			}
		})
	}
}

func TestSecondCtrlCEndsAtOnce(t *testing.T) {
	t.Parallel()
	u := begin(t, "--nemesis", "none", "--recovery", "1h")
	if err := u.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	u.await(t, "Ctrl-C again ends at once")
	if err := u.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := u.exit(t, eventLimit); code != exitStopped {
		t.Errorf("exit code %d, want %d", code, exitStopped)
	}
	if u.stdout.Len() > 0 {
		t.Errorf("a run that was thrown away says: %s", u.stdout.String())
	}
	incomplete(t, u.dir)
}

// What kill -9 leaves behind is judged as far as it goes. The kill hits the
// process that the user sees; the one that works must not go on without it.
func TestKilledRunIsIncomplete(t *testing.T) {
	t.Parallel()
	u := begin(t, "--nemesis", "none")
	if err := u.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	u.exit(t, eventLimit) // returns once the last holder of stderr is dead
	incomplete(t, u.dir)
}

// incomplete demands that the directory's history is judged, and nothing is
// called valid.
func incomplete(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.Command("ackproof", "check", dir).Output()
	if got := exitText(err); err == nil || got != "2" {
		t.Errorf("check exits with %v, want 2:\n%s", err, out)
	}
	for _, want := range []string{"verdict: unknown (incomplete", "judged: "} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	if bytes.Contains(out, []byte("judged: 0 operations")) {
		t.Errorf("nothing of the recorded prefix was judged:\n%s", out)
	}
}
