package checker

import (
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// finalReads follows the phase "final", in which every log is read from its
// start to its listed end, and tells how far that got.
type finalReads struct {
	now   bool // the phase is on
	ended bool // the run reached its end
	logs  map[int64]*finalLog
	asked map[int64]int64 // by process: the invocation of the listing under way
}

func newFinalReads() finalReads {
	return finalReads{logs: map[int64]*finalLog{}, asked: map[int64]int64{}}
}

// finalLog is how far the final reads of a log got.
type finalLog struct {
	end     int64 // the highest end that was listed; -1: none
	endOp   int64
	asked   int64 // the invocation of the last listing that lists it
	covered int64 // everything from the start to below this offset was read
	lastOp  int64 // the poll that got there
	readers []finalReader
}

// finalReader is a process that reads a log from an offset on.
type finalReader struct{ process, from int64 }

func (f *finalReads) log(key int64) *finalLog {
	l := f.logs[key]
	if l == nil {
		l = &finalLog{end: -1, endOp: -1, lastOp: -1}
		f.logs[key] = l
	}
	return l
}

func (f *finalReads) observe(op *histories.Op) {
	if op.F == histories.Phase && op.Event != nil {
		f.now = op.Event.Phase == histories.PhaseFinal
		f.ended = f.ended || op.Event.Phase == histories.PhaseEnd
		return
	}
	if !f.now || op.Process < 0 {
		return
	}
	if op.Type == histories.Invoke && op.F == histories.EndOffsets {
		f.asked[op.Process] = op.Index
	}
	if op.Type != histories.OK {
		return
	}
	switch op.F {
	case histories.EndOffsets:
		for _, o := range op.Offsets {
			l := f.log(o.Key)
			if o.Offset > l.end {
				l.end, l.endOp = o.Offset, op.Index
			}
			if o.Offset == l.end {
				l.asked = f.asked[op.Process]
			}
		}
	case histories.Assign:
		f.assigned(op)
	case histories.Poll:
		f.polled(op)
	}
}

func (f *finalReads) assigned(op *histories.Op) {
	for _, key := range op.Keys {
		l := f.log(key)
		l.readers = slices.DeleteFunc(l.readers, func(r finalReader) bool { return r.process == op.Process })
		if op.Seek.To == histories.SeekBeginning {
			l.readers = append(l.readers, finalReader{op.Process, 0})
			continue
		}
		for _, o := range op.Offsets {
			if o.Key == key && o.Offset >= 0 {
				l.readers = append(l.readers, finalReader{op.Process, o.Offset})
			}
		}
	}
}

// polled extends what is covered: a reader that began inside it has got to the
// position that it asks for next, and past the last record that it was given.
func (f *finalReads) polled(op *histories.Op) {
	for _, p := range op.Fetched {
		f.reached(op, p.Key, p.Position)
	}
	for _, run := range op.Runs {
		for _, r := range op.Recs[run.From:run.To] {
			f.reached(op, run.Key, r.Offset+1)
		}
	}
}

func (f *finalReads) reached(op *histories.Op, key, offset int64) {
	l := f.log(key)
	if offset <= l.covered {
		return
	}
	for _, r := range l.readers {
		if r.process == op.Process && r.from <= l.covered {
			l.covered, l.lastOp = offset, op.Index
		}
	}
}

// behind tells whether a record that was acknowledged by an entry may stand behind
// the listed end: it had not been when the end was asked for.
func (l *finalLog) behind(offset, acked int64) bool {
	return (offset < 0 || offset >= l.end) && acked > l.asked
}

// complete tells whether the log was read to its listed end.
func (l *finalLog) complete() bool { return l != nil && l.end >= 0 && l.covered >= l.end }
