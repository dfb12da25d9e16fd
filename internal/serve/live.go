package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/page"
)

const (
	lookEvery = 250 * time.Millisecond // at a run's live.json
	beatEvery = 10 * time.Second       // so that a browser that left is noticed
	maxLive   = 32 << 20               // bytes of live.json
)

// livePage is the page of a run while it lasts.
type livePage struct {
	frame
	Entry
}

// live shows a run while it lasts. One that is over has a page of its own.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	e, ok := s.found(w, r)
	if !ok {
		return
	}
	if e.State != running {
		http.Redirect(w, r, "/run/"+escapePath(e.ID), http.StatusSeeOther)
		return
	}
	state, _, err := s.state(e.ID, time.Time{})
	if err != nil || state == nil {
		s.fail(w, http.StatusServiceUnavailable, "The run has begun, and has shown nothing yet: load the page again.")
		return
	}
	p := livePage{frame: newFrame("Live: " + e.ID), Entry: e}
	p.Mode = "live"
	if p.Data, err = page.Embed(json.RawMessage(state)); err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.render(w, "live.html", &p)
}

// state reads live.json where it is newer than what was read before.
func (s *Server) state(id string, before time.Time) (state []byte, at time.Time, err error) {
	name := id + "/" + histories.LiveFile
	info, err := s.root.Stat(name)
	if err != nil || info.ModTime().Equal(before) || info.Size() > maxLive || !info.Mode().IsRegular() {
		return nil, before, err
	}
	b, err := s.root.ReadFile(name)
	if err != nil {
		return nil, before, err
	}
	var l page.Live
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, before, fmt.Errorf("read %s: %w", name, err)
	}
	if l.Format != page.DataFormat {
		return nil, before, fmt.Errorf("read %s: format %d, this version reads %d", name, l.Format, page.DataFormat)
	}
	var one bytes.Buffer // on one line, as events are
	if err := json.Compact(&one, b); err != nil {
		return nil, before, err
	}
	return one.Bytes(), info.ModTime(), nil
}

// events tells a live page whatever the run has written anew, and the end.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	e, ok := s.found(w, r)
	if !ok {
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, fmt.Sprintf("%d live pages are being followed, there is no room for more", maxStreams), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := &stream{w: w, control: http.NewResponseController(w)}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for at := (time.Time{}); ; {
		state, when, err := s.state(e.ID, at)
		at = when
		switch now := s.entry(e.ID); {
		case now.State != running:
			end, _ := json.Marshal(map[string]string{"verdict": now.State, "why": now.Why})
			out.send("end", end)
			return
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			end, _ := json.Marshal(map[string]string{"verdict": broken, "why": err.Error()})
			out.send("end", end)
			return
		case state != nil:
			out.send("state", state)
		case time.Since(out.last) > beatEvery:
			out.comment()
		}
		if out.err != nil || !tickOrEnd(r.Context(), tick) {
			return
		}
	}
}

// tickOrEnd waits; false where the browser has gone or the server ends.
func tickOrEnd(ctx context.Context, tick *time.Ticker) bool {
	select {
	case <-tick.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// stream writes server-sent events until the first error.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	last    time.Time
	err     error
}

func (s *stream) send(event string, data []byte) {
	s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", event, data))
}

func (s *stream) comment() { s.write(": here\n\n") }

func (s *stream) write(text string) {
	if s.err != nil {
		return
	}
	if _, s.err = s.w.Write([]byte(text)); s.err == nil {
		s.err = s.control.Flush()
	}
	s.last = time.Now()
}
