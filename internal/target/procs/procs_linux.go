package procs

import "syscall"

// CheckPlatform tells whether processes can be tied to this one here.
func CheckPlatform() error { return nil }

// childAttr makes a process group that dies with the thread that starts it.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
