package histtest

import (
	"math/rand/v2"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// mix is the built-in workload: the shares of Options, tailing readers, and
// the assignment that every fresh process begins with.
type mix struct {
	opts    Options
	rand    *rand.PCG
	records []int64 // sent so far, by worker
	fresh   []bool  // the worker's process has no assignment yet
	tails   []int64 // the next offset of each tailing reader
}

func newMix(o Options) *mix {
	m := &mix{
		opts: o, rand: rand.NewPCG(o.Seed, 0x6d6978), records: make([]int64, o.Clients),
		fresh: make([]bool, o.workers()), tails: make([]int64, o.Logs),
	}
	for i := range m.fresh {
		m.fresh[i] = true
	}
	return m
}

func (m *mix) source() source { return source{m.next, m.saw} }

func (m *mix) next(_ time.Duration, worker int, op *histories.Op) uint8 {
	o := &m.opts
	if worker >= o.Clients {
		m.tail(worker-o.Clients, m.fresh[worker], op)
		return turnGo
	}
	r := m.rand.Uint64()
	share := int(r & 1023)
	r >>= 10
	within := func(n int) bool { share -= n; return share < 0 }
	switch {
	case m.fresh[worker] || within(o.Assigns):
		op.F = histories.Assign
		m.keys(op, r)
		if m.fresh[worker] || r>>40&3 != 0 {
			op.Seek.To = histories.SeekEnd
		} else {
			op.Seek = histories.Seek{To: histories.SeekBack, Back: int64(r>>44%16) + 1}
		}
	case within(o.Polls):
		op.F = histories.Poll
		op.Mops = append(op.Mops, histories.Mop{})
	case within(o.Ends):
		op.F = histories.EndOffsets
		m.keys(op, r)
	case within(o.Starts):
		op.F = histories.StartOffsets
		m.keys(op, r)
	case within(o.Crashes):
		op.F = histories.Crash
	case within(o.Batches) && o.Batch > 1:
		m.send(op, worker, r, 2+int(r>>40%uint64(o.Batch-1)))
	default:
		m.send(op, worker, r, 1)
	}
	return turnGo
}

// keys names one log, or two.
func (m *mix) keys(op *histories.Op, r uint64) {
	n := uint64(m.opts.Logs)
	k := r & 0xffff % n
	op.Keys = append(op.Keys, int64(k))
	if n > 1 && r>>20&7 == 0 {
		op.Keys = append(op.Keys, int64((k+1+r>>24&0xff%(n-1))%n))
	}
}

func (m *mix) send(op *histories.Op, worker int, r uint64, n int) {
	op.F = histories.Send
	key := int64(r & 0xffff % uint64(m.opts.Logs))
	for range n {
		value := m.records[worker]*int64(m.opts.Clients) + int64(worker)
		m.records[worker]++
		op.Mops = append(op.Mops, histories.Mop{Send: true, Key: key, Offset: histories.OffsetUnknown, Value: value})
	}
}

func (m *mix) tail(log int, fresh bool, op *histories.Op) {
	if !fresh {
		op.F = histories.Poll
		op.Mops = append(op.Mops, histories.Mop{})
		return
	}
	op.F = histories.Assign
	op.Seek.To = histories.SeekBeginning
	op.Keys = append(op.Keys, int64(log))
	if m.tails[log] > 0 {
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: int64(log), Offset: m.tails[log]})
	}
}

func (m *mix) saw(worker int, op *histories.Op) {
	switch {
	case op.Type == histories.Info:
		m.fresh[worker] = true
	case op.F == histories.Assign && op.Type == histories.OK:
		m.fresh[worker] = false
	case worker >= m.opts.Clients && op.Type == histories.OK && len(op.Recs) > 0:
		m.tails[worker-m.opts.Clients] = op.Recs[len(op.Recs)-1].Offset + 1
	}
}

// finals are the final reads: worker i reads log i from its start to its
// listed end.
type finals struct {
	logs   []finalRead
	stages []histories.F
	ids    []int64 // the transactional ids to take over
}

type finalRead struct {
	stage         int // into finalStages
	position, end int64
}

var finalStages = []histories.F{
	histories.StartOffsets, histories.EndOffsets, histories.Assign, histories.Poll, histories.EndOffsets,
}

func newFinals(o Options) *finals {
	return &finals{logs: make([]finalRead, o.Logs), stages: finalStages}
}

func (f *finals) source() source { return source{f.next, f.saw} }

func (f *finals) next(_ time.Duration, worker int, op *histories.Op) uint8 {
	l := &f.logs[worker]
	if l.stage == len(f.stages) {
		return turnDone
	}
	op.F = f.stages[l.stage]
	switch op.F {
	case histories.Poll:
		op.Mops = append(op.Mops, histories.Mop{})
	case histories.Fence:
		op.Keys = append(op.Keys, f.ids...)
	default:
		op.Keys = append(op.Keys, int64(worker))
		op.Seek.To = histories.SeekResume
		if op.F == histories.Assign {
			op.Seek.To = histories.SeekBeginning
		}
	}
	return turnGo
}

func (f *finals) saw(worker int, op *histories.Op) {
	l := &f.logs[worker]
	if op.Type != histories.OK {
		return
	}
	switch op.F {
	case histories.EndOffsets:
		l.end = op.Offsets[0].Offset
	case histories.Poll:
		if len(op.Fetched) > 0 {
			l.position = max(l.position, op.Fetched[0].Position)
		}
		if n := len(op.Recs); n > 0 {
			l.position = op.Recs[n-1].Offset + 1
		}
		if l.position < l.end {
			return
		}
	}
	l.stage++
}
