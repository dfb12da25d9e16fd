package histtest

import (
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// fetch returns what a poll says of its fetch of a log, nil where nothing.
func fetch(op *histories.Op, key int64) *histories.Fetched {
	for i := range op.Fetched {
		if op.Fetched[i].Key == key {
			return &op.Fetched[i]
		}
	}
	return nil
}

// runOf returns the records of a log in a poll of one mop.
func runOf(op *histories.Op, key int64) []histories.Rec {
	for _, run := range op.Runs {
		if run.Key == key {
			return op.Recs[run.From:run.To]
		}
	}
	return nil
}

// setRun replaces the records of a log in a poll of one mop; none removes the
// run, as a client leaves out what returned nothing.
func setRun(op *histories.Op, key int64, recs []histories.Rec) {
	var runs []histories.Run
	var all []histories.Rec
	add := func(key int64, recs []histories.Rec) {
		if len(recs) > 0 {
			from := int32(len(all))
			all = append(all, recs...)
			runs = append(runs, histories.Run{Key: key, From: from, To: int32(len(all))})
		}
	}
	found := false
	for _, run := range op.Runs {
		if run.Key == key {
			found = true
			add(key, recs)
		} else {
			add(run.Key, op.Recs[run.From:run.To])
		}
	}
	if !found {
		add(key, recs)
	}
	op.Runs, op.Recs = runs, all
	op.Mops[0].To = int32(len(runs))
}

// drop removes a record from the polls for which from holds.
func (v *view) drop(at record, from func(entry int) bool) {
	for _, s := range v.readers[at] {
		if from(s.op) {
			op := &v.Ops[s.op]
			setRun(op, at.log, where(runOf(op, at.log), func(r histories.Rec) bool { return r.Offset != at.offset }))
		}
	}
}

// everywhere holds for every entry.
func everywhere(int) bool { return true }

// swap exchanges the offsets of two records, in acknowledgements and polls.
func (v *view) swap(log, a, b int64) {
	at, bt := record{log, a}, record{log, b}
	va, vb := v.valueAt(at), v.valueAt(bt)
	for _, s := range v.readers[at] {
		v.Ops[s.op].Recs[s.rec].Value = vb
	}
	for _, s := range v.readers[bt] {
		v.Ops[s.op].Recs[s.rec].Value = va
	}
	v.ack(at, va).Offset, v.ack(bt, vb).Offset = b, a
}

// ack is the acknowledged record with this value.
func (v *view) ack(at record, value int64) *histories.Mop {
	mops := v.Ops[v.writer[at].done].Mops
	return &mops[slices.IndexFunc(mops, func(m histories.Mop) bool { return m.Value == value })]
}

// valueAt is the value acknowledged at the place.
func (v *view) valueAt(at record) int64 {
	for _, m := range v.Ops[v.writer[at].done].Mops {
		if m.Offset == at.offset {
			return m.Value
		}
	}
	return -1
}

// shorten makes every operation from an entry on show at most n records of a log.
func (v *view) shorten(log, n int64, from int) {
	for i := from; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.Type != histories.OK {
			continue
		}
		for j := range op.Fetched {
			if f := &op.Fetched[j]; f.Key == log {
				f.HighWatermark = min(f.HighWatermark, n)
				f.Position = min(f.Position, n)
			}
		}
		for j := range op.Offsets {
			if o := &op.Offsets[j]; o.Key == log && op.F != histories.StartOffsets {
				o.Offset = min(o.Offset, n)
			}
		}
	}
}

// appendFinal makes the final reads find one more record behind the log's end
// and returns the poll that shows it.
func (v *view) appendFinal(log, value int64) (poll int, offset int64, ok bool) {
	poll = -1
	for i := v.final; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.Type != histories.OK {
			continue
		}
		if f := fetch(op, log); f != nil {
			poll, offset = i, f.HighWatermark
			f.HighWatermark++
		}
		for j := range op.Offsets {
			if o := &op.Offsets[j]; o.Key == log && op.F == histories.EndOffsets {
				o.Offset++
			}
		}
	}
	if poll < 0 {
		return -1, -1, false
	}
	op := &v.Ops[poll]
	recs := append(slices.Clone(runOf(op, log)), histories.Rec{Offset: offset, Value: value})
	setRun(op, log, recs)
	return poll, offset, true
}

// insert puts an operation of a process between entry i and the one behind it.
func (v *view) insert(i int, invoke, done histories.Op) bool {
	a, b := v.Ops[i].Time, v.Ops[i+1].Time
	if b-a < 3 {
		return false
	}
	invoke.Type, invoke.Time, invoke.Index = histories.Invoke, a+1, v.nextID
	done.Time, done.Index = a+2, v.nextID+1
	v.nextID += 2
	v.Ops = slices.Insert(v.Ops, i+1, invoke, done)
	return true
}
