package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// The Go runtime ends a process with status 2 when any goroutine panics, one
// of a library included, and 2 is our word for "unknown". So the command runs
// in a child that says unknown as childUnknown; a 2 from it is a panic.
const (
	childEnv     = "ACKPROOF_CHILD"
	childUnknown = 102
)

// supervise runs the command in a child process of its own and translates its
// exit code. Signals are passed on once; the child dies with its parent where
// the kernel can promise that.
func supervise(args []string, run func([]string) int) int {
	if os.Getenv(childEnv) != "" {
		os.Unsetenv(childEnv)
		if code := run(args); code != exitUnknown {
			return code
		}
		return childUnknown
	}
	code, err := again(args, (*exec.Cmd).Start)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ackproof: %v\n", err)
	}
	return code
}

// again runs the command in a child process, which start starts, and returns
// its exit code. An error says that there was none.
func again(args []string, start func(*exec.Cmd) error, env ...string) (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return exitInternal, fmt.Errorf("find the own executable: %w", err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), childEnv+"=1"), env...)
	cmd.SysProcAttr = childAttr()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	runtime.LockOSThread() // the death signal is tied to the thread that starts the child
	defer runtime.UnlockOSThread()
	defer signal.Stop(signals)
	if err := start(cmd); err != nil {
		return exitInternal, fmt.Errorf("start the child process: %w", err)
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	return translate(cmd.Wait()), nil
}

// translate maps how the child ended to our exit code.
func translate(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitValid
	case !errors.As(err, &exit):
		fmt.Fprintf(os.Stderr, "ackproof: wait for the child process: %v\n", err)
		return exitInternal
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		switch status.Signal() {
		case syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP: // of a command that has nothing to wind up
			return exitStopped
		case syscall.SIGPIPE: // who read the output has gone, and knows why
			return exitStopped
		}
	}
	switch code := exit.ExitCode(); code {
	case childUnknown:
		return exitUnknown
	case exitUnknown: // a panic
		fmt.Fprintln(os.Stderr, "ackproof: internal error (see the stack above); what was recorded is in the run directory and can be checked")
		return exitInternal
	case -1: // killed by a signal
		fmt.Fprintf(os.Stderr, "ackproof: %v\n", exit)
		return exitInternal
	default:
		return code
	}
}
