package histtest

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// mark is a nemesis entry to be written when so many operations have started.
type mark struct {
	started int
	f       histories.F
	event   *histories.Event
}

// faults are the names that the simulated events take in turn.
var faults = []string{"latency", "down", "oneway-reply", "blackhole"}

// phaseMarks lays out the main phase: a tenth of it calm, then the faults one
// after the other, each with its proofs, then the heal and a recovery.
func phaseMarks(ops, events int) []mark {
	at := func(share float64) int { return int(share * float64(ops)) }
	marks := []mark{
		{0, histories.Phase, &histories.Event{ID: -1, Phase: histories.PhaseCalm}},
		{at(0.10), histories.Phase, &histories.Event{ID: -1, Phase: histories.PhaseFaults}},
	}
	width := 0.75 / float64(max(events, 1))
	for i := range events {
		begin := 0.10 + float64(i)*width
		marks = append(marks,
			mark{at(begin), histories.Inject, faultEvent(i, "", "")},
			mark{at(begin + 0.1*width), histories.Bite, faultEvent(i, "during", "round-trip")},
			mark{at(begin + 0.6*width), histories.Heal, faultEvent(i, "", "")},
			mark{at(begin + 0.65*width), histories.Healed, faultEvent(i, "after", "round-trip")})
	}
	return append(marks,
		mark{at(0.86), histories.Phase, &histories.Event{ID: -1, Phase: histories.PhaseHeal}},
		mark{at(0.87), histories.Heal, healEvent()},
		mark{at(0.88), histories.Healed, healEvent()},
		mark{at(0.89), histories.Whole, wholeEvent()})
}

// faultEvent is the i-th fault, with a proof where when is given.
func faultEvent(i int, when, what string) *histories.Event {
	node := fmt.Sprintf("n%d", i%3+1)
	e := &histories.Event{ID: i, Fault: faults[i%len(faults)], On: []string{node}, Direction: "both"}
	if when != "" {
		held := true
		e.Held = &held
		e.Proof = []histories.Probe{{Node: node, When: when, What: what, Millis: 12.5, Satisfies: true}}
	}
	return e
}

func healEvent() *histories.Event {
	held := true
	return &histories.Event{ID: -1, On: []string{"n1", "n2", "n3"}, Held: &held}
}

func wholeEvent() *histories.Event {
	held := true
	return &histories.Event{ID: -1, Held: &held, Args: map[string]float64{"waited_ms": 250, "limit_ms": 30_000}}
}

// pass writes the marks that were reached.
func (e *engine) pass() {
	for len(e.marks) > 0 && e.started >= e.marks[0].started {
		e.nemesis(e.marks[0].f, e.marks[0].event)
		e.marks = e.marks[1:]
	}
}

func (e *engine) nemesis(f histories.F, event *histories.Event) {
	e.put(&histories.Op{F: f, Event: event}, histories.Nemesis, histories.Info)
}

func (e *engine) enter(phase string) {
	e.nemesis(histories.Phase, &histories.Event{ID: -1, Phase: phase})
}
