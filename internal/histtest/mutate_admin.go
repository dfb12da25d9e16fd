package histtest

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// quietEntry is the entry where the main phase is over.
func (v *view) quietEntry() int {
	for i := range v.Ops {
		if op := &v.Ops[i]; op.Process == histories.Nemesis && op.F == histories.Phase && op.Event.Phase == histories.PhaseQuiet {
			return i
		}
	}
	return -1
}

// room makes time for more entries before an entry: everything from it on
// happens so much later.
func (v *view) room(before int, d time.Duration) {
	for i := before; i < len(v.Ops); i++ {
		v.Ops[i].Time += d
	}
}

// asked is an operation of a process of its own, so long after the one before it.
type asked struct {
	after        time.Duration
	invoke, done histories.Op
}

// play puts the steps of one process before an entry, and returns the entries of
// their completions.
func (v *view) play(before int, steps []asked) (done []int64) {
	process := v.nextID
	v.nextID++
	at := v.Ops[before-1].Time
	var ops []histories.Op
	for _, s := range steps {
		at += s.after
		s.invoke.Type, s.invoke.Time, s.invoke.Process, s.invoke.Index = histories.Invoke, at, process, v.nextID
		s.done.Time, s.done.Process, s.done.Index = at+1, process, v.nextID+1
		done = append(done, s.done.Index)
		v.nextID += 2
		at++
		ops = append(ops, s.invoke, s.done)
	}
	v.room(before, at+time.Millisecond-v.Ops[before].Time)
	v.Ops = append(v.Ops[:before:before], append(ops, v.Ops[before:]...)...)
	return done
}

// trim deletes the first records of a log at the end of the main phase, and
// returns the log and its start.
func (v *view) trim() (log, n int64, ok bool) {
	quiet := v.quietEntry()
	log = v.r.Int64N(int64(len(v.ends)))
	n = 1 + v.r.Int64N(3)
	if quiet < 0 || v.ends[log] <= 2*n {
		return 0, 0, false
	}
	request := histories.Op{F: histories.DeleteRecords, Keys: []int64{log}, Offsets: []histories.KeyOffset{{Key: log, Offset: n}}}
	told := request
	told.Type = histories.OK
	v.play(quiet, []asked{{time.Millisecond, request, told}})
	v.final = v.finalEntry()
	for i := v.final; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.F != histories.StartOffsets || op.Type != histories.OK {
			continue
		}
		for j := range op.Offsets {
			if op.Offsets[j].Key == log {
				op.Offsets[j].Offset = n
			}
		}
	}
	return log, n, true
}

// finalEntry finds where the final reads begin.
func (v *view) finalEntry() int {
	for i := range v.Ops {
		if op := &v.Ops[i]; op.Process == histories.Nemesis && op.F == histories.Phase && op.Event.Phase == histories.PhaseFinal {
			return i
		}
	}
	return len(v.Ops)
}

// readDeleted lets the final reads return records that were deleted.
func readDeleted(v *view) (Evidence, bool) {
	log, _, ok := v.trim()
	return Evidence{log, 0, -1, nil}, ok
}

// readTrimmed lets them begin behind what was deleted.
func readTrimmed(v *view) (Evidence, bool) {
	log, n, ok := v.trim()
	if !ok {
		return Evidence{}, false
	}
	for i := v.final; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.Type != histories.OK {
			continue
		}
		switch op.F {
		case histories.Assign:
			for j := range op.Offsets {
				if op.Offsets[j].Key == log {
					op.Offsets[j].Offset = max(op.Offsets[j].Offset, n)
				}
			}
		case histories.Poll:
			if f := fetch(op, log); f != nil {
				f.Position = max(f.Position, n)
			}
			setRun(op, log, where(runOf(op, log), func(r histories.Rec) bool { return r.Offset >= n }))
		}
	}
	return Evidence{log, 0, -1, nil}, true
}

// compact makes a log a compacted one: every record has a key of its own, but
// the record at a place, which shares its key with the one at another.
func (v *view) compact(log int64, at, with record) {
	for i := range v.Header.Logs {
		if l := &v.Header.Logs[i]; l.Key == log {
			l.Cleanup = "compact"
		}
	}
	share, other := v.valueAt(at), v.valueAt(with)
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.F != histories.Send {
			continue
		}
		for _, m := range op.Mops {
			key := m.Value
			if m.Value == share {
				key = other
			}
			op.RecordKeys = append(op.RecordKeys, histories.RecordKey{Key: key})
		}
	}
}

// compacted lets the final reads miss a record that everybody had read, in a
// compacted log where another one has its key.
func compacted(v *view, later bool) (Evidence, bool) {
	at, ok := pick(v.r, v.inner())
	if !ok {
		return Evidence{}, false
	}
	with, ok := pick(v.r, where(v.inner(), func(r record) bool {
		return r.log == at.log && r.offset != at.offset && (r.offset > at.offset) == later
	}))
	if !ok {
		return Evidence{}, false
	}
	value := v.valueAt(at)
	v.compact(at.log, at, with)
	v.drop(at, v.isFinal)
	return Evidence{at.log, at.offset, value, []int64{v.index(v.writer[at].done)}}, true
}

func compactLatest(v *view) (Evidence, bool)     { return compacted(v, false) }
func compactSuperseded(v *view) (Evidence, bool) { return compacted(v, true) }

// The contract of those that stall, in milliseconds, and how often and how long
// after each other they ask.
const (
	stallLimit = 2000
	stallSteps = 12
	stallEvery = 500 * time.Millisecond
)

// stall plays steps after everything was healed: the first at once, the others
// every stallEvery.
func (v *view) stall(first []asked, ask func(i int) asked) (done []int64, ok bool) {
	quiet := v.quietEntry()
	if quiet < 0 {
		return nil, false
	}
	v.Header.Contract.ProgressMillis = stallLimit
	steps := first
	for i := range stallSteps {
		s := ask(i)
		s.after = stallEvery
		if i == 0 { // by then no fault explains anything
			s.after = 3 * stallLimit * time.Millisecond
		}
		steps = append(steps, s)
	}
	return v.play(quiet, steps), true
}

// noProgress lets the last sends to a log fail, one after the other.
func noProgress(v *view) (Evidence, bool) { return v.failSends(nil) }

// slowProgress lets one in between succeed... by failing for less than allowed.
func slowProgress(v *view) (Evidence, bool) {
	e, ok := v.failSends(nil)
	v.Header.Contract.ProgressMillis = stallLimit * 10
	return e, ok
}

// failSends plays failing sends to a log.
func (v *view) failSends(first []asked) (Evidence, bool) {
	s, ok := pick(v.r, v.acked)
	if !ok {
		return Evidence{}, false
	}
	log, value := v.mop(s).Key, int64(1)<<40
	done, ok := v.stall(first, func(i int) asked {
		var invoke histories.Op
		invoke.F = histories.Send
		invoke.AddSend(log, value+int64(i))
		failed := *invoke.Clone()
		failed.Type, failed.Error = histories.Fail, "NOT_ENOUGH_REPLICAS"
		return asked{invoke: invoke, done: failed}
	})
	return Evidence{log, -1, -1, done}, ok
}

// stuckReader lets a reader ask for the log's last record in vain.
func stuckReader(v *view) (Evidence, bool) { return v.readInVain(1) }

// idleReader lets it ask for more than there is.
func idleReader(v *view) (Evidence, bool) { return v.readInVain(0) }

// readInVain plays empty polls so many records before the log's end.
func (v *view) readInVain(back int64) (Evidence, bool) {
	log := v.r.Int64N(int64(len(v.ends)))
	end := v.ends[log]
	if _, acked := v.writer[record{log, end - 1}]; !acked || v.inside[record{log, end - back}] {
		return Evidence{}, false
	}
	at := end - back
	assign := histories.Op{F: histories.Assign, Keys: []int64{log}, Offsets: []histories.KeyOffset{{Key: log, Offset: at}}}
	assigned := assign
	assigned.Type = histories.OK
	done, ok := v.stall([]asked{{time.Millisecond, assign, assigned}}, func(int) asked {
		var invoke histories.Op
		invoke.F = histories.Poll
		invoke.AddPoll()
		empty := *invoke.Clone()
		empty.Type, empty.Mops[0].Polled = histories.OK, true
		empty.Fetched = []histories.Fetched{{Key: log, Position: at, HighWatermark: end, Epoch: -1}}
		return asked{invoke: invoke, done: empty}
	})
	return Evidence{log, -1, -1, done}, ok
}
