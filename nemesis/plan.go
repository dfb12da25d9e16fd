package nemesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Event is one fault of a plan: what, on which nodes, when and for how long.
type Event struct {
	ID        int                `json:"id"`
	At        time.Duration      `json:"at"`  // since the walk of the plan began
	For       time.Duration      `json:"for"` // how long it is held
	Fault     string             `json:"fault"`
	On        []string           `json:"on"`                  // node names, or symbols that are resolved when the event begins
	Direction string             `json:"direction,omitempty"` // one of the fault's; empty where it has none
	Args      map[string]float64 `json:"args,omitempty"`      // units in the names: latency_ms, rate_kBps
}

// Directions of a fault: upstream is from the client to the broker.
const (
	Upstream   = "upstream"
	Downstream = "downstream"
	Both       = "both"
)

// Plan is what the nemesis walks.
type Plan []Event

// String names the event for a status line.
func (e Event) String() string {
	return e.Fault + " " + strings.Join(e.On, "+")
}

// millis is an argument in milliseconds as a duration.
func (e Event) millis(arg string) time.Duration {
	return time.Duration(e.Args[arg] * float64(time.Millisecond))
}

// micros is an argument in microseconds as a duration.
func (e Event) micros(arg string) time.Duration {
	return time.Duration(e.Args[arg] * float64(time.Microsecond))
}

// sides says in which directions the event acts.
func (e Event) sides() (up, down bool) {
	return e.Direction != Downstream, e.Direction != Upstream
}

// MarshalJSON writes times as people write them: "1.5s".
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID        int                `json:"id"`
		At        string             `json:"at"`
		For       string             `json:"for"`
		Fault     string             `json:"fault"`
		On        []string           `json:"on"`
		Direction string             `json:"direction,omitempty"`
		Args      map[string]float64 `json:"args,omitempty"`
	}{e.ID, e.At.String(), e.For.String(), e.Fault, e.On, e.Direction, e.Args})
}

// Encode writes the plan as JSON, one event a line. The same plan gives the
// same bytes, and ParsePlan gives the plan back.
func (p Plan) Encode() []byte {
	var b bytes.Buffer
	b.WriteString("[")
	for i, e := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		line, err := json.Marshal(e)
		if err != nil { // only a number that JSON does not know, which no parsed or drawn plan has
			line, _ = json.Marshal(fmt.Sprintf("event %d: %v", e.ID, err))
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]\n")
	return b.Bytes()
}

// shortest is the least time in which a fault can be proven with any certainty.
const shortest = time.Second

// Unusual names what lies outside the realistic ranges of the catalogue. Such
// a plan runs; what it shows may never happen to a user.
func (p Plan) Unusual() []string {
	var out []string
	for _, e := range p {
		f, ok := FindFault(e.Fault)
		if !ok {
			continue
		}
		if e.For < shortest {
			out = append(out, fmt.Sprintf("event %d: %s for %v may be too short to be proven: %v or more is usual", e.ID, e.Fault, e.For, shortest))
		}
		for _, name := range slices.Sorted(maps.Keys(e.Args)) {
			a, ok := f.arg(name)
			if v := e.Args[name]; ok && (v < a.Min || v > a.Max) {
				out = append(out, fmt.Sprintf("event %d: %s %s %v is unusual: %v to %v %s is realistic", e.ID, e.Fault, name, v, a.Min, a.Max, a.Unit))
			}
		}
		if !f.InContract {
			out = append(out, fmt.Sprintf("event %d: %s may break the contract by itself", e.ID, e.Fault))
		}
	}
	return out
}
