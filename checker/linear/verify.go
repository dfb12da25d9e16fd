package linear

import (
	"time"

	"github.com/anishathalye/porcupine"
)

// Result is what the second judge says of a window.
type Result struct {
	Window  Window
	Decided bool // porcupine answered within its time, or there was an order without it
	Legal   bool // what it answered, where it did
	// Violations are those of the sweep over the window alone, with batches
	// taken as wholes.
	Violations []Violation
	Excluded   []Op // produces that claim an offset another one holds
	// Disagree says that porcupine and the sweep do not agree: one of them,
	// or their making, is wrong.
	Disagree bool
	Panic    any // what went wrong inside of porcupine or the model
}

// Verify judges windows one after the other and reuses its memory.
type Verify struct {
	Timeout time.Duration // for one window; 0: none
	ranked  *ranked
}

// Window judges a window by porcupine and by the sweep.
func (v *Verify) Window(w Window) (res Result) {
	if v.ranked == nil {
		v.ranked = new(ranked)
	}
	r := v.ranked
	res.Window = w
	defer func() {
		if p := recover(); p != nil {
			res.Panic = p
		}
	}()
	r.refine(&w)
	res.Excluded = r.excluded
	res.Violations = r.torn
	answer := porcupine.Illegal
	for _, tight := range []bool{true, false} {
		if len(r.torn) > 0 || answer != porcupine.Illegal {
			break
		}
		if !r.rank(tight) {
			return res
		}
		if w.Session && r.walk() {
			answer = porcupine.Ok
			break
		}
		if !tight || r.possible() {
			answer = porcupine.CheckEventsTimeout(r.model(), r.history(), v.Timeout)
		}
	}
	res.Decided, res.Legal = answer != porcupine.Unknown, answer == porcupine.Ok
	if !res.Decided {
		v.ranked = nil // porcupine may still be reading it
	}
	// Where nothing was rounded the log has already judged every operation in
	// the window, so the pairs are only sought out when either says no.
	if !r.rounded && res.Legal && !anyViolates(r.ops) {
		return res
	}
	res.Violations = append(res.Violations, Sweep(r.ops)...)
	res.Disagree = res.Decided && res.Legal != (len(res.Violations) == 0)
	return res
}

func anyViolates(ops []Op) bool {
	for i := range ops {
		if ops[i].violates {
			return true
		}
	}
	return false
}
