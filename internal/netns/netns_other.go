//go:build !linux

// Package netns gives a process a network namespace of its own, on Linux.
package netns

import (
	"errors"
	"os/exec"
)

// ErrRefused says that there are no network namespaces.
var ErrRefused = errors.New("only Linux has network namespaces")

// Start refuses.
func Start(*exec.Cmd) error { return ErrRefused }

// Up refuses.
func Up() error { return ErrRefused }
