package procs

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// guard is a shell that waits at a pipe whose other end only this process has.
// When this process dies, the pipe is at its end, and the shell kills the
// process group it was given: grandchildren too, which a death signal would not
// reach.
type guard struct {
	cmd  *exec.Cmd
	pipe io.Closer
}

// The shell is told "done" where the group has ended by itself.
const guardScript = `read -r word; [ "$word" = done ] || kill -s KILL -- "-$1" 2>/dev/null`

func startGuard(group int) (*guard, error) {
	cmd := exec.Command("/bin/sh", "-c", guardScript, "ackproof-guard", strconv.Itoa(group))
	// A group of its own: what is sent to ours, or to the one it guards, does not
	// concern it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the shell that ends a process group with ackproof: %w", err)
	}
	return &guard{cmd, pipe}, nil
}

// release ends the guard without a kill.
func (g *guard) release() {
	if w, ok := g.pipe.(io.Writer); ok {
		_, _ = io.WriteString(w, "done\n")
	}
	_ = g.pipe.Close()
	_ = g.cmd.Wait() // its status says nothing
}
