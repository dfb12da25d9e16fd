package linear

import (
	"encoding/json"
	"fmt"
)

// saved is the form of a window in a file: for the corpus of windows on which
// porcupine and the sweep once disagreed.
type saved struct {
	Log, Start, End int64
	Atomic          bool
	Ops             []Op
}

// MarshalJSON writes a window with all that judging it again needs.
func (w Window) MarshalJSON() ([]byte, error) {
	return json.Marshal(saved{w.Log, w.Start, w.End, w.Atomic, w.Ops})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (w *Window) UnmarshalJSON(b []byte) error {
	var s saved
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read a saved window: %w", err)
	}
	*w = Window{Log: s.Log, Start: s.Start, End: s.End, Atomic: s.Atomic, Ops: s.Ops, Closed: len(s.Ops)}
	return nil
}
