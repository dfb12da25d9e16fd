package checker

import "github.com/ackproof/ackproof/histories"

// Facts is what the history says of records and offsets.
type Facts struct{ env *Env }

func newFacts(e *Env) *Facts { return &Facts{env: e} }

// Observe takes the next entry.
func (f *Facts) Observe(op *histories.Op) {}
