package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/internal/soak"
)

// SoakEntry is a soak as the list shows it.
type SoakEntry struct {
	Name   string // its directory in the store
	State  string // valid, invalid, unknown, running, unfinished or broken
	Why    string // of a broken one
	Rounds int
	// How many rounds are so.
	Valid, Invalid, Unknown int
	Ended                   string
}

// soakPage is a soak with its rounds.
type soakPage struct {
	frame
	SoakEntry
	Elapsed, Limit time.Duration
	Sessions       int
	Seed           uint64
	Verdicts       []string // those that there are
	Verdict        string   // the one chosen; empty: all
	Kinds          []string
	Kind           string
	Shown          []soakRound
	Cut            []soakRound
	Live           string // the run that is under way; empty: none
}

// soakRound is a row of the page.
type soakRound struct {
	soak.Round
	State string
	ID    string // its run directory; empty: it is gone
	Said  string // what is to be said of it
}

// soaks lists the store's soaks, the newest first.
func (s *Server) soaks() []SoakEntry {
	names, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return nil
	}
	var out []SoakEntry
	for _, n := range names {
		if !n.IsDir() || strings.HasPrefix(n.Name(), ".") {
			continue
		}
		if _, err := s.root.Lstat(n.Name() + "/" + soak.FileName); err == nil {
			e, _ := s.soakEntry(n.Name())
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b SoakEntry) int { return strings.Compare(stampOf(b.Name), stampOf(a.Name)) })
	return out
}

// stampOf is the time at the end of a soak's name.
func stampOf(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

// soakEntry reads a soak. What is wrong with it stands in the entry.
func (s *Server) soakEntry(name string) (SoakEntry, *soak.File) {
	e := SoakEntry{Name: name}
	b, err := s.root.ReadFile(name + "/" + soak.FileName)
	var f *soak.File
	if err == nil {
		f, err = soak.Parse(b)
	}
	if err != nil {
		e.State, e.Why = broken, fmt.Sprintf("%s: %v", soak.FileName, err)
		return e, nil
	}
	e.Rounds, e.Ended = len(f.Rounds), f.Ended
	for i := range f.Rounds {
		switch state(&f.Rounds[i]) {
		case "valid":
			e.Valid++
		case "invalid":
			e.Invalid++
		default:
			e.Unknown++
		}
	}
	switch {
	case f.Ended != "":
		e.State = f.Worst().String()
	case s.underWay(name) != "":
		e.State = running
	default:
		e.State = unfinished
	}
	return e, f
}

func state(r *soak.Round) string { return r.Verdict().String() }

// underWay is the run of the soak that is under way; empty: none.
func (s *Server) underWay(name string) string {
	dirs, err := fs.ReadDir(s.root.FS(), name)
	if err != nil {
		return ""
	}
	for _, d := range slices.Backward(dirs) {
		if d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			if id := path.Join(name, d.Name()); s.entry(id).State == running {
				return id
			}
			return ""
		}
	}
	return ""
}

// soak shows a soak's rounds.
func (s *Server) soak(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(r.PathValue("name"), "/")
	_, err := s.root.Lstat(name + "/" + soak.FileName)
	if !fs.ValidPath(name) || strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, ".") || errors.Is(err, fs.ErrNotExist) {
		s.fail(w, http.StatusNotFound, fmt.Sprintf("The store %s has no soak %q.", s.store, name))
		return
	}
	q := r.URL.Query()
	p := soakPage{frame: newFrame(name), Verdict: q.Get("verdict"), Kind: q.Get("kind")}
	var f *soak.File
	if p.SoakEntry, f = s.soakEntry(name); f != nil {
		p.Elapsed, p.Limit = time.Duration(f.Elapsed).Round(time.Second), time.Duration(f.Limit)
		p.Sessions, p.Seed = f.Sessions, f.Seed
		p.Live = s.underWay(name)
		for i := range f.Rounds {
			p.add(s, &f.Rounds[i])
		}
		for i := range f.Cut {
			p.Cut = append(p.Cut, s.soakRound(name, &f.Cut[i]))
		}
		slices.Sort(p.Verdicts)
		slices.Sort(p.Kinds)
	}
	s.render(w, "soak.html", &p)
}

// add takes a round in, where it is one of those chosen.
func (p *soakPage) add(s *Server, r *soak.Round) {
	row := s.soakRound(p.Name, r)
	if !slices.Contains(p.Verdicts, row.State) {
		p.Verdicts = append(p.Verdicts, row.State)
	}
	chosen := p.Kind == ""
	for _, k := range r.Kinds {
		if !slices.Contains(p.Kinds, string(k)) {
			p.Kinds = append(p.Kinds, string(k))
		}
		chosen = chosen || string(k) == p.Kind
	}
	if chosen && (p.Verdict == "" || p.Verdict == row.State) {
		p.Shown = append(p.Shown, row)
	}
}

func (s *Server) soakRound(name string, r *soak.Round) soakRound {
	row := soakRound{Round: *r, State: state(r)}
	if row.Usage == nil {
		row.Usage = &soak.Usage{}
	}
	if id := path.Join(name, r.Dir); r.Kept != soak.KeptNothing && r.Dir != "" && fs.ValidPath(id) && s.isRun(id) {
		row.ID = id
	}
	row.Said = r.Error
	if row.Said == "" && row.State != "valid" {
		row.Said = r.Why
	}
	return row
}

// KindList names the round's violations.
func (r soakRound) KindList() []string {
	out := make([]string, len(r.Kinds))
	for i, k := range r.Kinds {
		out[i] = string(k)
	}
	return out
}

// Megabytes of a number of bytes.
func (soakRound) Megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
