package soak

import (
	"encoding/json"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
)

// judged takes over what a verdict says.
func (r *Round) judged(v checker.Verdict) {
	r.Valid, r.Kinds = v.Valid, run.Violations(v)
	if r.Kinds == nil {
		r.Kinds = []checker.Kind{}
	}
	r.Why = ""
	if v.Valid == checker.Unknown && len(v.Unknown) > 0 {
		r.Why = v.Unknown[0].Why
	}
	for _, e := range v.Expectations {
		if e.Met != checker.Valid && r.Why == "" {
			r.Why = e.Name + ": " + e.Why
		}
	}
	r.Ops, r.Acked = v.Judged.Ops, v.Judged.Acked
	var s checker.Stats
	if json.Unmarshal(v.Stats, &s) == nil && s.Seconds > 0 {
		r.Rate = float64(r.Ops) / s.Seconds
	}
	r.Faults = 0
	for _, f := range v.Faults {
		if f.Bit == checker.Valid && f.Healed == checker.Valid {
			r.Faults++
		}
	}
}
