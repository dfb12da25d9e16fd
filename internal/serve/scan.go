package serve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// Entry is a run directory as the list shows it.
type Entry struct {
	ID       string // its path in the store: name/timestamp
	Target   string
	Workload string
	Scenario string
	Mutant   string
	Seed     uint64
	State    string // valid, invalid, unknown, running, unfinished or broken
	Why      string // of a broken one
	Kinds    []string
	Ops      int64
	Acked    int64
	HasPage  bool
}

// States of an entry beside those of verdicts.
const (
	running    = "running"    // live.json is being written
	unfinished = "unfinished" // it has no verdict, and nobody is making one
	broken     = "broken"     // it cannot be read
)

// stale is how old live.json may be while the run lasts.
const stale = 15 * time.Second

// Name is the run's name, Stamp the time in its directory's name.
func (e *Entry) Name() string { return path.Dir(e.ID) }

// Stamp is the last part of the run's path.
func (e *Entry) Stamp() string { return path.Base(e.ID) }

// cache keeps what was read, for as long as the files stay as they are.
type cache struct {
	mu   sync.Mutex
	runs map[string]cached
}

type cached struct {
	files [4]mark // as they were when the entry was read
	entry Entry
}

// mark tells one state of a file from another.
type mark struct {
	size int64
	at   time.Time
}

// runs lists the store's runs, newest first.
func (s *Server) runs() []Entry {
	ids := s.find()
	out := make([]Entry, len(ids))
	var work sync.WaitGroup
	next := make(chan int)
	for range max(2, runtime.NumCPU()) {
		work.Go(func() {
			for i := range next {
				out[i] = s.entry(ids[i])
			}
		})
	}
	for i := range ids {
		next <- i
	}
	close(next)
	work.Wait()
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Stamp(), a.Stamp()), cmp.Compare(a.ID, b.ID))
	})
	s.cache.forget(ids)
	return out
}

// find lists the run directories: name/timestamp, each a directory of its own.
// Links, such as latest, lead to runs that are listed anyway.
func (s *Server) find() []string {
	var ids []string
	names, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return nil
	}
	for _, n := range names {
		if !n.IsDir() || strings.HasPrefix(n.Name(), ".") {
			continue
		}
		stamps, err := fs.ReadDir(s.root.FS(), n.Name())
		if err != nil {
			ids = append(ids, n.Name()) // its entry says why it cannot be read
			continue
		}
		for _, d := range stamps {
			if d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
				ids = append(ids, n.Name()+"/"+d.Name())
			}
		}
	}
	return ids
}

// entry reads a run directory, or remembers it.
func (s *Server) entry(id string) Entry {
	var now [4]mark
	dir, err := s.root.OpenRoot(id) // once: each file is one step away then
	if err != nil {
		return Entry{ID: id, State: broken, Why: err.Error()}
	}
	defer dir.Close()
	for i, name := range []string{histories.SpecFile, histories.VerdictFile, histories.ReportFile, histories.LiveFile} {
		if info, err := dir.Stat(name); err == nil {
			now[i] = mark{info.Size(), info.ModTime()}
		}
	}
	s.cache.mu.Lock()
	known, ok := s.cache.runs[id]
	s.cache.mu.Unlock()
	live := now[3].at
	now[3] = mark{}
	if !ok || known.files != now {
		known = cached{now, read(dir, id)}
		known.entry.HasPage = now[2] != (mark{})
		s.cache.mu.Lock()
		if s.cache.runs == nil {
			s.cache.runs = map[string]cached{}
		}
		s.cache.runs[id] = known
		s.cache.mu.Unlock()
	}
	e := known.entry
	if e.State == unfinished && time.Since(live) < stale {
		e.State = running
	}
	return e
}

// forget drops the directories that are gone.
func (c *cache) forget(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.runs) <= len(ids) {
		return
	}
	there := make(map[string]bool, len(ids))
	for _, id := range ids {
		there[id] = true
	}
	for id := range c.runs {
		if !there[id] {
			delete(c.runs, id)
		}
	}
}

// read reads a run directory. What is wrong with it stands in the entry.
func read(dir *os.Root, id string) Entry {
	e := Entry{ID: id, State: unfinished}
	b, err := dir.ReadFile(histories.SpecFile)
	if err != nil {
		return e.broken(histories.SpecFile, err)
	}
	var spec struct {
		Target, Workload, Scenario, Mutant string
		Seed                               uint64
	}
	if err := json.Unmarshal(b, &spec); err != nil {
		return e.broken(histories.SpecFile, err)
	}
	e.Target, e.Workload, e.Scenario, e.Mutant, e.Seed = spec.Target, spec.Workload, spec.Scenario, spec.Mutant, spec.Seed
	b, err = dir.ReadFile(histories.VerdictFile)
	if errors.Is(err, fs.ErrNotExist) {
		return e
	}
	if err != nil {
		return e.broken(histories.VerdictFile, err)
	}
	v, err := readHead(b)
	if err != nil {
		return e.broken(histories.VerdictFile, err)
	}
	e.State, e.Ops, e.Acked = v.Valid.String(), v.Judged.Ops, v.Judged.Acked
	for _, a := range v.Anomalies {
		if !slices.Contains(e.Kinds, string(a.Kind)) {
			e.Kinds = append(e.Kinds, string(a.Kind))
		}
	}
	return e
}

func (e Entry) broken(file string, err error) Entry {
	e.State = broken
	why := err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		why = "it is not there: this is no run directory, or the run ended before it began"
	}
	e.Why = fmt.Sprintf("%s: %s", file, why)
	return e
}

// head is what the list needs of a verdict.
type head struct {
	Valid     checker.Validity
	Judged    checker.Judged
	Anomalies []struct {
		Kind      checker.Kind
		AllowedBy string
		Count     int64
	}
}

// readHead reads the head of verdict.json: its longer half, faults and
// statistics, is not looked at, but has to be there.
func readHead(b []byte) (head, error) {
	var h head
	trimmed := strings.TrimRight(string(b[max(0, len(b)-8):]), " \n\r\t")
	if !strings.HasSuffix(trimmed, "}") {
		return h, errors.New("it breaks off: its writer was killed, or the disk was full")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return h, errors.New("it is no JSON object")
	}
	for wanted := 3; wanted > 0 && dec.More(); {
		key, err := dec.Token()
		if err != nil {
			return h, err
		}
		var into any
		switch key {
		case "valid":
			into = &h.Valid
		case "judged":
			into = &h.Judged
		case "anomalies":
			into = &h.Anomalies
		default:
			into = new(json.RawMessage)
			wanted++
		}
		wanted--
		if err := dec.Decode(into); err != nil {
			return h, fmt.Errorf("%v: %w", key, err)
		}
	}
	return h, nil
}
