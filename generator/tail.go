package generator

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// reader follows one log from its beginning. A process that takes over goes on
// where the one before it stood: feedback says where that is.
type reader struct {
	key       int64
	isolation histories.Isolation
	at        int64 // the offset to be read next, as far as was seen
	assigned  bool  // the process has its assignment
	pause     pause
}

// read asks for the next records, after the assignment where it is missing.
func (r *reader) read(op *histories.Op) {
	if r.assigned {
		op.F = histories.Poll
		op.Mops = append(op.Mops[:0], histories.Mop{})
		return
	}
	op.F = histories.Assign
	op.Keys = append(op.Keys[:0], r.key)
	op.Seek.To, op.Isolation = histories.SeekBeginning, r.isolation
	op.Offsets = op.Offsets[:0]
	if r.at > 0 {
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: r.key, Offset: r.at})
	}
}

func (r *reader) saw(op *histories.Op) {
	r.pause.saw(op.Type)
	switch {
	case op.Type == histories.Info:
		r.assigned = false
	case op.Type != histories.OK:
	case op.F == histories.Assign:
		r.assigned = true
		r.at = max(r.at, offsetOf(op, r.key))
	case op.F == histories.Poll:
		for _, f := range op.Fetched {
			if f.Key == r.key {
				r.at = max(r.at, f.Position)
			}
		}
		for key, rec := range op.Polled() {
			if key == r.key {
				r.at = max(r.at, rec.Offset+1)
			}
		}
	}
}

// offsetOf returns what the operation says of the log, -1 where nothing.
func offsetOf(op *histories.Op, key int64) int64 {
	for _, o := range op.Offsets {
		if o.Key == key {
			return o.Offset
		}
	}
	return -1
}

// tail is a tailing reader: it polls for ever.
type tail struct{ reader }

func (t *tail) next(now time.Duration, op *histories.Op) Turn {
	if !t.pause.over(now) {
		return Wait
	}
	t.read(op)
	return Go
}
