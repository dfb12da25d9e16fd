package page

import (
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/histories"
)

const (
	maxBands = 1 << 14 // fault windows kept
	maxMarks = 1 << 10 // phases kept
	maxNotes = 200     // remarks kept
)

// band is the window of a fault.
type band struct {
	id       int
	fault    string
	on       string
	from, to time.Duration // to < 0: it lasts
}

// mark is a moment with a name.
type mark struct {
	at   time.Duration
	name string
}

// events keeps what the nemesis wrote, so far as it is drawn.
type events struct {
	bands []band
	marks []mark      // phases
	notes []mark      // remarks
	open  map[int]int // event → band that lasts
}

func (e *events) observe(op *histories.Op) {
	ev := op.Event
	switch op.F {
	case histories.Phase:
		if len(e.marks) < maxMarks {
			e.marks = append(e.marks, mark{op.Time, ev.Phase})
		}
	case histories.Note:
		if len(e.notes) < maxNotes {
			e.notes = append(e.notes, mark{op.Time, ev.Why})
		}
	case histories.Inject:
		if len(e.bands) < maxBands {
			if e.open == nil {
				e.open = map[int]int{}
			}
			e.open[ev.ID] = len(e.bands)
			e.bands = append(e.bands, band{ev.ID, ev.Fault, strings.Join(ev.On, ","), op.Time, -1})
		}
	case histories.Healed:
		if i, ok := e.open[ev.ID]; ok {
			e.bands[i].to = op.Time
			delete(e.open, ev.ID)
		}
	}
}

// active names the faults that last.
func (e *events) active() []string {
	var out []string
	for _, i := range e.open {
		out = append(out, e.bands[i].fault+" on "+e.bands[i].on)
	}
	slices.Sort(out)
	return out
}
