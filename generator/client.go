package generator

import (
	"math/rand/v2"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/seed"
)

// client is a client worker. Its n-th operation is drawn from the worker's own
// stream and depends on its earlier draws alone.
//
// The assignment is the one thing that a fresh process lacks and the stream
// cannot know about. Before a poll of a process that has none, the worker
// renews it: an Assign with SeekResume of the logs that it was last told to
// read, which is not one of the n. Should the renewal fail, the poll goes
// ahead all the same (a client without assignment fails it at once), so that
// sends to other logs are not held up, and the next poll brings another try.
type client struct {
	cfg      Config
	worker   int
	rand     *rand.Rand
	mix      mix
	records  int64               // sent so far
	keys     []int64             // what it was last told to read
	renewal  histories.Isolation // how a fresh process goes on reading
	group    string              // whose committed positions it goes on from; empty: SeekResume
	ahead    histories.Op
	drawn    bool // ahead is the next operation
	renewed  bool // the renewal before ahead was asked for
	assigned bool // the process has an assignment
	pause    pause
}

func newClient(cfg Config, worker int, m mix) *client {
	c := &client{cfg: cfg, worker: worker, rand: seed.Seed(cfg.Seed).Worker("workload", worker), mix: m}
	c.keys = c.logs(nil)
	return c
}

func (c *client) next(now time.Duration, op *histories.Op) Turn {
	if !c.pause.over(now) {
		return Wait
	}
	if !c.drawn {
		c.ahead.Reset()
		c.mix.pick(c.rand).draw(c, &c.ahead)
		c.drawn = true
	}
	if !c.assigned && !c.renewed && polls(&c.ahead) {
		c.renewed = true
		op.F = histories.Assign
		op.Seek.To, op.Isolation = histories.SeekResume, c.renewal
		if c.group != "" {
			op.Seek.To, op.Group = histories.SeekCommitted, c.group
		}
		op.Keys = append(op.Keys[:0], c.keys...)
		return Go
	}
	c.ahead.CopyTo(op)
	c.drawn, c.renewed = false, false
	return Go
}

// polls tells whether the operation needs an assignment.
func polls(op *histories.Op) bool {
	for i := range op.Mops {
		if !op.Mops[i].Send {
			return true
		}
	}
	return false
}

func (c *client) saw(op *histories.Op) {
	c.pause.saw(op.Type)
	switch {
	case op.Type == histories.Info:
		c.assigned = false
	case op.F == histories.Assign && op.Type == histories.OK:
		c.assigned = true
	}
}

// send draws a log and fills in the worker's next n records for it.
func (c *client) send(op *histories.Op, n int) {
	op.F = histories.Send
	log := c.cfg.Logs[c.rand.IntN(len(c.cfg.Logs))]
	for range n {
		c.addSend(op, log.Key)
		if log.Cleanup == "compact" {
			op.RecordKeys = append(op.RecordKeys, histories.RecordKey{
				Key: c.recordKey(), Tombstone: c.rand.IntN(tombstoneShare) == 0,
			})
		}
	}
}

// Three in four records of a compacted log have one of recordKeys keys, and the
// others one of rareKeys more, which is hardly ever used twice: its first record
// is its latest for good. One in tombstoneShare is a tombstone.
const (
	recordKeys     = 64
	rareKeys       = 1 << 20
	tombstoneShare = 8
)

func (c *client) recordKey() int64 {
	if c.rand.IntN(4) == 0 {
		return recordKeys + c.rand.Int64N(rareKeys)
	}
	return c.rand.Int64N(recordKeys)
}

// addSend adds the worker's next record.
func (c *client) addSend(op *histories.Op, key int64) {
	op.AddSend(key, c.cfg.Value(c.worker, c.records))
	c.records++
}

// logs draws one log, or two different ones.
func (c *client) logs(keys []int64) []int64 {
	n := len(c.cfg.Logs)
	first := c.rand.IntN(n)
	keys = append(keys, c.cfg.Logs[first].Key)
	if c.rand.IntN(2) == 0 && n > 1 {
		second := (first + 1 + c.rand.IntN(n-1)) % n
		keys = append(keys, c.cfg.Logs[second].Key)
	}
	return keys
}
