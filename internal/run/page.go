package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/page"
)

// savePage writes report.html: the verdict, and what was gathered by the read
// that it was judged from.
func (r *runner) savePage(v checker.Verdict, g *page.Gather) error {
	var b bytes.Buffer
	p := page.Run{
		Title: filepath.Base(filepath.Dir(r.dir)) + "/" + filepath.Base(r.dir), Header: r.header, Verdict: v,
		Scenario: r.spec.Scenario, Mutant: r.spec.Mutant, Repeat: r.opts.Repeat, Files: filesOf(r.dir),
	}
	if err := WritePage(&b, p, g, r.rec.Path()); err != nil {
		return err
	}
	return r.save(histories.ReportFile, b.Bytes())
}

// SavePage writes the page of a judged history to a file, which appears whole or
// not at all. Of standard input ("-") no operations around its anomalies are
// shown: it cannot be read again.
func SavePage(path string, p page.Run, g *page.Gather, history string) error {
	var b bytes.Buffer
	if err := WritePage(&b, p, g, history); err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b.Bytes(), 0o644); err != nil {
		return errors.Join(fmt.Errorf("write the page: %w", err), os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// WritePage writes the page of a judged history, which is looked into once more
// for the operations around its anomalies.
func WritePage(b *bytes.Buffer, p page.Run, g *page.Gather, history string) error {
	if !g.Whole() {
		return errors.New("write the page: what it draws was not gathered to the end; please report it with the history")
	}
	d := g.Snapshot()
	if history != "-" {
		var err error
		if p.Excerpts, err = page.Excerpts(history, p.Header, p.Verdict); err != nil {
			return err
		}
	}
	keys := make([][2]int, 0, len(p.Excerpts))
	for k := range p.Excerpts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	for _, k := range keys {
		d.Timelines = append(d.Timelines, p.Excerpts[k].Timeline)
	}
	return page.Write(b, p, d)
}

// filesOf lists what a run directory holds, for links.
func filesOf(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // links are a convenience
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); !e.IsDir() && n != histories.LiveFile && n != histories.ReportFile && !strings.HasPrefix(n, ".") {
			names = append(names, n)
		}
	}
	return names
}

// liveEvery is how often live.json is written.
const liveEvery = time.Second

// liveFile writes live.json until it is stopped, and takes it away then: a
// run that is over is told by its verdict.
type liveFile struct {
	path       string
	judging    atomic.Bool
	quit, done chan struct{}
}

// startLiveFile begins to write. What cannot be written is not shown: the run
// does not depend on it.
func (r *runner) startLiveFile(g *page.Gather) *liveFile {
	l := &liveFile{path: filepath.Join(r.dir, histories.LiveFile), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		tick := time.NewTicker(liveEvery)
		defer tick.Stop()
		before := r.snapshot()
		for {
			select {
			case <-tick.C:
			case <-l.quit:
				return
			}
			now := r.snapshot()
			l.write(liveState(now, before, *r.status.phase.Load(), l.judging.Load(), g))
			before = now
		}
	}()
	return l
}

func liveState(now, before Status, phase string, judging bool, g *page.Gather) page.Live {
	s := page.Live{
		Format: page.DataFormat, PID: os.Getpid(), State: page.Running, Phase: phase, Seconds: now.Elapsed.Seconds(),
		OK: now.OK, Fail: now.Fail, Info: now.Info, Lag: now.Lag.Seconds(), Active: strings.Join(now.Active, ", "), Data: g.Snapshot(),
	}
	for _, f := range now.Anomalies {
		s.Found = append(s.Found, page.Found{Kind: string(f.Kind), Count: f.Count})
	}
	if judging {
		s.State = page.Judging
	}
	if dt := (now.Elapsed - before.Elapsed).Seconds(); dt > 0 {
		s.Rate = float64(now.OK+now.Fail+now.Info-before.OK-before.Fail-before.Info) / dt
	}
	return s
}

// write replaces the file in one step.
func (l *liveFile) write(s page.Live) {
	b, err := json.Marshal(s)
	if err != nil {
		return
	}
	tmp := l.path + ".tmp"
	if os.WriteFile(tmp, b, 0o644) != nil || os.Rename(tmp, l.path) != nil {
		_ = os.Remove(tmp)
	}
}

// stop ends the writing; the run's other goroutines may still be at work.
func (l *liveFile) stop() error {
	if l == nil {
		return nil
	}
	close(l.quit)
	<-l.done
	if err := os.Remove(l.path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove %s: %w", histories.LiveFile, err)
	}
	return nil
}
