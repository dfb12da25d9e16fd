package generator

import (
	"strings"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// newFinal makes the final reads: worker i reads log i.
func newFinal(cfg Config) Generator {
	c := make(crowd, 0, len(cfg.Logs))
	for _, log := range cfg.Logs {
		c = append(c, &final{reader: reader{key: log.Key}, mortal: log.Added || log.Life > 0})
	}
	return c
}

// final lists a log's start and end, reads it from its beginning until it has
// seen the listed end, and lists the end again: what has landed in between is
// read as well. Where retention takes the place that it reads from, the log
// begins elsewhere by now, and it asks again where. What fails is asked again; there is no other end than the
// log's, so the caller sets a time limit.
type final struct {
	reader
	stage  stage
	end    int64 // as listed last
	mortal bool  // there may be no such log any more, or not yet
	misses int   // questions for the start that failed, in a row
}

// maxMisses is after how many failed questions a mortal log is taken for dead.
const maxMisses = 12

// stage is what a final reader does.
type stage uint8

const (
	listStart stage = iota
	listEnd
	readOn // until end
	listAgain
	finished
)

func (f *final) next(now time.Duration, op *histories.Op) Turn {
	if !f.pause.over(now) {
		return Wait
	}
	switch f.stage {
	case listStart:
		op.F = histories.StartOffsets
	case listEnd, listAgain:
		op.F = histories.EndOffsets
	case readOn:
		f.read(op)
		return Go
	case finished:
		return Done
	}
	op.Keys = append(op.Keys[:0], f.key)
	return Go
}

func (f *final) saw(op *histories.Op) {
	f.reader.saw(op)
	if f.misses++; f.mortal && f.stage == listStart && op.Type != histories.OK &&
		(strings.Contains(op.Error, histories.LogGone) || f.misses >= maxMisses) {
		f.stage = finished
	}
	if f.stage == readOn && strings.Contains(op.Error, histories.OutOfRange) {
		f.stage, f.misses = listStart, 0
	}
	if op.Type != histories.OK {
		return
	}
	switch f.stage {
	case listStart:
		if offsetOf(op, f.key) >= 0 {
			f.stage = listEnd
		}
	case listEnd, listAgain:
		end := offsetOf(op, f.key)
		switch {
		case end < 0: // not told: ask again
		case f.stage == listAgain && end <= f.at:
			f.stage = finished
		default:
			f.end, f.stage = end, readOn
		}
	case readOn:
		if op.F == histories.Poll && f.at >= f.end {
			f.stage = listAgain
		}
	}
}
