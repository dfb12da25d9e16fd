package generator

import (
	"math/rand/v2"

	"github.com/ackproof/ackproof/histories"
)

// mix says how often a client worker does what, in shares of 1000.
type mix []choice

// choice is one kind of operation. draw takes what it needs from the worker's
// stream; it must not depend on anything but the worker's earlier draws.
type choice struct {
	share int
	draw  func(c *client, op *histories.Op)
}

// pick chooses a kind of operation.
func (m mix) pick(r *rand.Rand) choice {
	n := r.IntN(1000)
	for _, c := range m {
		if n -= c.share; n < 0 {
			return c
		}
	}
	return m[0] // a test holds every mix to 1000
}

// drawSend sends one record to a random log.
func drawSend(c *client, op *histories.Op) { c.send(op, 1) }

// drawBatch sends 2 to Config.Batch records to a random log in one request.
func drawBatch(c *client, op *histories.Op) {
	n := 1
	if c.cfg.Batch >= 2 {
		n = 2 + c.rand.IntN(c.cfg.Batch-1)
	}
	c.send(op, n)
}

// drawPoll polls the assigned logs once.
func drawPoll(_ *client, op *histories.Op) {
	op.F = histories.Poll
	op.Mops = append(op.Mops, histories.Mop{})
}

// drawEndOffsets asks for the ends of one or two random logs.
func drawEndOffsets(c *client, op *histories.Op) {
	op.F = histories.EndOffsets
	op.Keys = c.logs(op.Keys)
}

// drawStartOffsets asks for the starts of one or two random logs.
func drawStartOffsets(c *client, op *histories.Op) {
	op.F = histories.StartOffsets
	op.Keys = c.logs(op.Keys)
}

// drawAssign moves to one or two random logs: mostly a few records back, so
// that records are read again, often to the end, and rarely to the beginning,
// which costs the more the longer the run lasts.
func drawAssign(c *client, op *histories.Op) {
	op.F = histories.Assign
	op.Keys = c.logs(op.Keys)
	switch n := c.rand.IntN(128); {
	case n == 0:
		op.Seek.To = histories.SeekBeginning
	case n < 32:
		op.Seek.To = histories.SeekEnd
	default:
		most := int64(1) << c.rand.IntN(7)
		op.Seek = histories.Seek{To: histories.SeekBack, Back: 1 + c.rand.Int64N(most)}
	}
	c.keys = append(c.keys[:0], op.Keys...)
}

// drawCrash replaces the client by a fresh one.
func drawCrash(_ *client, op *histories.Op) { op.F = histories.Crash }
