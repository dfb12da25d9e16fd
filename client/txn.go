package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/histories"
)

const (
	// txnDeadline is a transaction's deadline, in operation timeouts: it is
	// several requests, one after the other.
	txnDeadline = 4
	// txnTimeout is when the broker aborts a transaction by itself: longer than
	// any operation lasts, so that what is open belongs to somebody.
	txnTimeout = 10 * time.Second
)

// txnConn is the txn kind: a transactional producer of franz-go beside a raw
// connection. An instance of the producer lives until something goes wrong with
// it, and is never used again then: franz-go would recover by taking a new
// epoch, which a fenced producer must not do.
type txnConn struct {
	*rawConn
	producer  *instance // nil: none is initialized
	instances int64     // so far
	coord     *kgo.Client
}

// openTxn makes a connection for transactions. It does not connect.
func openTxn(cfg Config) (Conn, error) {
	raw, err := openRaw(cfg)
	if err != nil {
		return nil, err
	}
	if !idempotent(cfg.Contract) {
		return nil, fmt.Errorf("open txn client %d: transactions need acks=all and idempotence", cfg.Process)
	}
	if cfg.Txn < 1 {
		return nil, fmt.Errorf("open txn client %d: transactional id %d: want 1 or more", cfg.Process, cfg.Txn)
	}
	return &txnConn{rawConn: raw.(*rawConn)}, nil
}

// TxnID is the transactional id of this number in a run.
func TxnID(run uint64, number int64) string { return fmt.Sprintf("ackproof-%016x-x%d", run, number) }

// Do implements Conn.
func (c *txnConn) Do(ctx context.Context, op *histories.Op) {
	switch {
	case c.closed:
		complete(op, unsent, "the client is closed")
	case op.F == histories.Txn:
		ctx, cancel := context.WithTimeout(ctx, txnDeadline*c.cfg.OpTimeout)
		defer cancel()
		op.Error = ""
		c.txn(ctx, op)
	case op.F == histories.Fence:
		ctx, cancel := context.WithTimeout(ctx, txnDeadline*c.cfg.OpTimeout)
		defer cancel()
		op.Error = ""
		c.fence(ctx, op)
	case op.F == histories.Assign && op.Seek.To == histories.SeekCommitted:
		ctx, cancel := context.WithTimeout(ctx, c.cfg.OpTimeout)
		defer cancel()
		op.Error = ""
		c.assignCommitted(ctx, op)
	case op.F == histories.Crash:
		_ = c.Close()
		op.Type, op.Error = histories.Info, "client crashed"
	default:
		c.rawConn.Do(ctx, op)
	}
}

// Close implements Conn. What the producer has open is left to its successor.
func (c *txnConn) Close() error {
	c.giveUp()
	if c.coord != nil {
		go c.coord.Close()
		c.coord = nil
	}
	return c.rawConn.Close()
}

// giveUp ends the use of the producer as it is.
func (c *txnConn) giveUp() {
	if c.producer != nil {
		c.producer.close()
		c.producer = nil
	}
}

// Why a transaction is not committed, though nothing went wrong.
var (
	errOnPurpose = errors.New("aborted on purpose")
	errTooFew    = errors.New("too few records to transform")
)

// txn makes one transaction of the operation. Where it does not commit, the
// consumer goes back to where it stood.
func (c *txnConn) txn(ctx context.Context, op *histories.Op) {
	resetTxn(op)
	before := slices.Clone(c.assigned.at)
	commitAsked, err := c.transact(ctx, op)
	if c.producer != nil {
		op.Producer = histories.Producer{Txn: c.cfg.Txn, Instance: c.producer.number, Epoch: c.producer.epoch}
	}
	if err == nil {
		op.Type = histories.OK
		c.producer.refresh(ctx)
		return
	}
	c.assigned.at = before
	if commitAsked {
		complete(op, undecided, "%v", err)
	} else {
		complete(op, aborted, "%v", err)
	}
	if !errors.Is(err, errOnPurpose) && !errors.Is(err, errTooFew) {
		c.giveUp()
		return
	}
	if c.producer != nil && c.producer.begun {
		if err := c.producer.end(ctx, kgo.TryAbort); err != nil {
			op.Error += "; the abort: " + err.Error()
			c.giveUp()
			return
		}
		c.producer.refresh(ctx)
	}
}

// transact does the micro-operations in order and commits. commitAsked says
// that an error leaves the outcome open.
func (c *txnConn) transact(ctx context.Context, op *histories.Op) (commitAsked bool, err error) {
	if err := c.ready(ctx); err != nil {
		return false, err
	}
	for i := 0; i < len(op.Mops); {
		if op.Abort != 0 && i >= int(op.Abort)-1 {
			return false, errOnPurpose
		}
		if !op.Mops[i].Send {
			if errs := c.pollInto(ctx, op, &op.Mops[i]); len(errs) > 0 {
				return false, fmt.Errorf("poll: %s", errs)
			}
			if op.Group != "" && !c.keepCauses(op, i) {
				return false, errTooFew
			}
			i++
			continue
		}
		n := 1
		for i+n < len(op.Mops) && op.Mops[i+n].Send && (op.Abort == 0 || i+n < int(op.Abort)-1) {
			n++
		}
		if err := c.producer.send(ctx, c, op.Mops[i:i+n]); err != nil {
			return false, err
		}
		i += n
	}
	return c.commit(ctx, op)
}

// commit makes the positions of the group part of the transaction and commits.
func (c *txnConn) commit(ctx context.Context, op *histories.Op) (commitAsked bool, err error) {
	if op.Group != "" {
		if err := c.commitPositions(ctx, op); err != nil {
			return false, err
		}
	}
	if op.Abort != 0 {
		return false, errOnPurpose
	}
	err = c.producer.end(ctx, kgo.TryCommit)
	return !errors.Is(err, kerr.OperationNotAttempted), err
}

// ready makes sure that there is a producer, and begins its transaction.
func (c *txnConn) ready(ctx context.Context) error {
	if c.producer == nil {
		p, err := c.initialize(ctx)
		if err != nil {
			return err
		}
		c.producer = p
	}
	return c.producer.begin()
}

// resetTxn empties the results of an operation that is reused.
func resetTxn(op *histories.Op) {
	op.Runs, op.Recs = op.Runs[:0], op.Recs[:0]
	op.Fetched, op.Bad = op.Fetched[:0], op.Bad[:0]
	op.Producer = histories.Producer{}
	for i := range op.Mops {
		m := &op.Mops[i]
		m.Polled, m.From, m.To = false, 0, 0
		if m.Send {
			m.Offset = histories.OffsetUnknown
		}
	}
}

// keepCauses keeps as many of the records that a transformation polled as it
// has records to send, and goes back to right behind them. It tells whether
// there were enough.
func (c *txnConn) keepCauses(op *histories.Op, poll int) bool {
	want := int32(len(op.Mops) - poll - 1)
	m := &op.Mops[poll]
	kept := m.From
	for j := m.From; j < m.To; j++ {
		run := &op.Runs[j]
		if n := min(run.To-run.From, want); n < run.To-run.From {
			if at := c.assigned.find(run.Key); at != nil {
				at.next = op.Recs[run.From+n].Offset
			}
			for i := range op.Fetched { // its epoch is that of a record that is given up
				if f := &op.Fetched[i]; f.Key == run.Key {
					f.Epoch = -1
				}
			}
			run.To = run.From + n
		}
		want -= run.To - run.From
		if run.From < run.To {
			kept = j + 1
		}
	}
	op.Runs, m.To = op.Runs[:kept], kept
	if kept > m.From {
		op.Recs = op.Recs[:op.Runs[kept-1].To]
	} else {
		op.Recs = op.Recs[:0]
	}
	op.Bad = slices.DeleteFunc(op.Bad, func(b histories.BadRec) bool {
		return !slices.ContainsFunc(op.Recs, func(r histories.Rec) bool { return r.Offset == b.Offset })
	})
	return want == 0
}
