package checker

import (
	"cmp"
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// stable holds the last stable offsets to what they promise: what is below is
// decided for ever (lso-regression), a transaction is decided in all its logs
// together (fractured-read), and with nothing open they are the end (stuck-lso).
//
// The first two are about real time, so nothing is said of them under session
// reads.
type stable struct {
	env   *Env
	f     *Facts
	r     *Report
	iso   isolations
	logs  map[int64]*stableLog
	asked processes[stableAsk]
	// whole are committed transactions of several logs of which no reader of
	// committed records is known to have got a record yet, by the entry of their
	// completion.
	whole map[int64][]firstRecord
	ids   map[int64]fencedID // by transactional id
	final bool
}

// stableLog is what was shown of a log.
type stableLog struct {
	below   int64 // everything below is decided
	op      int64 // by this entry
	process int64 // of this process
	listed  bool  // it was an answer; else a record that was read

	// shown are first records in this log of transactions that were read in
	// another one, by offset.
	shown map[int64]showing

	end, endOp  int64         // the highest end that the final reads listed
	last        int64         // the last stable offset that they listed last; -1: none
	lastOp      int64         // where
	lastInvoked time.Duration // when that was asked
	lastAsked   int64         // its invocation
}

// stableAsk is a question for last stable offsets: what was known when it was called.
type stableAsk struct {
	entry int64
	at    time.Duration
	logs  []stableKnown
}

type stableKnown struct{ key, below, op, process int64 }

// firstRecord is a transaction's first record in a log.
type firstRecord struct{ log, offset int64 }

// showing says that a transaction was read.
type showing struct {
	poll, txn int64 // entries
	log       int64 // where it was read
	offset    int64
}

// fencedID says when the final phase fenced a transactional id.
type fencedID struct {
	op int64
	at time.Duration
}

// maxWhole bounds the transactions waiting to be read.
const maxWhole = 1 << 16

// settleTime is how long after the last fence the last stable offsets may lag.
const settleTime = 2 * time.Second

func newStable(e *Env, r *Report) Pass {
	return &stable{env: e, f: e.Facts, r: r, iso: newIsolations(e), logs: map[int64]*stableLog{}, whole: map[int64][]firstRecord{}, ids: map[int64]fencedID{}}
}

func (c *stable) log(key int64) *stableLog {
	l := c.logs[key]
	if l == nil {
		l = &stableLog{op: -1, end: -1, last: -1}
		c.logs[key] = l
	}
	return l
}

// Observe takes the next entry.
func (c *stable) Observe(op *histories.Op) {
	switch {
	case op.F == histories.Phase:
		if op.Event != nil && op.Process == histories.Nemesis {
			c.final = op.Event.Phase == histories.PhaseFinal
		}
	case op.Process < 0:
	case op.F == histories.StableOffsets && op.Type == histories.Invoke:
		c.ask(op)
	case op.Type == histories.Invoke:
	case op.F == histories.StableOffsets && op.Type == histories.OK:
		c.answered(op)
	case op.F == histories.EndOffsets && op.Type == histories.OK && c.final:
		for _, o := range op.Offsets {
			if l := c.log(o.Key); o.Offset > l.end {
				l.end, l.endOp = o.Offset, op.Index
			}
		}
	case op.F == histories.Fence || op.F == histories.Txn:
		c.producer(op)
		if op.F == histories.Txn && op.Type == histories.OK {
			c.committed(op)
		}
	}
	if op.Process >= 0 && op.Type == histories.OK && len(op.Runs) > 0 && c.iso.stable(op.Process) {
		c.polled(op)
	}
	c.iso.observe(op)
	if op.Process >= 0 && c.env.retires(op) {
		c.asked.drop(op.Process)
	}
}

// producer notes which transactional ids there are, and which of them the final
// phase fenced.
func (c *stable) producer(op *histories.Op) {
	if _, ok := c.ids[op.Producer.Txn]; !ok && op.Producer.Txn > 0 {
		c.ids[op.Producer.Txn] = fencedID{op: -1}
	}
	if op.F == histories.Fence && op.Type == histories.OK && c.final {
		for _, id := range op.Keys {
			c.ids[id] = fencedID{op.Index, op.Time}
		}
	}
}

// committed keeps a transaction of several logs until it is read.
func (c *stable) committed(op *histories.Op) {
	if c.env.Model == Session || len(c.whole) >= maxWhole {
		return
	}
	var firsts []firstRecord
next:
	for i := range op.Mops {
		m := &op.Mops[i]
		if !m.Send || m.Offset < 0 {
			continue
		}
		for j := range firsts {
			if f := &firsts[j]; f.log == m.Key {
				f.offset = min(f.offset, m.Offset)
				continue next
			}
		}
		firsts = append(firsts, firstRecord{m.Key, m.Offset})
	}
	if len(firsts) > 1 {
		c.whole[op.Index] = firsts
	}
}

// polled notes what a reader of committed records was given.
func (c *stable) polled(op *histories.Op) {
	for _, run := range op.Runs {
		l := c.log(run.Key)
		for _, r := range op.Recs[run.From:run.To] {
			if r.Offset >= l.below {
				l.below, l.op, l.process, l.listed = r.Offset+1, op.Index, op.Process, false
			}
			if len(c.whole) == 0 {
				continue
			}
			rec, ok := c.f.recs.find(c.f.log(run.Key).index, r.Value)
			if !ok || !rec.has(recTxn) {
				continue
			}
			done := rec.sentAt()
			firsts, ok := c.whole[done]
			if !ok || done == op.Index { // what it got of itself nobody else could see yet
				continue
			}
			delete(c.whole, done)
			for _, f := range firsts {
				if f.log != run.Key {
					c.log(f.log).show(f.offset, showing{op.Index, done, run.Key, r.Offset})
				}
			}
		}
	}
}

// show notes that a transaction whose first record stands at the offset was read
// elsewhere.
func (l *stableLog) show(offset int64, s showing) {
	if l.shown == nil || len(l.shown) >= maxWhole {
		l.shown = map[int64]showing{}
	}
	l.shown[offset] = s
}

func (c *stable) ask(op *histories.Op) {
	a := c.asked.at(op.Process)
	a.entry, a.at, a.logs = op.Index, op.Time, a.logs[:0]
	for _, key := range op.Keys {
		l := c.log(key)
		a.logs = append(a.logs, stableKnown{key, l.below, l.op, l.process})
	}
}

func (c *stable) answered(op *histories.Op) {
	a := c.asked.at(op.Process)
	for _, o := range op.Offsets {
		if o.Offset < 0 {
			continue
		}
		l := c.log(o.Key)
		if c.final {
			l.last, l.lastOp, l.lastInvoked, l.lastAsked = o.Offset, op.Index, a.at, a.entry
		}
		if c.env.Model != Session {
			c.compare(op, a, o, l)
		}
		if o.Offset > l.below {
			l.below, l.op, l.process, l.listed = o.Offset, op.Index, op.Process, true
		}
	}
}

// compare holds an answer against what was known when it was asked for.
func (c *stable) compare(op *histories.Op, a *stableAsk, o histories.KeyOffset, l *stableLog) {
	for _, known := range a.logs {
		if known.key != o.Key || known.op < 0 || o.Offset >= known.below {
			continue
		}
		k := newCase(LSORegression, o.Key)
		k.Offset, k.From, k.To = o.Offset, o.Offset, known.below-1
		k.Ops = [3]int64{known.op, op.Index, -1}
		k.A, k.B = known.below, known.process
		k.AllowedBy = cmp.Or(c.env.LossAllowed(), c.deposed(), c.f.crashes.clause(o.Key, known.op, op.Index))
		k.Why = c.whyBack
		c.r.Add(k)
		return
	}
	s, ok := l.shown[o.Offset]
	if !ok || s.poll > a.entry {
		return
	}
	k := newCase(FracturedRead, o.Key)
	k.Offset, k.Ops = o.Offset, [3]int64{s.txn, s.poll, op.Index}
	k.A, k.B = s.log, s.offset
	if c.env.Model == Kafka {
		k.AllowedBy = "reads=kafka"
	}
	k.Why = c.whyFractured
	c.r.Add(k)
}

// deposed returns the clause under which an answer may come from a leader that
// does not know yet that it was deposed: not in the final reads, before which
// the cluster is whole again.
func (c *stable) deposed() string {
	if c.env.Model == Kafka && !c.final {
		return byDeposed
	}
	return ""
}

func (c *stable) whyBack(k *Case) string {
	return fmt.Sprintf("Everything below offset %d of %s was decided, as process %d knows%s; asked later%s, the last stable offset is %d: what is decided stays decided, and readers of committed records do not see less than before.",
		k.A, c.env.logName(k.Log), k.B, c.f.entryText(k.Ops[0]), c.f.entryText(k.Ops[1]), k.Offset)
}

func (c *stable) whyFractured(k *Case) string {
	return fmt.Sprintf("A transaction%s was read at offset %d of %s%s. Asked later%s, the last stable offset of %s is %d, right before its record there: a reader of both logs sees one part of the transaction without the other.",
		c.f.entryText(k.Ops[0]), k.B, c.env.logName(k.A), c.f.entryText(k.Ops[1]), c.f.entryText(k.Ops[2]), c.env.logName(k.Log), k.Offset)
}

// Finish compares the last stable offsets with the ends, where nothing is open.
func (c *stable) Finish() {
	last := fencedID{op: -1}
	for _, f := range c.ids {
		if f.op < 0 {
			return // somebody may have a transaction open
		}
		if f.op > last.op {
			last = f
		}
	}
	for key, l := range c.logs {
		if last.op < 0 || l.last < 0 || l.end < 0 || l.last >= l.end || l.lastAsked < l.endOp || l.lastAsked < last.op || l.lastInvoked-last.at < settleTime {
			continue
		}
		k := newCase(StuckLSO, key)
		k.Offset, k.From, k.To = l.last, l.last, l.end-1
		k.Ops = [3]int64{last.op, l.endOp, l.lastOp}
		k.A, k.B = l.end, int64((l.lastInvoked-last.at)/time.Millisecond)
		k.Why = c.whyStuck
		c.r.Add(k)
	}
}

func (c *stable) whyStuck(k *Case) string {
	return fmt.Sprintf("The last of the transactional ids was fenced%s, which ends what was open. %d ms later the last stable offset of %s is still %d%s, and the log ends at %d%s: a transaction hangs, and readers of committed records never get past it.",
		c.f.entryText(k.Ops[0]), k.B, c.env.logName(k.Log), k.Offset, c.f.entryText(k.Ops[2]), k.A, c.f.entryText(k.Ops[1]))
}
