//go:build linux

package procs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test's own binary is the parent that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PROCS_TEST_PARENT"); dir != "" {
		p, err := Start(Command{Argv: []string{"sh", "-c", "sleep 1000 & echo $!; wait"}, Log: filepath.Join(dir, "log")})
		if err != nil {
			panic(err)
		}
		fmt.Println(p.PID())
		<-p.Done()
	}
	os.Exit(m.Run())
}

// gone waits until a process does not exist, or is a zombie of somebody else.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, os.ErrNotExist) || strings.Contains(string(b), ") Z ") {
			return
		}
	}
	t.Errorf("process %d lives on", pid)
}

// TestKilledParent kills the parent outright: neither its child nor its
// grandchild lives on.
func TestKilledParent(t *testing.T) {
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PROCS_TEST_PARENT="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	var grandchild int
	for end := time.Now().Add(2 * time.Minute); grandchild == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b, _ := os.ReadFile(filepath.Join(dir, "log"))
		grandchild, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	if grandchild == 0 {
		t.Fatal("no grandchild")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	gone(t, child)
	gone(t, grandchild)
}

func TestLife(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start(Command{Argv: []string{"sh", "-c", "echo $WORD; exec sleep 1000"}, Env: []string{"WORD=hello"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); strings.Contains(Tail(log, 1), "empty") && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if !p.Alive() || p.Ended() != "" {
		t.Error("it runs, and says otherwise")
	}
	if err := p.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.Alive() || p.Ended() != "signal: killed" || !strings.Contains(Tail(log, 3), "  hello") {
		t.Errorf("ended %q, log %q", p.Ended(), Tail(log, 3))
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("a signal to a process that ended: %v", err)
	}
	gone(t, p.PID())
}

func TestRun(t *testing.T) {
	out, err := Run(t.Context(), Command{Argv: []string{"sh", "-c", "echo one; exit 3"}})
	if out != "one\n" || err == nil || !strings.Contains(err.Error(), "exit status 3:   one") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := Run(t.Context(), Command{Argv: []string{"no-such-program"}}); err == nil || !strings.Contains(err.Error(), "there is no such program") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Command{Argv: []string{"sh", "-c", "sleep 1000 & sleep 1000"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
