//go:build unix

package soak

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ackproof/ackproof/internal/run"
)

// lock takes a soak's directory for this process; the kernel lets it go when
// the process ends, however it does.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the soak: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &run.Refused{Err: fmt.Errorf("%s: another process is at work on this soak", dir)}
		}
		return nil, fmt.Errorf("lock the soak %s: %w", dir, err)
	}
	return f, nil
}
