package serve

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/soak"
)

// runPage is a run directory.
type runPage struct {
	frame
	Entry
	Summary string
	Files   []File
	Cut     bool // there are more files
	Others  []Entry
	Soak    string // the soak that it is a round of; empty: none
}

// File is a file of a run directory.
type File struct {
	Path string // in the store
	Name string // in the run directory
	Size int64
}

const (
	maxFiles   = 500
	maxSummary = 1 << 20 // bytes
	maxOthers  = 200     // runs offered for comparison
)

// find a run by the id in a request; false where there is none, and the answer
// was given.
func (s *Server) found(w http.ResponseWriter, r *http.Request) (Entry, bool) {
	id := strings.TrimSuffix(r.PathValue("id"), "/")
	if !fs.ValidPath(id) || !s.isRun(id) {
		s.fail(w, http.StatusNotFound, fmt.Sprintf("The store %s has no run %q.", s.store, id))
		return Entry{}, false
	}
	return s.entry(id), true
}

// isRun tells whether the id is that of a directory that the list shows.
func (s *Server) isRun(id string) bool {
	if strings.Count(id, "/") != 1 || strings.HasPrefix(id, ".") || strings.Contains(id, "/.") {
		return false
	}
	info, err := s.root.Lstat(id)
	return err == nil && info.IsDir()
}

// run shows a run directory.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	e, ok := s.found(w, r)
	if !ok {
		return
	}
	p := runPage{frame: newFrame(e.ID), Entry: e}
	if f, err := s.root.Open(e.ID + "/" + histories.SummaryFile); err == nil {
		b, _ := io.ReadAll(io.LimitReader(f, maxSummary)) // what cannot be read is not shown; the file is listed
		p.Summary = strings.ToValidUTF8(string(b), "�")
		_ = f.Close()
	}
	if _, err := s.root.Lstat(e.Name() + "/" + soak.FileName); err == nil {
		p.Soak = e.Name()
	}
	p.Files, p.Cut = s.files(e.ID)
	for _, o := range s.runs() {
		if o.ID != e.ID && o.HasPage && len(p.Others) < maxOthers {
			p.Others = append(p.Others, o)
		}
	}
	// The same seed makes the same operations and faults: those come first.
	slices.SortStableFunc(p.Others, func(a, b Entry) int {
		switch {
		case a.Seed == e.Seed && b.Seed != e.Seed:
			return -1
		case b.Seed == e.Seed && a.Seed != e.Seed:
			return 1
		}
		return 0
	})
	s.render(w, "run.html", &p)
}

// files lists the files of a run directory, those of its directories included.
func (s *Server) files(id string) (files []File, cut bool) {
	_ = fs.WalkDir(s.root.FS(), id, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir() && d.Name() == "data":
			return fs.SkipDir // the brokers' own files are none of the run's
		case len(files) >= maxFiles:
			cut = true
			return fs.SkipAll
		case d.Type().IsRegular():
			if info, err := d.Info(); err == nil {
				files = append(files, File{p, strings.TrimPrefix(p, id+"/"), info.Size()})
			}
		}
		return nil
	})
	return files, cut
}

// Policies of files. Anybody may have written them: a page of a run may draw
// itself, and can reach neither this server nor any other.
const (
	filePolicy = "default-src 'none'; sandbox"
	pagePolicy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
)

// file answers with a file of the store.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	id := firstParts(name, 2)
	if !fs.ValidPath(name) || !s.isRun(id) || name == id {
		s.fail(w, http.StatusNotFound, fmt.Sprintf("The store %s has no file %q.", s.store, name))
		return
	}
	info, err := s.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		s.fail(w, http.StatusNotFound, fmt.Sprintf("The store %s has no file %q.", s.store, name))
		return
	}
	f, err := s.root.Open(name)
	if err != nil {
		s.fail(w, http.StatusNotFound, fmt.Sprintf("%s cannot be read: %v", name, err))
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Security-Policy", filePolicy)
	switch path.Ext(name) {
	case ".html":
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Content-Type", "text/html; charset=utf-8")
	case ".zst":
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", "attachment")
	default:
		h.Set("Content-Type", "text/plain; charset=utf-8")
	}
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// firstParts returns the first n parts of a path.
func firstParts(p string, n int) string {
	parts := strings.SplitN(p, "/", n+1)
	return strings.Join(parts[:min(n, len(parts))], "/")
}
