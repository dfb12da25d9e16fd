package histtest

import (
	"math/rand/v2"

	"github.com/ackproof/ackproof/histories"
)

// world is the simulated cluster: a few logs, in which every operation takes
// effect at one instant between its invocation and its completion.
type world struct {
	opts  Options
	rand  *rand.PCG
	logs  []content
	done  []int64 // by log: the greatest length that a completed operation shows
	stats *Stats

	owner     map[int64]int64            // by transactional id: its last instance
	instances int64                      // of producers, so far
	groups    map[string]map[int64]int64 // committed positions

	coordinator coordinator
}

// assigned is a log that a process reads, and where.
type assigned struct{ key, position int64 }

// chance draws true with probability p.
func (w *world) chance(p float64) bool {
	return p > 0 && float64(w.rand.Uint64()>>11)*0x1p-53 < p
}

// effect makes the operation take effect now and writes its completion into it.
// late is what is left to be appended later: by a send whose client gave up.
func (w *world) effect(a *agent) (late bool) {
	late = w.act(a)
	if a.member != nil {
		a.told()
	}
	return late
}

func (w *world) act(a *agent) (late bool) {
	op := &a.op
	op.Type = histories.OK
	switch op.F {
	case histories.Send:
		return w.send(a)
	case histories.Crash:
		op.Type, op.Error = histories.Info, "client crashed"
		w.leave(a)
		return false
	case histories.Subscribe:
		w.subscribe(a)
		return false
	case histories.Commit:
		w.commit(a)
		return false
	case histories.Assign:
		w.assign(a)
		return false
	case histories.Txn:
		w.txn(a)
		return false
	}
	if w.chance(w.opts.FailRate) {
		op.Type, op.Error = histories.Fail, "not the leader"
		return false
	}
	switch op.F {
	case histories.Poll:
		w.poll(a)
	case histories.Committed:
		w.committed(op)
	case histories.Fence:
		w.fence(op)
	case histories.EndOffsets, histories.StartOffsets, histories.StableOffsets:
		op.Offsets = op.Offsets[:0]
		for _, k := range op.Keys {
			var offset int64
			if op.F != histories.StartOffsets {
				offset = w.logs[k].n
				a.saw(k, offset)
			}
			op.Offsets = append(op.Offsets, histories.KeyOffset{Key: k, Offset: offset})
		}
	}
	return false
}

func (w *world) send(a *agent) (late bool) {
	op := &a.op
	if w.chance(w.opts.FailRate) {
		op.Type, op.Error = histories.Fail, "not the leader"
		return false
	}
	if w.chance(w.opts.InfoRate) {
		op.Type, op.Error = histories.Info, "timed out"
		switch w.rand.Uint64() % 4 {
		case 0:
			w.append(op.Mops, false)
		case 1:
			return true
		}
		return false
	}
	w.append(op.Mops, true)
	last := &op.Mops[len(op.Mops)-1]
	a.saw(last.Key, last.Offset+1)
	return false
}

func (w *world) append(mops []histories.Mop, tell bool) {
	for i := range mops {
		log := &w.logs[mops[i].Key]
		if tell {
			mops[i].Offset = log.n
		}
		log.append(mops[i].Value)
	}
	w.stats.Records += int64(len(mops))
}

// assign replaces the agent's assignment and resolves where it begins.
func (w *world) assign(a *agent) {
	op := &a.op
	if w.chance(w.opts.FailRate) {
		op.Type, op.Error = histories.Fail, "not the leader"
		op.Offsets = op.Offsets[:0]
		return
	}
	a.old = append(a.old[:0], a.assigned...)
	a.assigned = a.assigned[:0]
	for _, k := range op.Keys {
		at := assigned{key: k}
		was := int64(-1)
		for _, o := range a.old {
			if o.key == k {
				was = o.position
			}
		}
		given := int64(-1)
		for _, o := range op.Offsets {
			if o.Key == k {
				given = o.Offset
			}
		}
		end := w.logs[k].n
		switch {
		case given >= 0:
			at.position = given
		case op.Seek.To == histories.SeekCommitted:
			at.position = w.groups[op.Group][k]
		case op.Seek.To == histories.SeekBeginning:
		case op.Seek.To == histories.SeekBack && was >= 0:
			at.position = max(0, was-op.Seek.Back)
		case op.Seek.To == histories.SeekBack:
			at.position = max(0, end-op.Seek.Back)
		case op.Seek.To == histories.SeekResume && was >= 0:
			at.position = was
		default:
			at.position = end
		}
		a.saw(k, at.position)
		a.assigned = append(a.assigned, at)
	}
	if op.Isolation != histories.IsolationContract {
		a.all = op.Isolation == histories.ReadUncommitted
	}
	op.Offsets = op.Offsets[:0]
	for _, at := range a.assigned {
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: at.key, Offset: at.position})
	}
}

func (w *world) poll(a *agent) {
	op := &a.op
	if a.member != nil {
		w.memberPoll(a)
		return
	}
	if len(a.assigned) == 0 {
		op.Type, op.Error = histories.Fail, "no log is assigned"
		return
	}
	most := int64(w.opts.PollMax)
	if a.reader {
		most = max(most, readerPollMax)
	}
	w.pollInto(a, 0, most)
}

// pollInto makes the poll that is the operation's mop of this number: at most
// so many records of each log.
func (w *world) pollInto(a *agent, mop int, most int64) {
	op := &a.op
	op.Mops[mop].From = int32(len(op.Runs))
	for i := range a.assigned {
		at := &a.assigned[i]
		log := &w.logs[at.key]
		end := log.n
		if a.stale {
			end = w.older(a, i, end)
		}
		op.Fetched = append(op.Fetched, histories.Fetched{Key: at.key, Position: at.position, HighWatermark: end, Epoch: -1})
		stable := end
		if first, ok := a.open[at.key]; ok && !a.all {
			stable = min(end, first)
		}
		from := int32(len(op.Recs))
		for left := most; at.position < stable && left > 0; at.position++ {
			if log.shown(at.position, !a.all) {
				op.Recs = append(op.Recs, histories.Rec{Offset: at.position, Value: log.at(at.position)})
				left--
			}
		}
		if to := int32(len(op.Recs)); to > from {
			op.Runs = append(op.Runs, histories.Run{Key: at.key, From: from, To: to})
		}
		a.saw(at.key, end)
	}
	op.Mops[mop].Polled = true
	op.Mops[mop].To = int32(len(op.Runs))
}

// older chooses a length that Kafka may still show to the process, although an
// operation that completed before the poll's call had shown a greater one. The
// process itself never goes back.
func (w *world) older(a *agent, i int, end int64) int64 {
	at := a.assigned[i]
	least := max(a.seen[at.key], at.position)
	before := a.before[i]
	if least >= before {
		return end
	}
	w.stats.Stale++
	return least + int64(w.rand.Uint64()%uint64(before-least))
}

// complete remembers what the completed operation shows of the logs.
func (w *world) complete(op *histories.Op) {
	if op.Type != histories.OK {
		return
	}
	switch op.F {
	case histories.Send:
		m := &op.Mops[len(op.Mops)-1]
		w.done[m.Key] = max(w.done[m.Key], m.Offset+1)
		w.stats.Acked[m.Key] += int64(len(op.Mops))
	case histories.Poll:
		for _, f := range op.Fetched {
			w.done[f.Key] = max(w.done[f.Key], f.HighWatermark)
		}
	case histories.Txn:
		for _, m := range op.Mops {
			if m.Send {
				w.done[m.Key] = max(w.done[m.Key], m.Offset+1)
				w.stats.Acked[m.Key]++
			}
		}
	case histories.EndOffsets:
		for _, o := range op.Offsets {
			w.done[o.Key] = max(w.done[o.Key], o.Offset)
		}
	}
}
