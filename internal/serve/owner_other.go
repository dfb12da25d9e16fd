//go:build !linux

package serve

import (
	"errors"
	"syscall"
)

func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// owner cannot be told here.
func owner(string) string { return "" }
