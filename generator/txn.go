package generator

import (
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

var txnWorkload = Workload{
	Name: "txn",
	Doc: "Transactions of one to four sends and polls, each worker under a transactional id of its own, aborted at any point " +
		"one time in eight; every third worker consumes, transforms and produces, its positions in the same transactions; " +
		"readers of committed and of all records, sends outside of transactions, last stable offsets, " +
		"crashes, and fences that take a transactional id from whoever uses it; beside them one reader for each log that reads every record.",
	Client:  "txn",
	Workers: workers,
	New:     newTxn,
	Final:   newTxnFinal,
	Contract: func(c *histories.Contract) bool {
		// What is outside of transactions is a single attempt, what is inside is
		// repeated by an idempotent producer.
		idempotent, transactions := true, true
		c.Acks, c.Idempotence, c.Attempts, c.Consumers = "all", &idempotent, "retried", "assign"
		c.Transactions, c.Isolation = &transactions, "read_committed"
		return true
	},
}

// newTxn makes transactors, transformers and tailing readers.
func newTxn(cfg Config) Generator {
	c := make(crowd, 0, workers(cfg))
	for w := range cfg.Concurrency {
		if w%3 == 2 {
			c = append(c, newTransformer(cfg, w))
			continue
		}
		t := newClient(cfg, w, txnMix)
		t.renewal = histories.ReadCommitted
		c = append(c, t)
	}
	for _, log := range cfg.Logs {
		c = append(c, &tail{reader{key: log.Key, isolation: histories.ReadUncommitted}})
	}
	return c
}

// txnMix is mostly transactions. Last stable offsets are often enough to see
// one that stands still or goes back.
var txnMix = mix{
	{680, drawTxn},
	{100, drawPoll},
	{60, drawSend},
	{80, drawStableOffsets},
	{20, drawEndOffsets},
	{4, drawStartOffsets},
	{40, drawIsolatedAssign},
	{14, drawFence},
	{2, drawCrash},
}

// The most micro-operations of a transaction, and how often one is aborted: one
// time in abortOneIn.
const (
	maxMops    = 4
	abortOneIn = 8
)

// drawTxn draws a transaction of sends, two times in three, and polls.
func drawTxn(c *client, op *histories.Op) {
	op.F = histories.Txn
	for range 1 + c.rand.IntN(maxMops) {
		if c.rand.IntN(3) == 0 {
			op.Mops = append(op.Mops, histories.Mop{})
			continue
		}
		c.addSend(op, c.cfg.Logs[c.rand.IntN(len(c.cfg.Logs))].Key)
	}
	c.drawAbort(op)
}

// drawAbort decides whether the transaction is aborted, and before what.
func (c *client) drawAbort(op *histories.Op) {
	if c.rand.IntN(abortOneIn) == 0 {
		op.Abort = 1 + int32(c.rand.IntN(len(op.Mops)+1))
	}
}

// drawStableOffsets asks for the last stable offsets of one or two random logs.
func drawStableOffsets(c *client, op *histories.Op) {
	op.F = histories.StableOffsets
	op.Keys = c.logs(op.Keys)
}

// drawIsolatedAssign moves to one or two random logs, one time in four to read
// what is not committed too.
func drawIsolatedAssign(c *client, op *histories.Op) {
	drawAssign(c, op)
	op.Isolation = histories.ReadCommitted
	if c.rand.IntN(4) == 0 {
		op.Isolation = histories.ReadUncommitted
	}
	c.renewal = op.Isolation
}

// drawFence takes over the transactional id of any worker, which may be its own.
func drawFence(c *client, op *histories.Op) {
	op.F = histories.Fence
	op.Keys = append(op.Keys, 1+int64(c.rand.IntN(c.cfg.Concurrency)))
}

// newTransformer makes a worker that consumes one log and produces a record for
// each of its records, exactly once: its positions are those that its group has
// committed.
func newTransformer(cfg Config, w int) *client {
	c := newClient(cfg, w, transformMix)
	c.keys = []int64{cfg.Logs[(w/3)%len(cfg.Logs)].Key}
	c.group = fmt.Sprintf("g%d", w+1)
	c.renewal = histories.ReadCommitted
	return c
}

var transformMix = mix{
	{930, drawTransform},
	{60, drawResumption},
	{10, drawCrash},
}

// drawTransform draws a transaction that polls as many records as it sends.
func drawTransform(c *client, op *histories.Op) {
	op.F, op.Group = histories.Txn, c.group
	op.Mops = append(op.Mops, histories.Mop{})
	for range 1 + c.rand.IntN(maxMops-1) {
		c.addSend(op, c.cfg.Logs[c.rand.IntN(len(c.cfg.Logs))].Key)
	}
	c.drawAbort(op)
}

// drawResumption begins again where the group has committed, as a consumer does
// that comes back.
func drawResumption(c *client, op *histories.Op) {
	op.F, op.Group = histories.Assign, c.group
	op.Keys = append(op.Keys, c.keys...)
	op.Seek.To, op.Isolation = histories.SeekCommitted, histories.ReadCommitted
}

// newTxnFinal makes the final reads: worker i reads log i, committed records
// only, after every transaction was ended by a fence.
func newTxnFinal(cfg Config) Generator {
	c := make(crowd, 0, len(cfg.Logs))
	for i, log := range cfg.Logs {
		f := &txnFinal{key: log.Key, then: final{reader: reader{key: log.Key, isolation: histories.ReadCommitted}}}
		for n := i; n < cfg.Concurrency; n += len(cfg.Logs) {
			f.fences = append(f.fences, int64(n+1))
		}
		c = append(c, f)
	}
	return c
}

// stableFor is how long a final reader waits for the last stable offset to
// reach the end, after the fences that it made itself. Then it reads everything,
// committed or not, because readers of committed records never get to the end.
const stableFor = 5 * time.Second

// txnFinal fences its share of the transactional ids, waits until its log is
// stable to its end, and then reads it.
type txnFinal struct {
	key    int64
	fences []int64 // to be made
	stage  stage
	end    int64
	since  time.Duration // when the first stable offset was asked for
	now    time.Duration
	then   final
	pause  pause
	alone  bool // then has taken over
}

func (f *txnFinal) next(now time.Duration, op *histories.Op) Turn {
	if f.alone {
		return f.then.next(now, op)
	}
	if !f.pause.over(now) {
		return Wait
	}
	f.now = now
	switch {
	case len(f.fences) > 0:
		op.F, op.Keys = histories.Fence, append(op.Keys[:0], f.fences[0])
	case f.stage == listStart:
		op.F, op.Keys = histories.EndOffsets, append(op.Keys[:0], f.key)
	default:
		if f.since == 0 {
			f.since = now
		}
		op.F, op.Keys = histories.StableOffsets, append(op.Keys[:0], f.key)
	}
	return Go
}

func (f *txnFinal) saw(op *histories.Op) {
	if f.alone {
		f.then.saw(op)
		return
	}
	f.pause.saw(op.Type)
	if op.Type != histories.OK {
		return
	}
	switch {
	case op.F == histories.Fence:
		f.fences = f.fences[1:]
	case op.F == histories.EndOffsets:
		if f.end = offsetOf(op, f.key); f.end >= 0 {
			f.stage = listEnd
		}
	case op.F == histories.StableOffsets:
		stable := offsetOf(op, f.key)
		f.alone = stable >= f.end
		if !f.alone && f.now-f.since > stableFor {
			f.alone, f.then.isolation = true, histories.ReadUncommitted
		}
		if !f.alone {
			f.pause.saw(histories.Fail) // ask again a little later
		}
	}
}
