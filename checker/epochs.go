package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// epochs holds the leader epochs of a log's records to rising with the offsets:
// a leader appends behind its predecessors, and what consumers may read is never
// written anew.
type epochs struct {
	env  *Env
	f    *Facts
	r    *Report
	logs map[int64]*epochLog
}

// epochLog is what fetches said of one log, in the order of the offsets. There
// is one span for each leader as a rule.
type epochLog struct {
	spans   []epochSpan
	noticed bool // that its epochs fall was counted
}

// epochSpan is a range of offsets whose ends were shown under one epoch, and
// between which no other one was.
type epochSpan struct {
	from, to     int64 // offsets
	fromOp, toOp int64
	epoch        int64
	n            int64 // how often it was shown
}

// maxEpochSpans bounds the spans of one log: real logs have a few.
const maxEpochSpans = 4096

func newEpochs(e *Env, r *Report) Pass {
	return &epochs{env: e, f: e.Facts, r: r, logs: map[int64]*epochLog{}}
}

// Observe takes the next entry.
func (c *epochs) Observe(op *histories.Op) {
	if op.Type == histories.Invoke || op.Process < 0 {
		return
	}
	for i := range op.Fetched {
		f := &op.Fetched[i]
		if f.Epoch < 0 {
			continue
		}
		if offset := op.LastOf(i); offset >= 0 {
			l := c.log(f.Key)
			if l.show(offset, f.Epoch, op.Index) && !l.noticed && l.falls() {
				l.noticed = true
				c.r.notice(LeaderEpochRegression, c.env.LossAllowed())
			}
		}
	}
}

// falls tells whether two spans contradict each other: where none contradicts
// its neighbour, none contradicts any.
func (l *epochLog) falls() bool {
	for i := 1; i < len(l.spans); i++ {
		if !l.spans[i-1].agrees(l.spans[i]) {
			return true
		}
	}
	return false
}

func (c *epochs) log(key int64) *epochLog {
	l := c.logs[key]
	if l == nil {
		l = &epochLog{}
		c.logs[key] = l
	}
	return l
}

// show notes the epoch of a record, and tells whether there is a new span by it.
func (l *epochLog) show(offset, epoch, op int64) bool {
	before := len(l.spans)
	i, _ := slices.BinarySearchFunc(l.spans, offset, func(s epochSpan, o int64) int {
		switch {
		case s.to < o:
			return -1
		case s.from > o:
			return 1
		}
		return 0
	})
	one := epochSpan{offset, offset, op, op, epoch, 1}
	switch {
	case i < len(l.spans) && l.spans[i].from <= offset:
		l.inside(i, one)
	case i > 0 && l.spans[i-1].epoch == epoch: // the common case: the log has grown
		l.spans[i-1].to, l.spans[i-1].toOp = offset, op
		l.spans[i-1].n++
	case i < len(l.spans) && l.spans[i].epoch == epoch:
		l.spans[i].from, l.spans[i].fromOp = offset, op
		l.spans[i].n++
	case len(l.spans) < maxEpochSpans:
		l.spans = slices.Insert(l.spans, i, one)
	}
	return len(l.spans) > before
}

// inside notes an epoch within the i-th span, which it cuts in two where it is
// another one.
func (l *epochLog) inside(i int, one epochSpan) {
	s := l.spans[i]
	if s.epoch == one.epoch {
		l.spans[i].n++
		return
	}
	if len(l.spans) >= maxEpochSpans {
		return
	}
	left := epochSpan{s.from, s.from, s.fromOp, s.fromOp, s.epoch, (s.n + 1) / 2}
	right := epochSpan{s.to, s.to, s.toOp, s.toOp, s.epoch, s.n / 2}
	switch {
	case s.from == s.to: // two epochs of one record
		l.spans = slices.Insert(l.spans, i+1, one)
	case one.from == s.from:
		l.spans = slices.Replace(l.spans, i, i+1, left, one, right)
	case one.from == s.to:
		l.spans = slices.Replace(l.spans, i, i+1, left, right, one)
	default:
		l.spans = slices.Replace(l.spans, i, i+1, left, one, right)
	}
}

// Finish looks for epochs that fall.
func (c *epochs) Finish() {
	c.r.unnotice()
	for key, l := range c.logs {
		honest := l.rising()
		for i, s := range l.spans {
			if !honest[i] {
				c.report(key, s, l.witness(i, honest))
			}
		}
	}
}

// rising picks the spans that tell the same story: a sequence of epochs that
// never falls, shown most often. A record that is shown under two epochs can
// have one of them only.
func (l *epochLog) rising() []bool {
	n := len(l.spans)
	best, prev := make([]int64, n), make([]int, n)
	end := -1
	for i, s := range l.spans {
		best[i], prev[i] = s.n, -1
		for j := range i {
			if l.spans[j].agrees(s) && best[j]+s.n > best[i] {
				best[i], prev[i] = best[j]+s.n, j
			}
		}
		if end < 0 || best[i] > best[end] {
			end = i
		}
	}
	out := make([]bool, n)
	for i := end; i >= 0; i = prev[i] {
		out[i] = true
	}
	return out
}

// agrees tells whether a later span can follow this one.
func (s epochSpan) agrees(later epochSpan) bool {
	return s.epoch == later.epoch || s.epoch < later.epoch && s.to < later.from
}

// witness returns the nearest honest span that contradicts the i-th one.
func (l *epochLog) witness(i int, honest []bool) epochSpan {
	for d := 1; d < len(l.spans); d++ {
		if j := i - d; j >= 0 && honest[j] && !l.spans[j].agrees(l.spans[i]) {
			return l.spans[j]
		}
		if j := i + d; j < len(l.spans) && honest[j] && !l.spans[i].agrees(l.spans[j]) {
			return l.spans[j]
		}
	}
	return l.spans[i]
}

func (c *epochs) report(key int64, s, other epochSpan) {
	k := newCase(LeaderEpochRegression, key)
	k.Offset = s.from
	k.Ops = [3]int64{other.toOp, s.fromOp, -1}
	k.AllowedBy = cmp.Or(c.env.LossAllowed(), c.f.crashes.clause(key,
		min(s.fromOp, s.toOp, other.fromOp, other.toOp), max(s.fromOp, s.toOp, other.fromOp, other.toOp)))
	k.Why = func(k *Case) string {
		return fmt.Sprintf("The record at offset %d of %s was fetched under leader epoch %d%s, and the one at offset %d under epoch %d%s: a leader appends behind those before it, so epochs rise with the offsets.",
			k.Offset, c.env.logName(k.Log), s.epoch, c.f.entryText(s.fromOp), other.to, other.epoch, c.f.entryText(other.toOp))
	}
	c.r.Add(k)
}
