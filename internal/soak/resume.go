package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/run"
)

// Resume takes up a soak where its last whole round ended. What is odd about
// its directory is said through o.Progress: a file that had to be replaced by
// the one before, rounds that broke off.
func Resume(dir string, o Options) (*Soak, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, &run.Refused{Err: fmt.Errorf("resume a soak: %w", err)}
	} else if !info.IsDir() {
		return nil, &run.Refused{Err: fmt.Errorf("resume a soak: %s is no directory", dir)}
	}
	dir = filepath.Clean(dir)
	s := &Soak{Dir: dir, opts: o}
	var err error
	if s.File, err = s.load(); err != nil {
		return nil, &run.Refused{Err: err}
	}
	if err := s.File.runnable(); err != nil {
		return nil, &run.Refused{Err: fmt.Errorf("soak %s: %w", dir, err)}
	}
	for i := range s.File.Specs { // the directory may have been moved
		s.File.Specs[i].Name = filepath.Base(dir)
	}
	if s.lock, err = lock(dir); err != nil {
		return nil, err
	}
	s.lookAtRounds()
	if err := s.takeIn(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, s.File.save(dir)
}

// load reads soak.json, and the one before where it cannot be read.
func (s *Soak) load() (*File, error) {
	f, err := Read(s.Dir)
	if err == nil {
		return f, nil
	}
	before, perr := readFile(filepath.Join(s.Dir, prevName))
	if perr != nil {
		return nil, fmt.Errorf("resume: %w; nor does %s help: %w", err, prevName, perr)
	}
	s.say(fmt.Sprintf("%s; going on from %s, which tells of %d rounds", sentence(err), prevName, len(before.Rounds)))
	return before, nil
}

// lookAtRounds says which rounds' directories are not what soak.json says.
func (s *Soak) lookAtRounds() {
	for i := range s.File.Rounds {
		r := &s.File.Rounds[i]
		if r.Kept == KeptNothing || r.Dir == "" || r.Error != "" {
			continue
		}
		if _, err := readVerdict(filepath.Join(s.Dir, r.Dir)); err != nil {
			s.say(fmt.Sprintf("round %d: %v; what %s says of it stands", r.N, err, FileName))
		}
	}
}

// takeIn looks at run directories that soak.json does not know: a round that was
// whole when the soak was killed is taken in, one that broke off is judged as
// far as it goes and will be made again, unless it convicts.
func (s *Soak) takeIn() error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	known := map[string]bool{}
	for _, list := range [][]Round{s.File.Rounds, s.File.Cut} {
		for i := range list {
			known[list[i].Dir] = true
		}
	}
	for _, e := range entries { // by name, and so by time
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !known[e.Name()] {
			s.takeInRound(e.Name())
		}
	}
	return nil
}

// takeInRound looks at one directory that soak.json does not know.
func (s *Soak) takeInRound(name string) {
	dir := filepath.Join(s.Dir, name)
	n := s.File.next()
	r := Round{N: n, Dir: name, Kept: KeptAll, Kinds: []checker.Kind{}}
	spec, err := run.ReadSpec(filepath.Join(dir, histories.SpecFile))
	if err != nil {
		r.Error = "it broke off before it began: " + sentence(err)
		s.cut(r)
		return
	}
	r.Seed, r.Scenario, r.Repeat = spec.Seed, spec.Scenario, s.repeat(spec)
	if spec.Seed != s.File.spec(n).Seed { // of a round before; its number is found by the seed
		i := slices.IndexFunc(s.File.Rounds, func(o Round) bool { return o.Seed == spec.Seed })
		if i < 0 {
			s.say(fmt.Sprintf("%s: seed %d is that of no round of this soak: left alone", dir, spec.Seed))
			return
		}
		r.N = s.File.Rounds[i].N
	}
	v, err := readVerdict(dir)
	if err == nil && r.N == n {
		r.judged(v)
		if r.Passed() && essence(dir) == nil {
			r.Kept = KeptEssence
		}
		s.say(fmt.Sprintf("round %d was whole, and only its line was missing", n))
		s.File.Rounds = append(s.File.Rounds, r)
		return
	}
	s.judgeCut(&r, dir, spec)
	if r.Convicted() && r.N == n {
		r.Error = "it broke off when the soak was killed"
		s.say(fmt.Sprintf("round %d broke off, and what it recorded convicts: %s", n, r.finding()))
		s.File.Rounds = append(s.File.Rounds, r)
		return
	}
	s.cut(r)
}

// judgeCut judges what a round recorded before it broke off.
func (s *Soak) judgeCut(r *Round, dir string, spec run.Spec) {
	_ = os.Remove(filepath.Join(dir, histories.LiveFile))
	v, err := run.CheckFile(dir, checker.Options{Model: spec.Model, MinAcked: spec.MinAcked})
	if err != nil {
		r.Error = "it broke off: " + sentence(err)
		return
	}
	r.judged(v)
	if err := os.WriteFile(filepath.Join(dir, histories.VerdictFile), run.EncodeVerdict(v), 0o644); err != nil {
		r.Error = sentence(err)
	}
}

func (s *Soak) cut(r Round) {
	s.say(fmt.Sprintf("round %d (%s) broke off when the soak was killed; what it recorded is kept, and the round is made again", r.N, r.Dir))
	s.File.Cut = append(s.File.Cut, r)
}

// readVerdict reads the verdict of a run directory.
func readVerdict(dir string) (v checker.Verdict, err error) {
	path := filepath.Join(dir, histories.VerdictFile)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v, fmt.Errorf("%s has no %s", dir, histories.VerdictFile)
	case err != nil:
		return v, err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("verdict %s: %w", path, err)
	}
	return v, nil
}
