//go:build !linux

package procs

import (
	"errors"
	"syscall"
)

// CheckPlatform refuses: the addresses of a cluster's nodes, 127.B.0.0/16, and
// the death of its processes with this one need Linux.
func CheckPlatform() error {
	return errors.New("clusters that ackproof starts need Linux; use the target embedded, or external:HOST:PORT with brokers that run already")
}

func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
