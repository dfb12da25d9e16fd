package checker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// verdict adds up what the passes found.
func (j *Judge) verdict() Verdict {
	v := Verdict{Format: 1, Seed: j.env.Header.Seed, Model: j.env.Model, Expectations: []Expectation{}, Unknown: []Reason{}, Faults: []FaultResult{}}
	var (
		cases  []Case
		stale  []Staleness
		beyond = map[Kind]int64{}
		closed int64
		count  *stats
		member []GroupStats

		expected *expectations
	)
	v.Unknown = append(v.Unknown, j.broken...)
	for _, p := range j.passes {
		if p.report == nil {
			continue
		}
		cases = append(cases, p.report.cases...)
		stale = append(stale, p.report.stale...)
		v.Unknown = append(v.Unknown, p.report.unknown...)
		v.Judged.add(p.report.judged)
		closed += p.report.closed
		for k, n := range p.report.beyond {
			if n > 0 {
				beyond[k] += n
			}
		}
		switch q := p.Pass.(type) {
		case *work:
			w := q.judged
			w.add(v.Judged)
			w.Admin = v.Judged.Admin
			v.Judged = w
			v.Stopped = q.stopped
			v.Incomplete = q.incomplete() || len(j.broken) > 0 || len(j.form.problems) > 0
		case *admin:
			if q.any {
				v.Judged.Admin = &q.judged
			}
		case *faults:
			v.Faults = q.results()
		case *stats:
			count = q
		case *groups:
			member = q.results()
		case *expectations:
			expected = q
		case *jepsenRules:
			v.Jepsen = q.verdict
		}
	}
	if len(j.form.problems) > 0 {
		// The call that is missing may be the send of what was read.
		cases = slices.DeleteFunc(cases, func(c Case) bool { return c.Kind == PhantomRead })
		delete(beyond, PhantomRead)
	}
	v.Anomalies = newHeadlines(j.env).assemble(cases, beyond)
	if r, ok := windowsDecided(j.env, v.Judged.WindowOps, closed); !ok {
		v.Unknown = append(v.Unknown, r)
	}
	v.Expectations = expected.results(&v)
	v.Valid = validity(&v)
	if v.Stopped != "" && v.Valid == Invalid {
		v.Unknown = slices.DeleteFunc(v.Unknown, func(r Reason) bool { return r.Kind == TooLittleWork || r.Kind == FaultDidNotBite })
	}
	slices.SortStableFunc(stale, func(a, b Staleness) int { return cmp.Compare(a.Log, b.Log) })
	v.Stats = encodeStats(count, v.Faults, stale, member)
	return v
}

func encodeStats(c *stats, faults []FaultResult, stale []Staleness, groups []GroupStats) json.RawMessage {
	s := c.result(faults, stale)
	s.Groups = groups
	b, err := json.Marshal(s)
	if err != nil { // a NaN would be a bug of ours; the verdict stands without figures
		b, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return b
}

// validity is the sum: invalid beats unknown beats valid.
func validity(v *Verdict) Validity {
	for _, a := range v.Anomalies {
		if a.AllowedBy == "" {
			return Invalid
		}
	}
	sum := Valid
	if len(v.Unknown) > 0 {
		sum = Unknown
	}
	for _, e := range v.Expectations {
		switch e.Met {
		case Invalid:
			return Invalid
		case Unknown:
			sum = Unknown
		}
	}
	return sum
}

// windowsDecided asks porcupine to have decided 99 % of the operations in
// closed windows.
func windowsDecided(e *Env, decided, closed int64) (Reason, bool) {
	if !e.HasHeader || decided*100 >= closed*99 {
		return Reason{}, true
	}
	return Reason{"linearizable", CheckerTimeout, fmt.Sprintf("porcupine decided %d of %d operations in closed windows, 99 %% are needed", decided, closed)}, false
}
