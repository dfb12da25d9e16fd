package checker

import (
	"github.com/ackproof/ackproof/checker/linear"
	"github.com/ackproof/ackproof/histories"
)

// orderedLog is one log: its order, and the sends whose place in it has to be
// found by the records that are read.
type orderedLog struct {
	c     *linearizable
	key   int64
	order *linear.Log
	held  offsetSet             // offsets of which it is known who wrote them
	lost  map[int64]*unsureSend // by value: sends without a known outcome or offset
	early map[int64]int64       // by value: offset of a record seen before its send completed
	read  logRead               // by the poll that is being taken

	oldest   int64 // the greatest age of a state that a fetch showed, ns
	oldestOp int64
}

// maxEarly bounds the records that wait for their send to complete. Those that
// never do (records of nobody, second copies) are forgotten when it is full;
// an unknown send among them is placed when it is read again.
const maxEarly = 1 << 16

// unsureSend is a produce that waits to be seen. past is what had been proven
// when it was called: it holds against it however late it is seen.
type unsureSend struct {
	op     linear.Op
	past   linear.Past
	values []int64
}

func newOrderedLog(c *linearizable, key int64) *orderedLog {
	cfg := linear.Config{
		Log: key,
		// One request is one batch only where a client's every attempt is an
		// operation of its own.
		Atomic: c.env.Contract.Attempts == "single",
		Window: c.pool.Submit,
	}
	switch c.env.Model {
	case Kafka:
		cfg.Model = linear.Kafka
	case Session:
		cfg.Model = linear.Session
	}
	return &orderedLog{
		c: c, key: key, order: linear.NewLog(cfg, c.flight), oldestOp: -1,
		lost: make(map[int64]*unsureSend), early: make(map[int64]int64),
	}
}

// judge gives an operation to the log's order.
func (l *orderedLog) judge(op linear.Op) {
	if v, bad := l.order.Return(op); bad {
		l.c.convict(l, v)
	}
	if len(l.c.pages.wants) > 0 {
		l.c.pages.collect(l, false)
	}
}

// acked takes one produce with its offsets.
func (l *orderedLog) acked(op linear.Op, sends []histories.Mop) {
	base := sends[0].Offset
	op.Kind, op.Hi, op.Lo, op.Value = linear.Produce, base, base+int64(len(sends)), sends[0].Value
	for i := range sends {
		at := base + int64(i)
		if len(l.early) > 0 {
			if seen, ok := l.early[sends[i].Value]; ok {
				op.Suspect = op.Suspect || seen != at
				delete(l.early, sends[i].Value)
			}
		}
		if !op.Suspect {
			l.held.add(at)
		}
	}
	l.judge(op)
}

// unsure takes one produce that has to be found by its values.
func (l *orderedLog) unsure(op linear.Op, sends []histories.Mop) {
	s := &unsureSend{op: op, past: l.order.Past(op.Call, op.Process), values: make([]int64, len(sends))}
	s.op.Kind, s.op.Unknown, s.op.Value = linear.Produce, true, sends[0].Value
	for i := range sends {
		s.values[i] = sends[i].Value
		l.lost[s.values[i]] = s
	}
	for _, v := range s.values {
		if at, ok := l.early[v]; ok {
			delete(l.early, v)
			l.place(s, at, v)
		}
	}
}

// seen takes a record that was read at an offset.
func (l *orderedLog) seen(offset, value, entry int64) {
	if l.held.has(offset) {
		return
	}
	if s := l.lost[value]; s != nil {
		l.place(s, offset, value)
		return
	}
	if value == histories.NoValue {
		return
	}
	if len(l.early) >= maxEarly {
		clear(l.early)
	}
	if _, ok := l.early[value]; !ok {
		l.early[value] = offset
	}
}

// place gives a send the offset at which its record was seen.
func (l *orderedLog) place(s *unsureSend, offset, value int64) {
	if l.lost[value] != s {
		return
	}
	op := s.op
	op.Ret = l.c.now
	if first, ok := l.whole(s, offset, value); ok {
		op.Hi, op.Lo = first, first+int64(len(s.values))
		for _, v := range s.values {
			delete(l.lost, v)
		}
	} else {
		op.Hi, op.Lo, op.Value = offset, offset+1, value
		delete(l.lost, value)
	}
	for at := op.Hi; at < op.Lo; at++ {
		l.held.add(at)
	}
	if v, bad := l.order.Seen(op, s.past); bad {
		l.c.convict(l, v)
	}
}

// whole returns the base of the batch that a record was sent in, if it was one
// batch and none of the offsets is known to be another's.
func (l *orderedLog) whole(s *unsureSend, offset, value int64) (first int64, ok bool) {
	if l.c.env.Contract.Attempts != "single" {
		return 0, false
	}
	for i, v := range s.values {
		if l.lost[v] != s {
			return 0, false
		}
		if v == value {
			first = offset - int64(i)
		}
	}
	if first < 0 {
		return 0, false
	}
	for i := range s.values {
		if l.held.has(first + int64(i)) {
			return 0, false
		}
	}
	return first, true
}
