package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/ackproof/ackproof/internal/run"
)

// plainEvery is how often a line is printed where the output is no terminal.
const plainEvery = 5 * time.Second

// statusLine shows a run's status: one line that is drawn anew on a terminal,
// now and then a line elsewhere.
type statusLine struct {
	w        io.Writer
	terminal bool
	width    func() int
	last     time.Duration
	phase    string
	drawn    bool
	prefix   string // before everything else
}

func newStatusLine(w io.Writer) *statusLine {
	s := &statusLine{w: w, width: func() int { return 80 }, last: -plainEvery}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.terminal = true
		s.width = func() int {
			if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 20 {
				return n
			}
			return 80
		}
	}
	return s
}

func (s *statusLine) show(st run.Status) {
	text := s.prefix + statusText(st)
	if s.terminal {
		if r := []rune(text); len(r) >= s.width() {
			text = string(r[:s.width()-2]) + "…"
		}
		fmt.Fprintf(s.w, "\r\x1b[K%s", text)
		s.drawn = true
		return
	}
	if st.Phase != s.phase || st.Elapsed-s.last >= plainEvery {
		s.phase, s.last = st.Phase, st.Elapsed
		fmt.Fprintln(s.w, text)
	}
}

func (s *statusLine) clear() {
	if s.drawn {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

func statusText(st run.Status) string {
	active := "no fault"
	if len(st.Active) > 0 {
		active = strings.Join(st.Active, ", ")
	}
	anomalies := "no anomaly"
	if len(st.Anomalies) > 0 {
		var parts []string
		for _, f := range st.Anomalies {
			parts = append(parts, fmt.Sprintf("%s %d", f.Kind, f.Count))
		}
		anomalies = strings.Join(parts, ", ")
	}
	behind := fmt.Sprintf("checker %.1fs behind", st.Lag.Seconds())
	if st.Slowed {
		behind += ", clients wait for it"
	}
	return fmt.Sprintf("%5.1fs  %-6s  %6.0f ops/s  ok %d fail %d info %d  |  %s  |  %s  |  %s",
		st.Elapsed.Seconds(), st.Phase, st.Rate, st.OK, st.Fail, st.Info, active, anomalies, behind)
}
