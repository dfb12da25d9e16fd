package soak

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/run"
)

// kept are the files of a round that passed: what was asked for, what was
// broken, what came of it, and the figures (in the verdict, and for people).
var kept = []string{histories.SpecFile, histories.PlanFile, histories.VerdictFile, histories.SummaryFile}

// essence removes everything of a run directory but what is kept of a round
// that passed.
func essence(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("tidy the round's directory: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !slices.Contains(kept, e.Name()) {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// full tells whether a run failed because nothing more can be written: the disk
// is full, the quota is used up, or a file may not grow any more.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// room is how many bytes the next round may write; 0: as many as it likes.
func (s *Soak) room() int64 {
	if s.File.DiskBudget == 0 {
		return 0
	}
	return max(1, s.File.DiskBudget-run.DirSize(s.Dir))
}

// keepBudget removes the oldest passing rounds until the soak's directory is
// within its budget. What did not pass is never removed: where that alone is
// too much, it is an error.
func (s *Soak) keepBudget() error {
	if s.File.DiskBudget == 0 {
		return nil
	}
	over := run.DirSize(s.Dir) - s.File.DiskBudget
	if over <= 0 {
		return nil
	}
	if left := over - s.makeRoom(over); left > 0 {
		return fmt.Errorf("the disk budget of %d bytes is exceeded by %d, and what is left are rounds that did not pass, and the brokers' data: raise it with --resume %s --disk-budget", s.File.DiskBudget, left, s.Dir)
	}
	return nil
}

// makeRoom removes the oldest passing rounds until so many bytes are free again,
// and returns how many are.
func (s *Soak) makeRoom(bytes int64) (freed int64) {
	for i := range s.File.Rounds {
		r := &s.File.Rounds[i]
		if freed >= bytes {
			break
		}
		if !r.Passed() || r.Kept == KeptNothing || r.Dir == "" {
			continue
		}
		dir := filepath.Join(s.Dir, r.Dir)
		n := run.DirSize(dir)
		if err := os.RemoveAll(dir); err != nil {
			s.say(fmt.Sprintf("remove round %d: %v", r.N, err))
			continue
		}
		freed += n
		r.Kept = KeptNothing
	}
	return freed
}
