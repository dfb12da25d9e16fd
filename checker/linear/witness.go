package linear

// A broker that lies once should be convicted once. A witness whose word
// stands alone against several others is therefore dropped: after an
// acknowledgement with an offset far beyond the log's end, every honest
// operation would contradict it. A few operations that agree are not dropped,
// so that an operation that is too low is held against all of them.
const (
	aloneAt   = 4 // so few witnesses against an operation may all be wrong
	strikeOut = 2 // contradicted that often, they are
)

// contradicted notes who stood against operation A, and drops witnesses that
// stand alone.
func (l *Log) contradicted(a *Op) {
	var against []int64
	for i := range l.ring {
		b := &l.ring[i]
		if b.Ret < a.Call && b.Lo > a.Hi && !b.Suspect {
			if len(against) == aloneAt {
				return
			}
			against = append(against, b.Index)
		}
	}
	out := false
	for _, index := range against {
		l.strikes[index]++
		out = out || l.strikes[index] == strikeOut
	}
	if out {
		l.drop()
	}
}

// drop takes the struck-out witnesses out of the staircase, the window and
// what is remembered as evidence.
func (l *Log) drop() {
	gone := func(op *Op) bool { return l.strikes[op.Index] >= strikeOut }
	for i := range l.ring {
		if gone(&l.ring[i]) {
			l.ring[i].Suspect = true
		}
	}
	first := len(l.stair.steps)
	for i := range l.stair.steps {
		if gone(&l.stair.steps[i].by) {
			first = i
			break
		}
	}
	if first < len(l.stair.steps) {
		l.rebuild(first)
	}
	l.cut.drop(gone)
}

// rebuild builds the staircase anew from a step on. What it hid is still
// remembered, unless a thousand operations have returned since.
func (l *Log) rebuild(first int) {
	since := l.stair.steps[first].at
	clear(l.stair.steps[first:])
	l.stair.steps = l.stair.steps[:first]
	for _, op := range l.Recent() {
		if op.Ret >= since && !op.Suspect {
			l.stair.prove(op.Ret, op.Lo, &op, l.flight)
		}
	}
}
