//go:build !linux

package kafkatest

import "syscall"

// childAttr has nothing to say: only Linux ties a child to its parent's life.
func childAttr() *syscall.SysProcAttr { return nil }
