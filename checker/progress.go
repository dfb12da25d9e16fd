package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// progress holds the broker to being there while nothing is broken: for longer
// than the contract's progress_ms no log goes without an acknowledgement that
// somebody asked for, and no consumer without a record that it stands before.
//
// Only clear time counts. A fault of the clients' links to a node explains what
// becomes of the logs that the node has led; any other fault explains everything,
// and so does a silence in which nobody recorded anything, as where the machine
// or the recorder stood still; each for as long again as the limit after it is
// gone. Where most sends to the other logs came to nothing as well, the machine
// may be too busy for any of them, and nobody can tell.
type progress struct {
	env     *Env
	r       *Report
	iso     isolations
	limit   time.Duration
	txns    bool
	now     time.Duration
	clock   clock
	faults  []faultWindow
	keys    map[partitionName]int64
	leaders map[int64][]string // by log: the nodes that are known to have led it
	logs    map[int64]*progressLog
	readers processes[progressReader]
	sends   fares // of all logs
}

// fares counts how sends fared.
type fares struct{ well, ill int64 }

func (f fares) less(o fares) fares { return fares{f.well - o.well, f.ill - o.ill} }

type partitionName struct {
	topic     string
	partition int32
}

// faultWindow is a fault from its injection to the proof that it is gone.
type faultWindow struct {
	id         int
	begin, end time.Duration // end below 0: it lasts
	on         []string
	links      bool // of the clients' links to the nodes in on, and of nothing else
}

// linkFaults concern the ways between clients and the nodes that they name.
var linkFaults = []string{
	"latency", "bandwidth", "stall", "blackhole", "oneway-request", "oneway-reply", "timeout", "down", "slicer", "slow-close", "reset", "limit-data", "retransmit",
}

// progressLog is what is known of one log.
type progressLog struct {
	gone  bool  // somebody asked to delete its topic
	acked int64 // the highest acknowledged offset; -1: none
	sends stall
	fared fares
}

// progressReader is one process.
type progressReader struct {
	called time.Duration
	op     int64 // the invocation under way
	reads  []progressRead
}

// progressRead is a process's reading of one log.
type progressRead struct {
	key   int64
	at    int64 // the position, -1 where unknown
	acked int64 // the highest acknowledged offset when the poll was called
	stall stall
}

// stall is a series of attempts without success.
type stall struct {
	good        int64 // the entry of the last success; -1: none
	first, last int64 // the invocation of the first attempt since, the completion of the last one
	begin, end  time.Duration
	n           int   // attempts in clear time
	others      fares // of the other logs until it began
}

// silences longer than this part of the limit are not the broker's: clients give up and
// ask again, nodes are looked at.
const silences = 2

// leastAttempts is how many attempts have to fail in clear time.
const leastAttempts = 5

func newProgress(e *Env, r *Report) Pass {
	c := &progress{
		env: e, r: r, iso: newIsolations(e), limit: time.Duration(e.Contract.ProgressMillis) * time.Millisecond,
		keys: map[partitionName]int64{}, leaders: map[int64][]string{}, logs: map[int64]*progressLog{},
	}
	for _, l := range e.Header.Logs {
		c.keys[partitionName{l.Topic, l.Partition}] = l.Key
	}
	return c
}

func (c *progress) log(key int64) *progressLog {
	l := c.logs[key]
	if l == nil {
		l = &progressLog{acked: -1, sends: stall{good: -1}}
		c.logs[key] = l
	}
	return l
}

// Observe takes the next entry.
func (c *progress) Observe(op *histories.Op) {
	if c.limit <= 0 {
		return
	}
	if op.Time-c.now > c.limit/silences {
		c.faults = append(c.faults, faultWindow{-1, c.now, op.Time, nil, false})
	}
	c.now = op.Time
	c.clock.observe(op.Index, op.Time)
	c.iso.observe(op)
	if op.Process < 0 {
		c.event(op)
		return
	}
	p := c.readers.at(op.Process)
	if op.Type == histories.Invoke {
		p.called, p.op = op.Time, op.Index
		for i := range p.reads {
			p.reads[i].acked = c.log(p.reads[i].key).acked
		}
		if op.F == histories.DeleteTopic {
			for _, key := range op.Keys {
				c.log(key).gone = true
			}
		}
		return
	}
	switch op.F {
	case histories.Send, histories.Txn:
		c.sent(op, p)
	case histories.Assign, histories.Subscribe:
		c.assigned(op, p)
	case histories.Poll:
		c.polled(op, p)
	}
	if c.env.retires(op) {
		c.judgeReads(op.Process, p)
		c.readers.drop(op.Process)
	}
}

// event follows the faults, and who leads what.
func (c *progress) event(op *histories.Op) {
	if op.Event == nil {
		return
	}
	switch e := op.Event; op.F {
	case histories.Inject:
		c.faults = append(c.faults, faultWindow{e.ID, op.Time, -1, slices.Clone(e.On), slices.Contains(linkFaults, e.Fault)})
	case histories.Healed:
		if !gone(e) {
			return // it may go on
		}
		for i := range c.faults {
			if w := &c.faults[i]; w.end < 0 && (w.id == e.ID || e.ID < 0) {
				w.end = op.Time
			}
		}
	case histories.State:
		if e.State == nil {
			return
		}
		for _, p := range e.State.Partitions {
			key, ok := c.keys[partitionName{p.Topic, p.Partition}]
			if ok && p.Leader != "" && !slices.Contains(c.leaders[key], p.Leader) {
				c.leaders[key] = append(c.leaders[key], p.Leader)
			}
		}
	}
}

// explains tells whether a fault explains what becomes of a log.
func (c *progress) explains(w *faultWindow, key int64) bool {
	leaders := c.leaders[key]
	return !w.links || len(leaders) == 0 || slices.ContainsFunc(leaders, func(n string) bool { return slices.Contains(w.on, n) })
}

// clear returns how much of a span of time no fault explains.
func (c *progress) clear(key int64, begin, end time.Duration) time.Duration {
	at, sum := begin, time.Duration(0)
	for i := range c.faults { // in the order of their beginnings
		w := &c.faults[i]
		until := end
		if w.end >= 0 {
			until = w.end + c.limit
		}
		if !c.explains(w, key) || until <= at {
			continue
		}
		if w.begin > at {
			sum += min(w.begin, end) - at
		}
		if at = max(at, until); at >= end {
			return sum
		}
	}
	return sum + max(0, end-at)
}

// attempt adds an attempt that came to nothing.
func (c *progress) attempt(s *stall, key int64, op *histories.Op, p *progressReader) {
	if s.n == 0 && s.begin == 0 {
		s.first, s.begin, s.others = p.op, p.called, c.others(key)
	}
	s.last, s.end = op.Index, op.Time
	if c.clear(key, op.Time-1, op.Time) > 0 {
		s.n++
	}
}

// over tells whether a stall was longer than allowed, and ends it.
func (c *progress) over(s *stall, key int64) (was stall, clear time.Duration, bad bool) {
	was = *s
	*s = stall{good: s.good}
	if was.n < leastAttempts || was.end-was.begin <= c.limit || was.good < 0 || c.log(key).gone {
		return was, 0, false
	}
	clear = c.clear(key, was.begin, was.end)
	if others := c.others(key).less(was.others); clear > c.limit && others.ill > others.well {
		c.r.Unknown(TooLittleWork, fmt.Sprintf("%s made no progress from entry %d to entry %d, but %d of %d sends to other logs came to nothing as well: the machine may have been too busy, which says nothing of the broker",
			c.env.logName(key), was.first, was.last, others.ill, others.ill+others.well))
		return was, clear, false
	}
	return was, clear, clear > c.limit
}

// others are the sends to all logs but one.
func (c *progress) others(key int64) fares { return c.sends.less(c.log(key).fared) }

// fare counts the send of an operation to a log.
func (c *progress) fare(l *progressLog, ok bool) {
	for _, f := range []*fares{&c.sends, &l.fared} {
		if ok {
			f.well++
		} else {
			f.ill++
		}
	}
}

// sent takes what became of sends.
func (c *progress) sent(op *histories.Op, p *progressReader) {
	if c.env.Contract.Acks == "0" {
		return
	}
	last := int64(-1)
	for i := range op.Mops {
		m := &op.Mops[i]
		if !m.Send {
			continue
		}
		l := c.log(m.Key)
		if m.Key != last && op.F == histories.Send {
			c.fare(l, op.Type == histories.OK)
		}
		if op.Type == histories.OK {
			l.acked = max(l.acked, m.Offset)
			c.judgeSends(m.Key, l)
			l.sends.good = op.Index
		} else if op.F == histories.Send && m.Key != last {
			c.attempt(&l.sends, m.Key, op, p)
		}
		last = m.Key
	}
	c.txns = c.txns || op.F == histories.Txn
}

func (c *progress) judgeSends(key int64, l *progressLog) {
	was, clear, bad := c.over(&l.sends, key)
	if !bad {
		return
	}
	k := newCase(NoProgress, key)
	k.Ops = [3]int64{was.good, was.first, was.last}
	k.N, k.A = 1, int64(was.n)
	k.Why = func(k *Case) string {
		return fmt.Sprintf("Nothing that was sent to %s was acknowledged for %s without a fault that explains it: %d sends came to nothing, from entry %d (%s) to entry %d (%s); the last acknowledgement before is entry %d. The contract allows %s (progress_ms=%d).",
			c.env.logName(key), seconds(clear), k.A, was.first, seconds(was.begin), was.last, seconds(was.end), was.good, c.limit, c.limit.Milliseconds())
	}
	c.r.Add(k)
}

// assigned begins the process's reading anew.
func (c *progress) assigned(op *histories.Op, p *progressReader) {
	if op.Type == histories.Fail {
		return
	}
	c.judgeReads(op.Process, p)
	p.reads = p.reads[:0]
	for _, o := range op.Offsets {
		p.reads = append(p.reads, progressRead{key: o.Key, at: o.Offset, acked: -1, stall: stall{good: op.Index}})
	}
}

// polled takes what became of a poll. One that failed is an attempt as well.
func (c *progress) polled(op *histories.Op, p *progressReader) {
	for i := range op.Fetched {
		f := &op.Fetched[i]
		if rd := p.read(f.Key); rd != nil {
			rd.at = f.Position
		} else {
			p.reads = append(p.reads, progressRead{key: f.Key, at: f.Position, acked: -1, stall: stall{good: op.Index}})
		}
	}
	// The last stable offset may hold back what was acknowledged: that is for
	// the judges of transactions.
	held := c.txns && c.iso.stable(op.Process)
	for i := range p.reads {
		rd := &p.reads[i]
		got := slices.ContainsFunc(op.Runs, func(r histories.Run) bool { return r.Key == rd.key && r.To > r.From })
		switch {
		case got:
			c.judgeRead(op.Process, rd)
			rd.stall.good, rd.at = op.Index, max(rd.at, lastOffset(op, rd.key)+1)
		case held || rd.at < 0 || rd.acked < rd.at || c.env.LossAllowed() != "":
			rd.stall = stall{good: rd.stall.good}
		default:
			c.attempt(&rd.stall, rd.key, op, p)
		}
	}
}

func (p *progressReader) read(key int64) *progressRead {
	for i := range p.reads {
		if p.reads[i].key == key {
			return &p.reads[i]
		}
	}
	return nil
}

func (c *progress) judgeReads(process int64, p *progressReader) {
	for i := range p.reads {
		c.judgeRead(process, &p.reads[i])
	}
}

func (c *progress) judgeRead(process int64, rd *progressRead) {
	at, acked, key := rd.at, rd.acked, rd.key
	was, clear, bad := c.over(&rd.stall, key)
	if !bad {
		return
	}
	k := newCase(StuckConsumer, key)
	k.Ops = [3]int64{was.good, was.first, was.last}
	k.N, k.A = 1, int64(was.n)
	k.Why = func(k *Case) string {
		return fmt.Sprintf("Process %d asked for offset %d of %s for %s and got nothing, without a fault that explains it, although records up to offset %d were acknowledged: %d polls, from entry %d (%s) to entry %d (%s). The contract allows %s (progress_ms=%d).",
			process, at, c.env.logName(key), seconds(clear), acked, k.A, was.first, seconds(was.begin), was.last, seconds(was.end), c.limit, c.limit.Milliseconds())
	}
	c.r.Add(k)
}

// Finish judges what was still stalled.
func (c *progress) Finish() {
	for key, l := range c.logs {
		c.judgeSends(key, l)
	}
	for _, process := range c.readers.all() {
		c.judgeReads(process, c.readers.at(process))
	}
}

// lastOffset returns the offset of the last record of a log in a poll, -1
// where there is none.
func lastOffset(op *histories.Op, key int64) int64 {
	for i := len(op.Runs) - 1; i >= 0; i-- {
		if r := op.Runs[i]; r.Key == key && r.To > r.From {
			return op.Recs[r.To-1].Offset
		}
	}
	return -1
}
