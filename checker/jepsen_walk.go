package checker

import (
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// jepsenWalk goes through the tape and compares neighbours by their places, as
// jepsen.tests.kafka does: what a process reads and sends, within an operation
// and from one to the next.
//
// The place of a value is the last offset where the log shows it, unless the
// offset shows another value first.
type jepsenWalk struct {
	f      *Facts
	counts map[string]int64
	failed map[point]bool
	again  []bool // by log: a value of it failed, and was sent again
	dirty  []bool // by log: some value of it has no or several places
	procs  processes[jepsenProcess]
	now    []placed // what the operation under way read of each log
	alone  map[point]int
}

// jepsenProcess is what a process read and sent last.
type jepsenProcess struct{ reads, sends []placed }

// placed is a place in a log; -1 where it is unknown.
type placed struct {
	log   int
	place int64
	any   bool // there is a value at all
}

func newJepsenWalk(c *jepsenRules, counts map[string]int64) *jepsenWalk {
	w := &jepsenWalk{f: c.f, counts: counts, failed: c.failed, alone: map[point]int{},
		again: make([]bool, len(c.f.logs)), dirty: make([]bool, len(c.f.logs))}
	for at := range c.failed {
		if rec, ok := c.f.recs.find(at.log, at.n); ok && rec.has(recAcked|recInfo) {
			w.again[at.log] = true
		}
	}
	for at := range c.f.duplicates {
		w.dirty[at.log] = true
	}
	for at := range c.f.conflicts {
		w.dirty[at.log] = true
	}
	return w
}

// at returns the entry of a log, made if need be.
func at(all *[]placed, log int) *placed {
	for i := range *all {
		if (*all)[i].log == log {
			return &(*all)[i]
		}
	}
	*all = append(*all, placed{log: log, place: -1})
	return &(*all)[len(*all)-1]
}

func (w *jepsenWalk) op(op *tapeOp) {
	p := w.procs.at(op.process)
	if op.assign {
		p.reads = slices.DeleteFunc(p.reads, func(r placed) bool { return !slices.Contains(op.assigned, r.log) })
		return
	}
	w.sends(op, p)
	w.now = w.now[:0]
	for i := range op.pieces {
		w.piece(op, p, &op.pieces[i])
	}
	if op.typ != histories.OK {
		return
	}
	for _, r := range w.now {
		*at(&p.reads, r.log) = r
	}
}

// piece walks through part of what the polls returned of a log.
func (w *jepsenWalk) piece(op *tapeOp, p *jepsenProcess, s *piece) {
	log := int(s.log)
	now := at(&w.now, log)
	l := w.f.logs[log]
	switch {
	case s.alone:
		if _, had := w.alone[point{log, s.v}]; !had {
			w.alone[point{log, s.v}] = len(w.alone)
		}
		w.retried(op, log, s.v)
		w.step(op, p, now, w.placeOf(l, s.v))
	case s.n == 0:
	case w.dirty[log] || w.again[log]:
		for offset := s.from; offset < s.from+s.n; offset++ {
			t, ok := l.slots.find(offset)
			if !ok || !t.has(slotHas) {
				continue
			}
			v := l.slots.value(t, offset)
			w.retried(op, log, v)
			w.step(op, p, now, w.placeOf(l, v))
		}
	default:
		w.step(op, p, now, s.from)
		now.place = s.from + s.n - 1
	}
}

// retried counts an ok poll of a value that failed and was sent again.
func (w *jepsenWalk) retried(op *tapeOp, log int, value int64) {
	if op.typ != histories.OK || !w.again[log] {
		return
	}
	if _, failed := w.failed[point{log, value}]; !failed {
		return
	}
	if rec, ok := w.f.recs.find(log, value); ok && rec.has(recAcked|recInfo) {
		w.counts[jepsenG1a]++
	}
}

// step compares the next value that an operation read of a log with the one
// before it.
func (w *jepsenWalk) step(op *tapeOp, p *jepsenProcess, now *placed, place int64) {
	l := w.f.logs[now.log]
	if !now.any {
		for i := range p.reads {
			if p.reads[i].log == now.log {
				w.compare(l, p.reads[i].place, place, jepsenPollSkip, jepsenPollBack)
			}
		}
	} else if !slices.Contains(op.moved, now.log) {
		w.compare(l, now.place, place, jepsenInsidePollSkip, jepsenInsidePollBack)
	}
	now.any, now.place = true, place
}

func (w *jepsenWalk) sends(op *tapeOp, p *jepsenProcess) {
	for i, s := range op.sends {
		l := w.f.logs[s.log]
		place := w.placeOf(l, s.value)
		before := -1
		for j := i - 1; j >= 0 && before < 0; j-- {
			if op.sends[j].log == s.log {
				before = j
			}
		}
		switch {
		case before >= 0:
			w.compare(l, w.placeOf(l, op.sends[before].value), place, jepsenInsideSendSkip, jepsenInsideSendBack)
		case op.typ != histories.Fail:
			w.compare(l, at(&p.sends, s.log).place, place, "", jepsenSendBack)
		}
	}
	if op.typ == histories.Fail {
		return
	}
	for _, s := range op.sends {
		*at(&p.sends, s.log) = placed{s.log, w.placeOf(w.f.logs[s.log], s.value), true}
	}
}

// compare counts two neighbours that are not: with records between them, or the
// second one not behind the first.
func (w *jepsenWalk) compare(l *logFacts, a, b int64, skip, back string) {
	switch {
	case a < 0 || b < 0 || b == a+1:
	case b <= a:
		w.counts[back]++
	case skip != "" && l.holds(a+1, b-1):
		w.counts[skip]++
	}
}

// holds tells whether a value was shown at one of the offsets. Most of what it
// is asked about lies within a page.
func (l *logFacts) holds(first, last int64) bool {
	if first > last {
		return false
	}
	if no := first >> pageBits; no == last>>pageBits {
		p := l.slots.pages.get(no)
		if p == nil {
			return false
		}
		for _, flags := range p.flags[first&pageMask : last&pageMask+1] {
			if flags&slotHas != 0 {
				return true
			}
		}
		return false
	}
	found := false
	l.slots.between(l.pages, first, last, func(_ int64, t slot) bool {
		found = t.has(slotHas)
		return !found
	})
	return found
}

// placeOf returns the last offset that shows the value first of all, -1 where
// there is none.
func (w *jepsenWalk) placeOf(l *logFacts, value int64) int64 {
	rec, ok := w.f.recs.find(l.index, value)
	if !ok {
		return -1
	}
	if !w.dirty[l.index] {
		return rec.offset()
	}
	return lastPlace(w.f, l, rec)
}

func lastPlace(f *Facts, l *logFacts, rec record) int64 {
	for _, offset := range slices.Backward(f.offsetsOf(l, rec)) {
		if t, ok := l.slots.find(offset); ok && t.has(slotHas) && l.slots.value(t, offset) == rec.value {
			return offset
		}
	}
	return -1
}
