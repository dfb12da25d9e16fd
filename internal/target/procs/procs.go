// Package procs starts the processes of a cluster so that none of them outlives
// this one, however it ends.
package procs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command is what is to be run.
type Command struct {
	Argv []string
	Env  []string // NAME=value, besides the environment of this process
	Dir  string
	Log  string // a file that output is appended to
}

// Process is a running command, the leader of a process group of its own.
type Process struct {
	cmd   *exec.Cmd
	guard *guard
	done  chan struct{}
	ended string // how; after done
}

// launcher is the thread that starts every process. The kernel ties a child's
// death signal to the thread that started it, so that thread must never end.
var launcher = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

func launch(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	launcher() <- func() { err <- cmd.Start() }
	return <-err
}

// Start starts the command. It and what it starts in its process group ends with
// this process.
func Start(c Command) (*Process, error) {
	if err := CheckPlatform(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", c.Argv[0], err)
	}
	defer log.Close()
	cmd := command(c)
	cmd.Stdout, cmd.Stderr = log, log
	if err := launch(cmd); err != nil {
		return nil, explain(c.Argv[0], err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	if p.guard, err = startGuard(cmd.Process.Pid); err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		return nil, err
	}
	go p.wait()
	return p, nil
}

// command puts the process into a group of its own, which dies with us.
func command(c Command) *exec.Cmd {
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = childAttr()
	return cmd
}

func explain(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("run %s: there is no such program; install it, or correct the command: %w", name, err)
	}
	return fmt.Errorf("run %s: %w", name, err)
}

// wait notes how the process ended, and ends the rest of its group.
func (p *Process) wait() {
	err := p.cmd.Wait()
	p.ended = "exit status 0"
	if err != nil {
		p.ended = err.Error()
	}
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	p.guard.release()
	close(p.done)
}

// PID is the process, and its group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Alive tells whether the process has not ended yet.
func (p *Process) Alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Ended says how the process ended; empty while it runs.
func (p *Process) Ended() string {
	if p.Alive() {
		return ""
	}
	return p.ended
}

// Signal sends a signal to the whole group. A process that has ended gets none.
func (p *Process) Signal(s syscall.Signal) error {
	if !p.Alive() {
		return nil
	}
	if err := syscall.Kill(-p.PID(), s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %v to process %d: %w", s, p.PID(), err)
	}
	return nil
}

// Kill ends the group at once and waits until the process is gone.
func (p *Process) Kill(ctx context.Context) error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	return p.Await(ctx)
}

// Await waits for the end.
func (p *Process) Await(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of process %d: %w", p.PID(), ctx.Err())
	}
}

// stateEvery is the pause between two looks at a process's state.
const stateEvery = 2 * time.Millisecond

// AwaitStopped waits until every thread of the process is stopped, or goes on.
func (p *Process) AwaitStopped(ctx context.Context, want bool) error {
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
		if err != nil {
			return fmt.Errorf("look at process %d: %w", p.PID(), err)
		}
		// The state follows the name, which may hold anything, in parentheses.
		_, state, _ := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
		if strings.HasPrefix(state, "T") == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until process %d is stopped or goes on: %w", p.PID(), ctx.Err())
		case <-time.After(stateEvery):
		}
	}
}

// Run runs a command to its end and returns what it printed. When ctx ends, so
// does its process group.
func Run(ctx context.Context, c Command) (string, error) {
	if err := CheckPlatform(); err != nil {
		return "", err
	}
	cmd := command(c)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // a grandchild may hold the pipe
	if err := launch(cmd); err != nil {
		return "", explain(c.Argv[0], err)
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-ctx.Done():
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		case <-ended:
		}
	}()
	err := cmd.Wait()
	if ctx.Err() != nil {
		return out.String(), fmt.Errorf("run %s: %w", strings.Join(c.Argv, " "), ctx.Err())
	}
	if err != nil {
		return out.String(), fmt.Errorf("run %s: %w: %s", filepath.Base(c.Argv[0]), err, lastLines(out.String(), 8))
	}
	return out.String(), nil
}

// tailBytes is how much of a log's end is looked at.
const tailBytes = 64 << 10

// Tail returns the last lines of a file, indented, for an error.
func Tail(path string, n int) string {
	f, err := os.Open(path)
	if err != nil {
		return "  (" + err.Error() + ")"
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-tailBytes), io.SeekStart)
	}
	b, err := io.ReadAll(bufio.NewReader(f))
	if err != nil {
		return "  (" + err.Error() + ")"
	}
	if len(b) == 0 {
		return "  (the log is empty)"
	}
	return lastLines(string(b), n)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	lines = lines[max(0, len(lines)-n):]
	return "  " + strings.Join(lines, "\n  ")
}
