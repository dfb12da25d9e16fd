//go:build unix

package kafkadist

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks the file, unless somebody has.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
