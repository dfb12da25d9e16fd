// Package soak makes round after round on one cluster, for hours: each with a
// seed, topics and a directory of its own, each judged, and all of them told in
// one file from which a soak that was killed goes on.
package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/seed"
)

// Files of a soak's directory. Its rounds are run directories in it.
const (
	FileName  = "soak.json"
	prevName  = "soak.json.prev" // as it was a round before
	TableName = "soak.txt"
	lockName  = ".lock"
)

// Format is the version of soak.json.
const Format = 1

// File is soak.json: what was asked for, and what came of it so far. It is
// replaced as a whole after every round.
type File struct {
	Format  int    `json:"format"`
	Tool    string `json:"tool"`
	Started string `json:"started"` // RFC 3339
	// Seed is what the rounds' seeds are derived from.
	Seed uint64 `json:"seed"`
	// Specs are those of the rounds, in turn; one for each scenario. Their seeds
	// are the soak's.
	Specs      []run.Spec   `json:"specs"`
	Limit      run.Duration `json:"time_limit"`            // no round begins after it
	DiskBudget int64        `json:"disk_budget,omitempty"` // bytes of the soak's directory; 0: no limit
	KeepGoing  bool         `json:"keep_going,omitempty"`  // also after a conviction
	// Elapsed is how long the soak was at work, over all its sessions.
	Elapsed  run.Duration `json:"elapsed"`
	Sessions int          `json:"sessions"` // 1, and one more each time it was resumed
	Rounds   []Round      `json:"rounds"`
	// Cut are the rounds that broke off when the soak was killed. They are made
	// again.
	Cut []Round `json:"cut,omitempty"`
	// Ended says why the soak is over; empty while it goes on, or was killed.
	Ended string `json:"ended,omitempty"`
}

// Round is what became of one round.
type Round struct {
	N        int              `json:"n"` // from 1
	Seed     uint64           `json:"seed"`
	Scenario string           `json:"scenario,omitempty"`
	Dir      string           `json:"dir"` // its name in the soak's directory
	Valid    checker.Validity `json:"valid"`
	Kinds    []checker.Kind   `json:"kinds"`           // the violations
	Why      string           `json:"why,omitempty"`   // the first reason of an unknown verdict
	Error    string           `json:"error,omitempty"` // how the harness failed
	Repeat   string           `json:"repeat"`          // the command that makes it again
	Seconds  float64          `json:"seconds"`         // from its begin to its verdict
	Ops      int64            `json:"ops"`
	Rate     float64          `json:"ops_per_s"` // over the whole history
	Acked    int64            `json:"acked"`
	Faults   int              `json:"faults"` // proven to have bitten and healed
	Kept     Kept             `json:"kept"`
	Usage    *Usage           `json:"usage,omitempty"` // nil: it was not taken
}

// Kept is how much of a round's directory is left.
type Kept string

// What is kept of rounds: everything, unless they passed; then the essence,
// and where the disk budget is used up nothing.
const (
	KeptAll     Kept = "all"
	KeptEssence Kept = "essence"
	KeptNothing Kept = "nothing"
)

// Usage is what this process held after a round, its garbage collected.
type Usage struct {
	Anon       int64 `json:"anon_bytes"`      // anonymous memory that is resident
	AnonPeak   int64 `json:"anon_peak_bytes"` // the most during the round
	Heap       int64 `json:"heap_bytes"`      // live objects of the Go heap
	Goroutines int   `json:"goroutines"`
	FDs        int   `json:"fds"`
	Threads    int   `json:"threads"`
	Disk       int64 `json:"disk_bytes"` // of the soak's directory, brokers' data included
}

// Passed tells whether nothing of the round needs to be looked at again.
func (r *Round) Passed() bool { return r.Valid == checker.Valid && r.Error == "" }

// Convicted tells whether the round found a violation.
func (r *Round) Convicted() bool { return r.Valid == checker.Invalid }

// Verdict is the round in one word: a verdict that says valid does not make up
// for a harness that failed.
func (r *Round) Verdict() checker.Validity {
	if r.Valid == checker.Valid && r.Error != "" {
		return checker.Unknown
	}
	return r.Valid
}

// Worst is the soak in one word: invalid before unknown before valid. A round
// that broke off and was made again counts where it convicts.
func (f *File) Worst() checker.Validity {
	worst := checker.Valid
	if len(f.Rounds) == 0 {
		worst = checker.Unknown
	}
	for i := range f.Rounds {
		switch f.Rounds[i].Verdict() {
		case checker.Invalid:
			return checker.Invalid
		case checker.Unknown:
			worst = checker.Unknown
		}
	}
	for i := range f.Cut {
		if f.Cut[i].Convicted() {
			return checker.Invalid
		}
	}
	return worst
}

// spec is that of the n-th round, from 1. Its seed is exact in every JSON reader.
func (f *File) spec(n int) run.Spec {
	s := f.Specs[(n-1)%len(f.Specs)]
	s.Seed = uint64(seed.Seed(f.Seed).Derive("round "+strconv.Itoa(n))) >> 11
	return s
}

// next is the number of the round to be made next.
func (f *File) next() int {
	if len(f.Rounds) == 0 {
		return 1
	}
	return f.Rounds[len(f.Rounds)-1].N + 1
}

// check refuses what no soak can go on from.
func (f *File) check() error {
	switch {
	case f.Format != Format:
		return fmt.Errorf("field format is %d; this version reads %d", f.Format, Format)
	case len(f.Specs) == 0:
		return errors.New("field specs is empty: it does not say what the rounds are")
	case f.Limit <= 0:
		return errors.New("field time_limit is missing")
	}
	for i := range f.Rounds {
		if f.Rounds[i].N != i+1 {
			return fmt.Errorf("rounds[%d] is round %d", i, f.Rounds[i].N)
		}
	}
	return nil
}

// runnable refuses specs that cannot be run here.
func (f *File) runnable() error {
	for i, s := range f.Specs {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("specs[%d]: %w", i, err)
		}
	}
	return nil
}

// Read reads the soak.json of a directory.
func Read(dir string) (*File, error) { return readFile(filepath.Join(dir, FileName)) }

func readFile(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the soak: %w", err)
	}
	f, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("soak %s: %w", path, err)
	}
	return f, nil
}

// Parse reads a soak.json to be looked at: whether its specs can be run here is
// not asked.
func Parse(b []byte) (*File, error) {
	var f File
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	return &f, f.check()
}

// save replaces soak.json in one step, and keeps the one before.
func (f *File) save(dir string) error {
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("save the soak: %w", err)
	}
	path := filepath.Join(dir, FileName)
	tmp := path + ".tmp"
	if err := writeSynced(tmp, append(b, '\n')); err != nil {
		return errors.Join(fmt.Errorf("save the soak: %w", err), os.Remove(tmp))
	}
	prev := filepath.Join(dir, prevName)
	_ = os.Remove(prev)
	_ = os.Link(path, prev) // a convenience: nothing depends on it while soak.json is whole
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("save the soak: %w", err)
	}
	return nil
}

// writeSynced writes a file that is on the disk when it returns.
func writeSynced(path string, b []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// stamp is a moment as names of directories have it.
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
