//go:build unix

package soak

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ackproof/ackproof/internal/run"
)

// lockPatience is how long a directory may still be held by a process that was
// killed a moment ago.
const lockPatience = 3 * time.Second

// lock takes a soak's directory for this process; the kernel lets it go when
// the process ends, however it does.
func lock(dir string) (*os.File, error) { return lockFor(dir, lockPatience) }

// lockFor is lock with its patience.
func lockFor(dir string, patience time.Duration) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the soak: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for begun := time.Now(); errors.Is(err, syscall.EWOULDBLOCK) && time.Since(begun) < patience; {
		time.Sleep(50 * time.Millisecond)
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &run.Refused{Err: fmt.Errorf("%s: another process is at work on this soak", dir)}
		}
		return nil, fmt.Errorf("lock the soak %s: %w", dir, err)
	}
	return f, nil
}
