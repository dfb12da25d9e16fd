package checker

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/internal/histtest"
)

// judge judges a history in memory.
func judge(h histtest.History, o Options) Verdict {
	j := NewJudge(h.Header, true, o)
	for i := range h.Ops {
		j.Observe(&h.Ops[i])
	}
	return j.Finish()
}

// text prints a verdict for a failed test.
func text(v Verdict) string {
	b, _ := json.MarshalIndent(v, "", " ")
	if len(b) > 8000 {
		b = append(b[:8000], "…"...)
	}
	return string(b)
}

// headlinesOf lists a verdict's headlines and, after a slash, what follows them.
func headlinesOf(v Verdict) string {
	var heads, follows []string
	for _, a := range v.Anomalies {
		s := fmt.Sprintf("%s %d", a.Kind, a.Count)
		if a.AllowedBy != "" {
			s += " (" + a.AllowedBy + ")"
		}
		heads = append(heads, s)
		for _, f := range a.Follows {
			follows = append(follows, fmt.Sprintf("%s %d", f.Kind, f.Count))
		}
	}
	s := strings.Join(heads, ", ")
	if len(follows) > 0 {
		s += " / " + strings.Join(follows, ", ")
	}
	return s
}

func TestPerfectHistoriesAreValid(t *testing.T) {
	for seed := range uint64(20) {
		o := histtest.Options{Seed: seed, Ops: 4000, Logs: 1 + int(seed%4), Clients: 1 + int(seed)}
		if seed%5 == 4 {
			o.StaleRate = 0.1
		}
		h := histtest.Valid(o)
		if v := judge(h, Options{MinAcked: 5, MinOpsPerFault: 1}); v.Valid != Valid {
			t.Fatalf("seed %d: %s", seed, text(v))
		}
	}
}

func BenchmarkFacts(b *testing.B) {
	h := histtest.Valid(histtest.Options{Ops: 200_000, Logs: 8, Clients: 50})
	entries := int64(len(h.Ops))
	b.ReportAllocs()
	b.ResetTimer()
	var records int64
	for range b.N {
		env := newEnv(h.Header, true, Options{})
		env.Facts.live = newLiveCounts()
		var passes []Pass
		for _, c := range Checkers {
			if !c.Alone {
				passes = append(passes, c.New(env, newReport(c.Name, env.Facts.live)))
			}
		}
		for i := range h.Ops {
			for _, p := range passes {
				p.Observe(&h.Ops[i])
			}
		}
		for _, p := range passes {
			p.Finish()
		}
		records = 0
		for _, l := range env.Facts.logs {
			records += l.acked
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(entries), "ns/entry")
	b.ReportMetric(float64(records), "records")
}
