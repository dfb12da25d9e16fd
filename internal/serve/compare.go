package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/page"
)

// comparePage shows two runs side by side.
type comparePage struct {
	frame
	A, B    side
	Seeds   string // why the runs cannot be expected to be alike; empty: they have one seed
	Ops     []opPair
	Phases  []phasePair
	Kinds   []kindPair
	Figures []figure
}

// side is one of the two.
type side struct {
	Entry
	verdict checker.Verdict
	stats   checker.Stats
	data    page.Data
}

// opPair is an operation on both sides, nil where it is not.
type opPair struct {
	F    string
	A, B *checker.OpStats
}

// phasePair is a phase on both sides.
type phasePair struct {
	Name string
	A, B *checker.SpanStats
}

// kindPair is how often a kind of anomaly was found.
type kindPair struct {
	Kind string
	A, B int64
}

// figure is a number of both runs.
type figure struct {
	Name string
	A, B int64
}

// compare shows two runs side by side.
func (s *Server) compare(w http.ResponseWriter, r *http.Request) {
	var two [2]side
	for i, name := range []string{"a", "b"} {
		var err error
		if two[i], err = s.side(r.URL.Query(), name); err != nil {
			s.fail(w, http.StatusNotFound, err.Error())
			return
		}
	}
	a, b := &two[0], &two[1]
	p := comparePage{frame: newFrame("Compare " + a.ID + " with " + b.ID), A: *a, B: *b}
	p.Mode = "compare"
	if a.Seed != b.Seed {
		p.Seeds = "Their seeds differ: they asked different things, and different faults were drawn."
	}
	p.pair(a, b)
	var err error
	if p.Data, err = page.Embed(map[string]page.Data{"a": a.data, "b": b.data}); err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.render(w, "compare.html", &p)
}

// side reads one of the two runs.
func (s *Server) side(q url.Values, name string) (side, error) {
	id := q.Get(name)
	if !s.isRun(id) {
		return side{}, fmt.Errorf("the store %s has no run %q; compare wants two: /compare?a=NAME/TIME&b=NAME/TIME", s.store, id)
	}
	out := side{Entry: s.entry(id)}
	b, err := s.root.ReadFile(id + "/" + histories.VerdictFile)
	if err != nil {
		return out, fmt.Errorf("%s cannot be compared: %w", id, err)
	}
	if err := json.Unmarshal(b, &out.verdict); err != nil {
		return out, fmt.Errorf("%s cannot be compared: its verdict: %w", id, err)
	}
	_ = json.Unmarshal(out.verdict.Stats, &out.stats) // absent statistics are absent rows
	f, err := s.root.Open(id + "/" + histories.ReportFile)
	if err != nil {
		return out, fmt.Errorf("%s cannot be compared: %w", id, err)
	}
	defer f.Close()
	if out.data, err = page.Extract(f); err != nil {
		return out, fmt.Errorf("%s cannot be compared: %w", id, err)
	}
	out.data.Timelines = nil
	return out, nil
}

// pair puts what belongs together into rows.
func (p *comparePage) pair(a, b *side) {
	for i, side := range []*side{a, b} {
		for _, o := range side.stats.Ops {
			k := slices.IndexFunc(p.Ops, func(x opPair) bool { return x.F == o.F })
			if k < 0 {
				k = len(p.Ops)
				p.Ops = append(p.Ops, opPair{F: o.F})
			}
			*[]**checker.OpStats{&p.Ops[k].A, &p.Ops[k].B}[i] = &o
		}
		for _, s := range side.stats.Phases {
			k := slices.IndexFunc(p.Phases, func(x phasePair) bool { return x.Name == s.Name })
			if k < 0 {
				k = len(p.Phases)
				p.Phases = append(p.Phases, phasePair{Name: s.Name})
			}
			*[]**checker.SpanStats{&p.Phases[k].A, &p.Phases[k].B}[i] = &s
		}
		for _, n := range side.verdict.Anomalies {
			name := string(n.Kind)
			if n.AllowedBy != "" {
				name += " (allowed by " + n.AllowedBy + ")"
			}
			k := slices.IndexFunc(p.Kinds, func(x kindPair) bool { return x.Kind == name })
			if k < 0 {
				k = len(p.Kinds)
				p.Kinds = append(p.Kinds, kindPair{Kind: name})
			}
			*[]*int64{&p.Kinds[k].A, &p.Kinds[k].B}[i] += n.Count
		}
	}
	x, y := a.verdict.Judged, b.verdict.Judged
	p.Figures = []figure{
		{"operations judged", x.Ops, y.Ops}, {"records sent", x.Records, y.Records}, {"acknowledged", x.Acked, y.Acked},
		{"logs", x.Logs, y.Logs}, {"porcupine windows", x.Windows, y.Windows}, {"faults", int64(len(a.verdict.Faults)), int64(len(b.verdict.Faults))},
	}
}
