package histtest

import (
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// listings are two reads of a log's end or start, the second begun after the
// first was answered.
type listings struct {
	first, second *int64
	ops           [2]int // entries
	log           int64
}

func (v *view) listings(f histories.F) []listings {
	type answer struct {
		op     int
		offset *int64
	}
	last := map[int64]answer{}
	var out []listings
	for i := range v.Ops[:v.final] {
		op := &v.Ops[i]
		if op.F != f || op.Type != histories.OK {
			continue
		}
		for j := range op.Offsets {
			o := &op.Offsets[j]
			if l, ok := last[o.Key]; ok && l.op < v.pair[i] {
				out = append(out, listings{l.offset, &o.Offset, [2]int{l.op, i}, o.Key})
			}
			last[o.Key] = answer{i, &o.Offset}
		}
	}
	return out
}

// endBack lists an end that is lower than one that was listed before.
func endBack(v *view) (Evidence, bool) {
	l, ok := pick(v.r, where(v.listings(histories.EndOffsets), func(l listings) bool { return *l.first > 0 }))
	if !ok {
		return Evidence{}, false
	}
	if *l.second, ok = v.length(l.log, max(0, *l.first-20), *l.first); !ok {
		return Evidence{}, false
	}
	return Evidence{l.log, *l.second, -1, []int64{v.index(l.ops[0]), v.index(l.ops[1])}}, true
}

// startBack lists a start that is lower than one that was listed before.
func startBack(v *view) (Evidence, bool) {
	l, ok := pick(v.r, v.listings(histories.StartOffsets))
	if !ok {
		return Evidence{}, false
	}
	*l.first = 1
	return Evidence{l.log, *l.second, -1, []int64{v.index(l.ops[0]), v.index(l.ops[1])}}, true
}

// old is a poll that could have been answered from an older state: the last
// one of its process in its only log.
type old struct {
	op      int
	least   int64 // what the process itself had seen
	shown   int64 // what had been shown to anybody so long before the call
	witness int   // by this entry
}

// olds lists them; age is how long before the call the state must be outdated.
func (v *view) olds(age time.Duration) []old {
	own := map[[2]int64]int64{} // by process and log: the greatest length seen
	var out []old
	type shown struct {
		n  int64
		op int
	}
	history := map[int64][]shown{} // by log: ever greater lengths, by completion
	show := func(i int, log, n int64) {
		h := history[log]
		if len(h) == 0 || h[len(h)-1].n < n {
			history[log] = append(h, shown{n, i})
		}
		p := [2]int64{v.Ops[i].Process, log}
		own[p] = max(own[p], n)
	}
	last := map[[2]int64]int{} // by process and log: its last poll
	for i := range v.Ops[:v.final] {
		for _, f := range v.Ops[i].Fetched {
			last[[2]int64{v.Ops[i].Process, f.Key}] = i
		}
	}
	for i := range v.Ops[:v.final] {
		op := &v.Ops[i]
		if op.Type != histories.OK {
			continue
		}
		for _, f := range op.Fetched {
			p := [2]int64{op.Process, f.Key}
			o := old{op: i, least: max(own[p], f.Position)}
			call := v.Ops[v.pair[i]].Time
			for _, s := range slices.Backward(history[f.Key]) {
				if v.Ops[s.op].Time+age < call {
					o.shown, o.witness = s.n, s.op
					break
				}
			}
			if last[p] == i && len(op.Fetched) == 1 {
				out = append(out, o)
			}
			show(i, f.Key, f.HighWatermark)
		}
		for _, m := range op.Mops {
			if m.Send {
				show(i, m.Key, m.Offset+1)
			}
		}
		for _, e := range op.Offsets {
			switch p := [2]int64{op.Process, e.Key}; op.F {
			case histories.EndOffsets:
				show(i, e.Key, e.Offset)
			case histories.Assign: // binds the process, and proves nothing to others
				own[p] = max(own[p], e.Offset)
			}
		}
	}
	return out
}

// stale answers a poll from a state that was outdated long before its call.
func stale(age time.Duration, reads string, bound int64) func(v *view) (Evidence, bool) {
	return func(v *view) (Evidence, bool) {
		o, ok := pick(v.r, where(v.olds(age), func(o old) bool {
			_, ok := v.length(v.Ops[o.op].Fetched[0].Key, o.least, o.shown)
			return ok
		}))
		if !ok {
			return Evidence{}, false
		}
		op := &v.Ops[o.op]
		f := &op.Fetched[0]
		f.HighWatermark, _ = v.length(f.Key, o.least, o.shown)
		setRun(op, f.Key, where(runOf(op, f.Key), func(r histories.Rec) bool { return r.Offset < f.HighWatermark }))
		v.Header.Contract.Reads, v.Header.Contract.StalenessMillis = reads, bound
		return Evidence{f.Key, f.HighWatermark, -1, []int64{v.index(o.witness), v.index(o.op)}}, true
	}
}

// tie gives neighbouring entries the same time: clocks are coarse elsewhere.
func tie(v *view) (Evidence, bool) {
	e := Evidence{-1, -1, -1, nil}
	for i := 1; i < len(v.Ops); i++ {
		if v.r.IntN(4) == 0 {
			v.Ops[i].Time = v.Ops[i-1].Time
			e.Ops = append(e.Ops, v.index(i))
		}
	}
	return e, len(e.Ops) > 0
}

// die removes the completion of a send without an outcome: its client was killed.
func die(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.unknown)
	if !ok {
		return Evidence{}, false
	}
	m := *v.mop(s)
	e := Evidence{m.Key, -1, m.Value, []int64{v.index(s.invoke)}}
	v.Ops = append(v.Ops[:s.done], v.Ops[s.done+1:]...)
	return e, true
}
