package histtest

import (
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// reorderBatch exchanges two neighbours of one batch.
func reorderBatch(v *view) (Evidence, bool) {
	s, ok := pick(v.r, where(v.acked, func(s sent) bool { return !v.single(s) }))
	if !ok {
		return Evidence{}, false
	}
	mops := v.Ops[s.done].Mops
	i := v.r.IntN(len(mops) - 1)
	log, offset := mops[i].Key, mops[i].Offset
	v.swap(log, offset, offset+1)
	return Evidence{log, offset, mops[i+1].Value, []int64{v.index(s.done)}}, true
}

// inOrder lists the pairs of neighbouring records where the second send began
// after the first was acknowledged, and before anybody had seen the first.
func (v *view) inOrder(same bool) [][2]sent {
	var out [][2]sent
	for _, a := range v.singles() {
		at := record{v.mop(a).Key, v.mop(a).Offset}
		b, ok := v.writer[record{at.log, at.offset + 1}]
		if !ok || !v.single(b) || b.invoke < a.done || same != (v.Ops[a.done].Process == v.Ops[b.done].Process) {
			continue
		}
		if r := v.readers[at]; len(r) > 0 && r[0].op < b.invoke {
			continue
		}
		out = append(out, [2]sent{a, b})
	}
	return out
}

// regress gives the later of two sends the earlier offset.
func regress(same bool) func(v *view) (Evidence, bool) {
	return func(v *view) (Evidence, bool) {
		p, ok := pick(v.r, v.inOrder(same))
		if !ok {
			return Evidence{}, false
		}
		m := *v.mop(p[0])
		v.swap(m.Key, m.Offset, m.Offset+1)
		return Evidence{m.Key, m.Offset, v.mop(p[1]).Value, []int64{v.index(p[0].done), v.index(p[1].done)}}, true
	}
}

// foresee lets a send begin only after its record was polled.
func foresee(v *view) (Evidence, bool) {
	s, ok := pick(v.r, where(v.singles(), func(s sent) bool {
		r := v.readers[record{v.mop(s).Key, v.mop(s).Offset}]
		return len(r) > 0 && r[0].op+10 < v.final
	}))
	if !ok {
		return Evidence{}, false
	}
	m := *v.mop(s)
	poll := v.readers[record{m.Key, m.Offset}][0].op
	e := Evidence{m.Key, m.Offset, m.Value, []int64{v.index(poll), v.nextID}}
	invoke, done := v.Ops[s.invoke], v.Ops[s.done]
	invoke.Process, done.Process = v.nextID, v.nextID // the old process goes on without it
	for at := max(poll, s.done); at < v.final-1; at++ {
		if v.insert(at, invoke, done) {
			v.Ops = slices.Delete(v.Ops, s.done, s.done+1)
			v.Ops = slices.Delete(v.Ops, s.invoke, s.invoke+1)
			return e, true
		}
	}
	return Evidence{}, false
}

// pollPair is two polls of one process that follow each other in one log, both
// with records, and no assignment between them.
type pollPair struct {
	key          int64
	first, again int // entries
}

// steps lists them, the final reads excepted.
func (v *view) steps() []pollPair {
	var out []pollPair
	last := map[[2]int64]int{} // by process and log: the poll that goes on
	for i := range v.Ops[:v.final] {
		op := &v.Ops[i]
		switch {
		case op.Type == histories.Invoke || op.Process < 0:
		case op.F == histories.Assign:
			for k := range v.ends {
				delete(last, [2]int64{op.Process, int64(k)})
			}
		case op.F == histories.Poll && op.Type == histories.OK:
			for _, run := range op.Runs {
				p := [2]int64{op.Process, run.Key}
				if before, ok := last[p]; ok {
					out = append(out, pollPair{run.Key, before, i})
				}
				last[p] = i
			}
		}
	}
	return out
}

// goBack makes a poll begin with the record that the poll before it ended with.
func goBack(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.steps())
	if !ok {
		return Evidence{}, false
	}
	rec := v.repeat(s)
	return Evidence{s.key, rec.Offset, rec.Value, []int64{v.index(s.first), v.index(s.again)}}, true
}

func (v *view) repeat(s pollPair) histories.Rec {
	before, op := runOf(&v.Ops[s.first], s.key), &v.Ops[s.again]
	rec := before[len(before)-1]
	setRun(op, s.key, append([]histories.Rec{rec}, runOf(op, s.key)...))
	fetch(op, s.key).Position = rec.Offset
	return rec
}

// seekBack is goBack where the process had asked for it.
func seekBack(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.steps())
	if !ok {
		return Evidence{}, false
	}
	process := v.Ops[s.again].Process
	assign := histories.Op{F: histories.Assign, Process: process, Seek: histories.Seek{To: histories.SeekBack, Back: 1}}
	at := s.first // the process's last entry before the second poll's call
	for i := s.first; i < v.pair[s.again]; i++ {
		if v.Ops[i].Process == process {
			at = i
		}
	}
	rec := v.repeat(s)
	done := assign
	done.Type = histories.OK
	for _, f := range v.Ops[s.again].Fetched {
		assign.Keys = append(assign.Keys, f.Key)
		done.Offsets = append(done.Offsets, histories.KeyOffset{Key: f.Key, Offset: f.Position})
	}
	done.Keys = assign.Keys
	e := Evidence{s.key, rec.Offset, rec.Value, []int64{v.index(s.again)}}
	for ; at < v.pair[s.again]; at++ {
		if v.insert(at, assign, done) {
			return e, true
		}
	}
	return Evidence{}, false
}

// skip makes a poll pass over its first record.
func skip(v *view) (Evidence, bool) {
	s, ok := pick(v.r, where(v.steps(), func(s pollPair) bool { return len(runOf(&v.Ops[s.again], s.key)) > 1 }))
	if !ok {
		return Evidence{}, false
	}
	op := &v.Ops[s.again]
	recs := slices.Clone(runOf(op, s.key))
	setRun(op, s.key, recs[1:])
	return Evidence{s.key, recs[0].Offset, recs[0].Value, []int64{v.index(s.first), v.index(s.again)}}, true
}

// longPolls lists the polls with a run of at least n records, the final reads
// excepted.
func (v *view) longPolls(n int) []pollPair {
	var out []pollPair
	for i := range v.Ops[:v.final] {
		for _, run := range v.Ops[i].Runs {
			if int(run.To-run.From) >= n {
				out = append(out, pollPair{run.Key, i, i})
			}
		}
	}
	return out
}

// skipInside makes a poll pass over a record in its middle.
func skipInside(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.longPolls(3))
	if !ok {
		return Evidence{}, false
	}
	op := &v.Ops[s.again]
	recs := slices.Clone(runOf(op, s.key))
	i := 1 + v.r.IntN(len(recs)-2)
	gone := recs[i]
	setRun(op, s.key, slices.Delete(recs, i, i+1))
	return Evidence{s.key, gone.Offset, gone.Value, []int64{v.index(s.again)}}, true
}

// reorderPoll exchanges two neighbours in one poll.
func reorderPoll(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.longPolls(2))
	if !ok {
		return Evidence{}, false
	}
	recs := runOf(&v.Ops[s.again], s.key)
	i := v.r.IntN(len(recs) - 1)
	recs[i], recs[i+1] = recs[i+1], recs[i]
	return Evidence{s.key, recs[i+1].Offset, recs[i+1].Value, []int64{v.index(s.again)}}, true
}

// failPoll lets a poll fail, and the next one return what it would have.
func failPoll(v *view) (Evidence, bool) {
	s, ok := pick(v.r, where(v.steps(), func(s pollPair) bool {
		return len(v.Ops[s.first].Fetched) == 1 && len(v.Ops[s.again].Fetched) == 1 && v.next(s.first) == v.pair[s.again]
	}))
	if !ok {
		return Evidence{}, false
	}
	first, again := &v.Ops[s.first], &v.Ops[s.again]
	setRun(again, s.key, append(slices.Clone(runOf(first, s.key)), runOf(again, s.key)...))
	again.Fetched[0].Position = first.Fetched[0].Position
	first.Type, first.Error = histories.Fail, "not the leader"
	first.Runs, first.Recs, first.Fetched = nil, nil, nil
	first.Mops = []histories.Mop{{}}
	return Evidence{s.key, -1, -1, []int64{v.index(s.first), v.index(s.again)}}, true
}

// next is the process's next entry behind entry i.
func (v *view) next(i int) int {
	for j := i + 1; j < len(v.Ops); j++ {
		if v.Ops[j].Process == v.Ops[i].Process {
			return j
		}
	}
	return -1
}
