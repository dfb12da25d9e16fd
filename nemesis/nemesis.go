// Package nemesis breaks: it draws a plan purely from a seed, walks it,
// injects and heals reversibly, and proves that each fault bit and healed.
package nemesis

import (
	"time"
)

// Event is one fault of a plan: what, on which nodes, when and for how long.
type Event struct {
	ID        int                `json:"id"`
	At        time.Duration      `json:"at"`  // ns since the faults phase began
	For       time.Duration      `json:"for"` // ns
	Fault     string             `json:"fault"`
	On        []string           `json:"on"`                  // node names
	Direction string             `json:"direction,omitempty"` // upstream, downstream, both
	Args      map[string]float64 `json:"args,omitempty"`      // units in the names: latency_ms, rate_kbps
}

// Plan is what the nemesis walks.
type Plan []Event
