package checker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ackproof/ackproof/checker/linear"
	"github.com/ackproof/ackproof/histories"
)

// A page shows a violation among the operations around it: fewer than a
// browser can bear, some of them later ones.
const (
	maxPages   = 16 // in all
	pageOps    = 250
	pageLater  = 50
	pageSearch = 5 * time.Second
)

// pages draws violations.
type pages struct {
	dir   string
	wants []*page
	kinds map[string]int
}

// page is a violation to be drawn once enough has happened after it.
type page struct {
	name  string
	log   *orderedLog
	v     linear.Violation
	until int64 // number of operations on the log to wait for
	ops   []linear.Op
}

// want asks for a page and returns its name, relative to the run directory;
// empty where none will be drawn.
func (p *pages) want(k Kind, l *orderedLog, v linear.Violation) string {
	if p.dir == "" || len(p.wants) >= maxPages {
		return ""
	}
	if p.kinds == nil {
		p.kinds = make(map[string]int)
	}
	stem := fmt.Sprintf("%s-log%d", k, l.key)
	p.kinds[stem]++
	w := &page{name: fmt.Sprintf("%s-%d.html", stem, p.kinds[stem]), log: l, v: v, until: l.order.Returned() + pageLater}
	p.wants = append(p.wants, w)
	return filepath.ToSlash(filepath.Join(filepath.Base(p.dir), w.name))
}

// collect takes the operations around the violations that have waited long
// enough, before the log forgets them.
func (p *pages) collect(l *orderedLog, last bool) {
	for _, w := range p.wants {
		if w.log == l && w.ops == nil && (last || l.order.Returned() >= w.until) {
			recent := l.order.Recent()
			w.ops = append([]linear.Op{}, recent[max(0, len(recent)-pageOps):]...)
		}
	}
}

// draw writes the pages.
func (p *pages) draw(c *linearizable) {
	for _, w := range p.wants {
		p.collect(w.log, true)
		ops := w.ops
		if c.env.Model == Session {
			ops = nil // nothing orders other sessions
		}
		var b bytes.Buffer
		err := linear.Draw(&b, w.v, ops, c.faults.marks(c.now), pageSearch)
		if err == nil {
			err = p.write(w.name, b.Bytes())
		}
		if err != nil {
			c.report.Unknown("", fmt.Sprintf("the page %s could not be made: %v", w.name, err))
		}
	}
}

// save keeps a window on which the two judges disagree.
func (p *pages) save(n int, w *linear.Window) (string, error) {
	if p.dir == "" {
		return "", nil
	}
	b, err := json.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("it could not be kept: %w", err)
	}
	name := fmt.Sprintf("disagreement-log%d-%d.json", w.Log, n)
	return name, p.write(name, b)
}

func (p *pages) write(name string, b []byte) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return fmt.Errorf("make the directory for windows: %w", err)
	}
	return os.WriteFile(filepath.Join(p.dir, name), b, 0o644)
}

// faultMarks remembers when faults were active, to mark them on the pages.
type faultMarks struct {
	all  []linear.Mark
	open map[int]int // by event: index into all
}

// maxMarks bounds the faults that are remembered.
const maxMarks = 1 << 12

func (f *faultMarks) observe(op *histories.Op) {
	if op.Event == nil {
		return
	}
	switch op.F {
	case histories.Inject:
		if len(f.all) >= maxMarks {
			return
		}
		if f.open == nil {
			f.open = make(map[int]int)
		}
		f.open[op.Event.ID] = len(f.all)
		f.all = append(f.all, linear.Mark{
			Name: op.Event.Fault, Details: fmt.Sprintf("on %v %s", op.Event.On, op.Event.Direction),
			From: int64(op.Time), To: linear.Inf,
		})
	case histories.Healed:
		if i, ok := f.open[op.Event.ID]; ok {
			f.all[i].To = int64(op.Time)
			delete(f.open, op.Event.ID)
		}
	}
}

// marks returns the faults; those that were never healed last until now.
func (f *faultMarks) marks(now int64) []linear.Mark {
	out := make([]linear.Mark, len(f.all))
	for i, m := range f.all {
		m.To = min(m.To, now)
		out[i] = m
	}
	return out
}
