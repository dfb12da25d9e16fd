package histtest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// What a place in a log is, where it is not a record that everybody gets.
const (
	marker   = iota + 1 // nobody gets it
	rollback            // a record of an aborted transaction: for readers of everything
)

// hide notes that the place at a log's end is not for everybody.
func (c *content) hide(what uint8) {
	if c.hidden == nil {
		c.hidden = map[int64]uint8{}
	}
	c.hidden[c.n] = what
}

// shown tells whether a reader gets what stands at the offset.
func (c *content) shown(offset int64, committed bool) bool {
	h := c.hidden[offset]
	return h == 0 || h == rollback && !committed
}

// txn makes a transaction take effect at one instant, markers included.
func (w *world) txn(a *agent) {
	op := &a.op
	op.Type = histories.OK
	op.Producer = histories.Producer{}
	if !w.owns(a, op) {
		return
	}
	commit, tell := op.Abort == 0, true
	if w.chance(w.opts.FailRate) {
		commit, op.Type, op.Error = false, histories.Fail, "timed out"
	}
	if commit && w.chance(w.opts.InfoRate) {
		commit, tell = w.rand.Uint64()%2 == 0, false
		op.Type, op.Error = histories.Info, "no answer to the commit"
	}
	if op.Abort != 0 {
		op.Type, op.Error = histories.Fail, "aborted on purpose"
	}
	before := append(a.old[:0], a.assigned...)
	a.old = before
	done := w.mops(a, commit, tell)
	if !done {
		op.Type, op.Error = histories.Fail, "too few records to transform"
	}
	if commit && done && op.Group != "" {
		w.commitPositions(op.Group, a)
	}
	if op.Type != histories.OK {
		a.assigned = append(a.assigned[:0], before...)
	}
}

// owns makes sure that the agent's producer is the last one under its
// transactional id.
func (w *world) owns(a *agent, op *histories.Op) bool {
	id := int64(a.id + 1)
	if w.owner == nil {
		w.owner = map[int64]int64{}
	}
	switch {
	case a.instance == 0:
		w.instances++
		a.instance = w.instances
		w.owner[id] = a.instance
	case w.owner[id] != a.instance:
		op.Type, op.Error = histories.Fail, "fenced"
		op.Producer = histories.Producer{Txn: id, Instance: a.instance, Epoch: a.instance}
		a.instance = 0
		return false
	}
	op.Producer = histories.Producer{Txn: id, Instance: a.instance, Epoch: a.instance}
	return true
}

// mops does the micro-operations; false where a transformation finds too few
// records.
func (w *world) mops(a *agent, commit, tell bool) bool {
	op := &a.op
	written := map[int64]bool{}
	a.open = map[int64]int64{}
	defer func() { a.open = nil }()
	done := true
	for i := range op.Mops {
		m := &op.Mops[i]
		if op.Abort != 0 && i >= int(op.Abort)-1 {
			break
		}
		if !m.Send {
			most := int64(w.opts.PollMax)
			if op.Group != "" {
				most = int64(len(op.Mops) - 1)
			}
			if len(a.assigned) == 0 {
				done = false
				break
			}
			w.pollInto(a, i, most)
			if op.Group != "" && int64(len(op.Recs)) < most {
				done = false
				break
			}
			continue
		}
		log := &w.logs[m.Key]
		m.Offset = histories.OffsetUnknown
		if tell {
			m.Offset = log.n
		}
		if !commit {
			log.hide(rollback)
		}
		log.append(m.Value)
		w.stats.Records++
		if !written[m.Key] {
			a.open[m.Key] = log.n - 1
		}
		written[m.Key] = true
	}
	for key := range w.logs {
		if written[int64(key)] {
			w.logs[key].hide(marker)
			w.logs[key].append(0)
			a.saw(int64(key), w.logs[key].n-1)
		}
	}
	return done
}

// commitPositions keeps the agent's positions as its group's.
func (w *world) commitPositions(group string, a *agent) {
	if w.groups == nil {
		w.groups = map[string]map[int64]int64{}
	}
	if w.groups[group] == nil {
		w.groups[group] = map[int64]int64{}
	}
	for _, at := range a.assigned {
		w.groups[group][at.key] = at.position
	}
}

// fence takes over transactional ids.
func (w *world) fence(op *histories.Op) {
	if w.owner == nil {
		w.owner = map[int64]int64{}
	}
	for _, id := range op.Keys {
		w.instances++
		w.owner[id] = w.instances
		op.Producer = histories.Producer{Txn: id, Instance: w.instances, Epoch: w.instances}
	}
}

// txnMix is a workload of transactions: every third client transforms what it
// consumes.
type txnMix struct {
	*mix
	ahead []histories.Op // by worker: waits for an assignment
}

func newTxnMix(o Options) *txnMix {
	return &txnMix{mix: newMix(o), ahead: make([]histories.Op, o.workers())}
}

func (m *txnMix) source() source { return source{m.next, m.saw} }

func (m *txnMix) next(now time.Duration, worker int, op *histories.Op) uint8 {
	o := &m.opts
	if worker >= o.Clients {
		t := m.mix.next(now, worker, op)
		if op.F == histories.Assign {
			op.Isolation = histories.ReadUncommitted
		}
		return t
	}
	r := rand.New(m.rand)
	transforms := worker%3 == 2
	switch n := r.IntN(100); {
	case m.fresh[worker]:
		op.F, op.Isolation = histories.Assign, histories.ReadCommitted
		op.Keys = append(op.Keys, int64(worker%o.Logs))
		op.Seek.To = histories.SeekEnd
		if transforms {
			op.Seek.To, op.Group = histories.SeekCommitted, groupOf(worker)
		}
	case transforms && n < 97:
		op.F, op.Group = histories.Txn, groupOf(worker)
		op.AddPoll()
		m.addSends(r, op, worker, 1+r.IntN(3))
		m.abort(r, op)
	case transforms:
		m.fresh[worker] = true
		return m.next(now, worker, op)
	case n < 60:
		op.F = histories.Txn
		for range 1 + r.IntN(4) {
			if r.IntN(3) == 0 {
				op.AddPoll()
			} else {
				m.addSends(r, op, worker, 1)
			}
		}
		m.abort(r, op)
	case n < 75:
		op.F = histories.Poll
		op.AddPoll()
	case n < 90:
		op.F = histories.StableOffsets
		op.Keys = append(op.Keys, r.Int64N(int64(o.Logs)))
	case n < 97:
		m.send(op, worker, r.Uint64(), 1)
	case n < 99:
		op.F = histories.Fence
		op.Keys = append(op.Keys, 1+r.Int64N(int64(o.Clients)))
	default:
		op.F = histories.Crash
	}
	return turnGo
}

func (m *txnMix) addSends(r *rand.Rand, op *histories.Op, worker, n int) {
	for range n {
		op.AddSend(r.Int64N(int64(m.opts.Logs)), m.records[worker]*int64(m.opts.Clients)+int64(worker))
		m.records[worker]++
	}
}

func (m *txnMix) abort(r *rand.Rand, op *histories.Op) {
	if r.IntN(8) == 0 {
		op.Abort = 1 + int32(r.IntN(len(op.Mops)+1))
	}
}

func groupOf(worker int) string { return "g" + string(rune('a'+worker%26)) }

// txnFinals are the final reads of such a run: after every transactional id was
// taken over, and the log found to be stable.
func newTxnFinals(o Options) *finals {
	f := newFinals(o)
	f.stages = slices.Concat([]histories.F{histories.Fence}, finalStages[:2], []histories.F{histories.StableOffsets}, finalStages[2:])
	for n := range o.Clients {
		f.ids = append(f.ids, int64(n+1))
	}
	return f
}
