package shrink

import (
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// operation is an invocation with its completion, or one entry of the nemesis.
// Its entries are copies that nobody changes: what is smaller is another
// operation.
type operation struct {
	call, done *histories.Op // one of them may be missing
}

// first is the operation's first entry.
func (o operation) first() *histories.Op {
	if o.call != nil {
		return o.call
	}
	return o.done
}

// last is the entry that tells how it ended, so far as it is known.
func (o operation) last() *histories.Op {
	if o.done != nil {
		return o.done
	}
	return o.call
}

func (o operation) client() bool { return o.first().Process != histories.Nemesis }

// each calls f with each entry.
func (o operation) each(f func(*histories.Op)) {
	if o.call != nil {
		f(o.call)
	}
	if o.done != nil {
		f(o.done)
	}
}

// record names a record by its log and its value.
type record struct{ log, value int64 }

// partKind is what can be taken out of an operation.
type partKind uint8

const (
	partSend   partKind = iota // a record that is sent, the n-th micro-operation
	partRecord                 // a record that was polled, the n-th
	partLog                    // everything about the log n: its fetches, positions and answers
)

// part is something of an operation that can be taken out.
type part struct {
	op   int // index of the operation
	kind partKind
	n    int64
}

// parts lists what can be taken out of an operation: nothing of one that would
// be empty without it, because then it is the operation that goes.
func (o operation) parts(at int) []part {
	var out []part
	last := o.last()
	for i := range last.Mops {
		if last.Mops[i].Send {
			out = append(out, part{at, partSend, int64(i)})
		}
	}
	for i := range last.Recs {
		out = append(out, part{at, partRecord, int64(i)})
	}
	for _, key := range logsOf(last) {
		out = append(out, part{at, partLog, key})
	}
	return out
}

// logsOf lists the logs that an entry asks about or was told about, beside the
// records in it.
func logsOf(op *histories.Op) []int64 {
	var keys []int64
	if op.F != histories.Fence {
		keys = append(keys, op.Keys...)
	}
	for _, o := range op.Offsets {
		keys = append(keys, o.Key)
	}
	for _, f := range op.Fetched {
		keys = append(keys, f.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// cut is what is taken out of one operation.
type cut struct {
	sends, recs map[int64]bool // by index
	logs        map[int64]bool // by key
}

func (c *cut) add(p part) {
	set := map[partKind]*map[int64]bool{partSend: &c.sends, partRecord: &c.recs, partLog: &c.logs}[p.kind]
	if *set == nil {
		*set = map[int64]bool{}
	}
	(*set)[p.n] = true
}

// less returns the operation without what is cut out of it.
func (o operation) less(c *cut) operation {
	if o.call != nil {
		o.call = lessOf(o.call, c, nil)
	}
	if o.done != nil {
		o.done = lessOf(o.done, c, nil)
	}
	return o
}

// lessOf returns a copy of an entry without what is cut, and without the polled
// records that drop names.
func lessOf(op *histories.Op, c *cut, drop func(log int64, r histories.Rec) bool) *histories.Op {
	out := *op
	out.Mops, out.Runs, out.Recs, out.Bad = nil, nil, nil, nil
	for i := range op.Mops {
		m := op.Mops[i]
		if m.Send {
			if !c.sends[int64(i)] {
				out.Mops = append(out.Mops, m)
			}
			continue
		}
		from := int32(len(out.Runs))
		for _, run := range op.Runs[m.From:m.To] {
			first := int32(len(out.Recs))
			for j := run.From; j < run.To; j++ {
				if r := op.Recs[j]; !c.recs[int64(j)] && (drop == nil || !drop(run.Key, r)) {
					out.Recs = append(out.Recs, r)
				}
			}
			if n := int32(len(out.Recs)); n > first || run.From == run.To && !c.logs[run.Key] {
				out.Runs = append(out.Runs, histories.Run{Key: run.Key, From: first, To: n})
			}
		}
		m.From, m.To = from, int32(len(out.Runs))
		out.Mops = append(out.Mops, m)
	}
	for _, b := range op.Bad { // what is wrong with a record goes with it
		if has(&out, b.Key, b.Offset) {
			out.Bad = append(out.Bad, b)
		}
	}
	out.Abort = min(op.Abort, int32(len(out.Mops))+1)
	if len(c.logs) > 0 {
		dropLogs(&out, op, c.logs)
	}
	return &out
}

func has(op *histories.Op, key, offset int64) bool {
	for _, run := range op.Runs {
		for _, r := range op.Recs[run.From:run.To] {
			if run.Key == key && r.Offset == offset {
				return true
			}
		}
	}
	return false
}

// dropLogs takes out what an entry says of the logs beside records.
func dropLogs(out, op *histories.Op, logs map[int64]bool) {
	if op.F != histories.Fence { // whose keys are no logs
		out.Keys = keep(op.Keys, func(k int64) bool { return !logs[k] })
	}
	if len(op.IDs) == len(op.Offsets) { // they belong together
		out.IDs = nil
		for i, o := range op.Offsets {
			if !logs[o.Key] {
				out.IDs = append(out.IDs, op.IDs[i])
			}
		}
	}
	out.Offsets = keep(op.Offsets, func(o histories.KeyOffset) bool { return !logs[o.Key] })
	out.Fetched = keep(op.Fetched, func(f histories.Fetched) bool { return !logs[f.Key] })
}

func keep[T any](all []T, ok func(T) bool) []T {
	var out []T
	for _, x := range all {
		if ok(x) {
			out = append(out, x)
		}
	}
	return out
}
