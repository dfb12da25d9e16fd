//go:build unix

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/internal/soak"
)

// TestSoakKilled: a soak that is killed in the middle of a round keeps the
// rounds before and goes on with the next one.
func TestSoakKilled(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	cmd := exec.Command("ackproof", "soak", "--quiet", "--store", store, "--name", "night", "--time-limit", "9m", "--round", "1s", "--calm", "100ms",
		"--recovery", "200ms", "--quiet-time", "100ms", "--nemesis", "none", "--rate", "300", "--topics", "1", "--partitions", "2", "--min-acked", "1", "--seed", "3")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if lines := bufio.NewScanner(out); !lines.Scan() || !strings.HasPrefix(lines.Text(), "round 1: ") {
		t.Fatalf("the first line is %q", lines.Text())
	}
	dirs, err := filepath.Glob(filepath.Join(store, "night-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%v %v", dirs, err)
	}
	// The second round is under way once a second directory has a history.
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if h, _ := filepath.Glob(filepath.Join(dirs[0], "2*", "history.jsonl")); len(h) > 0 {
			break
		}
		if time.Since(begun) > eventLimit {
			t.Fatalf("no second round within %v", eventLimit)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	again := exec.Command("ackproof", "soak", "--quiet", "--resume", dirs[0], "--time-limit", "1s")
	var said bytes.Buffer
	again.Stderr = &said
	table, err := again.Output()
	// A busy machine may leave a round of a second unknown.
	if code := again.ProcessState.ExitCode(); code != exitValid && code != exitUnknown {
		t.Fatalf("%v: %s%s", err, table, said.String())
	}
	if !regexp.MustCompile(`round 2 \(.*\) broke off when the soak was killed|round 2 was whole`).Match(said.Bytes()) {
		t.Errorf("what became of round 2 is not said: %s", said.String())
	}
	f, err := soak.Read(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	if f.Sessions != 2 || len(f.Rounds) < 1 || f.Rounds[0].N != 1 || f.Ended != "its time is up" {
		t.Errorf("%d sessions, %d rounds, ended %q", f.Sessions, len(f.Rounds), f.Ended)
	}
	if _, err := os.Stat(filepath.Join(dirs[0], f.Rounds[0].Dir, "verdict.json")); err != nil {
		t.Error(err)
	}
}
