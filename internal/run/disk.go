package run

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// DirSize is how many bytes the files of a directory hold, those of its
// directories included.
func DirSize(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // it went away meanwhile
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// diskEvery is how often the run directory is measured against its budget.
const diskEvery = 500 * time.Millisecond

// afterwards is how many times the history's size is still to be written once
// the main phase ends: the final reads, and the history as EDN.
const afterwards = 2

// usedUp is closed once the main phase has to end for the run directory to stay
// within its budget; nil, which is never closed, where there is none.
func (r *runner) usedUp(ctx context.Context) <-chan struct{} {
	budget := r.opts.DiskBudget
	if budget <= 0 {
		return nil
	}
	out := make(chan struct{})
	go func() {
		tick := time.NewTicker(diskEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			info, err := os.Stat(r.rec.Path())
			if err != nil {
				continue
			}
			if used := DirSize(r.dir); used+afterwards*info.Size() >= budget {
				r.remark(fmt.Sprintf("the disk budget of %d bytes is nearly used up: %d are written, and the end of the run needs about %d more", budget, used, afterwards*info.Size()))
				close(out)
				return
			}
		}
	}()
	return out
}
