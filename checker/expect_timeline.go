package checker

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// timeline is what the watchers of expectations share: where the run is, which
// faults act, and since when each operation has been under way.
type timeline struct {
	now     time.Duration
	phase   int // index into phases, -1 before the first
	phases  []stretch
	acting  map[int]bool // faults by id; true once their bite is proven
	heals   int          // heals begun so far
	healed  time.Duration
	calls   processes[timedCall]
	call    *timedCall // of the entry observed, nil for a nemesis entry
	retires func(*histories.Op) bool
}

// stretch is a phase of the run.
type stretch struct {
	name       string
	begin, end time.Duration
}

// timedCall is where its invocation found the run.
type timedCall struct {
	open   bool
	at     time.Duration
	phase  int
	bitten bool // faults act, and the bite of each was proven
	heals  int
}

func newTimeline(e *Env) *timeline {
	return &timeline{phase: -1, acting: map[int]bool{}, retires: e.retires}
}

// observe takes the next entry, before the watchers do.
func (t *timeline) observe(op *histories.Op) {
	t.now = op.Time
	t.call = nil
	if op.Process >= 0 {
		t.call = t.calls.at(op.Process)
		if op.Type == histories.Invoke {
			*t.call = timedCall{open: true, at: op.Time, phase: t.phase, bitten: t.bitten(), heals: t.heals}
		}
		return
	}
	if op.Event == nil {
		return
	}
	switch op.F {
	case histories.Phase:
		t.enter(op.Event.Phase)
	case histories.Inject:
		t.acting[op.Event.ID] = false
	case histories.Bite:
		if proof(op.Event) == Valid {
			t.acting[op.Event.ID] = true
		}
	case histories.Heal:
		if op.Event.ID < 0 { // the heal of everything; where nothing acted it ends no fault
			if len(t.acting) > 0 {
				t.heals, t.healed = t.heals+1, op.Time
			}
			clear(t.acting)
			return
		}
		delete(t.acting, op.Event.ID)
		t.heals, t.healed = t.heals+1, op.Time
	}
}

// settle forgets a call that has ended, after the watchers saw its end.
func (t *timeline) settle(op *histories.Op) {
	if t.call == nil || op.Type == histories.Invoke {
		return
	}
	t.call.open = false
	if t.retires(op) {
		t.calls.drop(op.Process)
	}
}

// bitten tells whether faults act and all of them are proven to.
func (t *timeline) bitten() bool {
	for _, proven := range t.acting {
		if !proven {
			return false
		}
	}
	return len(t.acting) > 0
}

func (t *timeline) enter(name string) {
	t.finish()
	if len(t.phases) < maxPhases {
		t.phases = append(t.phases, stretch{name: name, begin: t.now})
	}
	t.phase = len(t.phases) - 1
}

// finish closes the last phase.
func (t *timeline) finish() {
	if t.phase >= 0 {
		t.phases[t.phase].end = t.now
	}
}

// in tells whether the run is in a phase of this name; empty: anywhere before
// the clients stop.
func (t *timeline) in(name string) bool { return t.is(t.phase, name) }

// is tells whether the phase of this index has this name.
func (t *timeline) is(phase int, name string) bool {
	if phase < 0 {
		return name == ""
	}
	had := t.phases[phase].name
	if name != "" {
		return had == name
	}
	return had != histories.PhaseQuiet && had != histories.PhaseFinal && had != histories.PhaseEnd
}

// entered tells whether the run had such a phase; it had the whole run.
func (t *timeline) entered(name string) bool {
	if name == "" {
		return true
	}
	for i := range t.phases {
		if t.phases[i].name == name {
			return true
		}
	}
	return false
}

// missing returns the first of the phases that the run did not enter.
func (t *timeline) missing(phases ...string) string {
	for _, p := range phases {
		if !t.entered(p) {
			return p
		}
	}
	return ""
}

// span is the time from the beginning of the first phase of this name to the
// end of the last.
func (t *timeline) span(name string) (begin, end time.Duration) {
	first := true
	for i, p := range t.phases {
		if !t.is(i, name) {
			continue
		}
		if first {
			begin, first = p.begin, false
		}
		end = p.end
	}
	if first { // no phases at all: the whole history
		end = t.now
	}
	return begin, end
}

// ackedRecords counts the records that a completion acknowledges.
func ackedRecords(op *histories.Op) int64 {
	if op.Type != histories.OK {
		return 0
	}
	n := int64(0)
	for i := range op.Mops {
		if op.Mops[i].Send {
			n++
		}
	}
	return n
}
