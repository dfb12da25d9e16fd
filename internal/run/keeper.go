package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Keeper keeps one cluster for many runs, and starts another one where it was
// given up.
type Keeper struct {
	Spec Spec   // what of it is about the cluster
	Dir  string // where the clusters get directories of their own
	Name string // how those begin; with a dot in front they are no runs
	// Progress says what takes long before a start; nil: nobody listens.
	Progress func(line string)

	bed  *Bed
	n    int
	dirs []string
	logs []io.Closer
}

// Bed returns the cluster.
func (k *Keeper) Bed(ctx context.Context) (*Bed, error) {
	if k.bed != nil {
		return k.bed, nil
	}
	k.n++
	dir := filepath.Join(k.Dir, fmt.Sprintf("%s-%s-%d", k.Name, time.Now().UTC().Format("20060102T150405"), k.n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for the cluster: %w", err)
	}
	k.dirs = append(k.dirs, dir)
	cfg := BedConfig{DataDir: filepath.Join(dir, "data"), Progress: k.Progress}
	for name, w := range map[string]*io.Writer{"log.txt": &cfg.Log, "toxiproxy.log": &cfg.ToxiLog} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("create the log of the cluster: %w", err)
		}
		*w, k.logs = f, append(k.logs, f)
	}
	var err error
	if k.bed, err = OpenBed(ctx, k.Spec, cfg); err != nil {
		return nil, fmt.Errorf("start the cluster: %w", err)
	}
	return k.bed, nil
}

// Close ends the cluster, if there is one; Bed starts another.
func (k *Keeper) Close() error {
	var errs []error
	if k.bed != nil {
		errs = append(errs, k.bed.Close())
	}
	for _, f := range k.logs {
		errs = append(errs, f.Close())
	}
	k.bed, k.logs = nil, nil
	return errors.Join(errs...)
}

// Discard removes what the clusters left behind, data and logs, once they are
// closed.
func (k *Keeper) Discard() error {
	var errs []error
	for _, dir := range k.dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	k.dirs = nil
	return errors.Join(errs...)
}
