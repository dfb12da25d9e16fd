//go:build !linux

package main

import "syscall"

// childAttr puts the child into a process group of its own, so that a Ctrl-C
// at the terminal reaches it once, through its parent.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// detached makes a process that outlives the one which starts it, and the
// terminal.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
