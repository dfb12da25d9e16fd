package histories

import (
	"encoding/json"
	"fmt"
	"math"
)

// Expect is a statement about the run that whoever made it wants checked: that
// clients were served while a node was cut off, that nothing was acknowledged
// without a majority. It stands in the header, so that a copy of the history is
// judged by it too. What the kinds are and which fields each of them reads is
// the checker's catalogue of expectations.
type Expect struct {
	Name string `json:"name"` // as the verdict names it
	Kind string `json:"kind"` // a row of the checker's catalogue
	// Phase is the stretch of the run that it is about, by the name that its
	// phase entry has; empty: the whole run.
	Phase string `json:"phase,omitempty"`
	// Baseline is the phase that Phase is compared with.
	Baseline string `json:"baseline,omitempty"`
	// Of says what is counted: an operation, kinds of anomaly, a metric.
	Of []string `json:"of,omitempty"`
	// Args are the limits and other numbers, units in their names.
	Args map[string]float64 `json:"args,omitempty"`
}

// validate refuses what no checker could read: names that are missing and
// numbers that are none.
func (e *Expect) validate() error {
	if e.Name == "" || e.Kind == "" {
		return fmt.Errorf("expectation %q of kind %q: want a name and a kind", e.Name, e.Kind)
	}
	for name, v := range e.Args {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("expectation %q: %s is %v: want a number", e.Name, name, v)
		}
	}
	return nil
}

// parseTextExpect reads an expectation as the one-line notation has it: JSON.
func parseTextExpect(value string) (e Expect, err error) {
	if err := json.Unmarshal([]byte(value), &e); err != nil {
		return e, fmt.Errorf(`header: expect=%s: want an expectation as JSON, {"name":…,"kind":…}`, value)
	}
	return e, nil
}
