package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/ackproof/ackproof/histories"
)

// groupID is a consumer group of this name in the run.
func (c *txnConn) groupID(name string) string {
	return fmt.Sprintf("ackproof-%016x-%s", c.cfg.Run, name)
}

// coordinator is a client for requests to coordinators. Its versions are from
// before the protocol in which a transaction takes in partitions and groups by
// itself (KIP-890): here each is added by a request.
func (c *txnConn) coordinator() (*kgo.Client, error) {
	if c.coord == nil {
		cl, err := kgo.NewClient(append(baseOpts(c.cfg, nil), kgo.SeedBrokers(c.cfg.Seeds...), kgo.MaxVersions(kversion.V3_0_0()), kgo.RetryTimeout(txnDeadline*c.cfg.OpTimeout))...)
		if err != nil {
			return nil, fmt.Errorf("create a client for coordinators: %w", err)
		}
		c.coord = cl
	}
	return c.coord, nil
}

// commitPositions makes the positions of the group part of the transaction.
func (c *txnConn) commitPositions(ctx context.Context, op *histories.Op) error {
	cl, err := c.coordinator()
	if err != nil {
		return err
	}
	p := c.producer
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch = TxnID(c.cfg.Run, c.cfg.Txn), p.id, int16(p.epoch)
	add.Group = c.groupID(op.Group)
	err = insist(ctx, func() error {
		resp, err := add.RequestWith(ctx, cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return fmt.Errorf("add the positions of group %s to the transaction: %w", op.Group, err)
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.Group = add.TransactionalID, add.Group
	commit.ProducerID, commit.ProducerEpoch, commit.Generation = p.id, int16(p.epoch), -1
	for i := range c.assigned.at {
		at := &c.assigned.at[i]
		r := c.leaders.routes[at.key]
		if r == nil || at.next < 0 {
			continue
		}
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic = r.log.Topic
		tp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		tp.Partition, tp.Offset, tp.LeaderEpoch = r.log.Partition, at.next, -1
		t.Partitions = append(t.Partitions, tp)
		commit.Topics = append(commit.Topics, t)
	}
	err = insist(ctx, func() error {
		resp, err := commit.RequestWith(ctx, cl)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit the positions of group %s in the transaction: %w", op.Group, err)
	}
	return nil
}

// insist repeats a request that its coordinator asks to be repeated.
func insist(ctx context.Context, request func() error) error {
	for {
		err := request()
		if !errors.Is(err, kerr.ConcurrentTransactions) && !errors.Is(err, kerr.UnstableOffsetCommit) && !errors.Is(err, kerr.CoordinatorLoadInProgress) {
			return err
		}
		t := time.NewTimer(insistPause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

// insistPause is the pause between two of such requests.
const insistPause = 20 * time.Millisecond

// assignCommitted begins where the group has committed.
func (c *txnConn) assignCommitted(ctx context.Context, op *histories.Op) {
	committed, err := c.committed(ctx, op.Group, op.Keys)
	if err != nil {
		complete(op, read, "ask what group %s has committed: %v", op.Group, err)
		return
	}
	op.Offsets = committed
	seek := op.Seek
	op.Seek = histories.Seek{To: histories.SeekBeginning} // where nothing is committed
	c.assign(ctx, op)
	op.Seek = seek
}

// committed asks for a group's committed positions, of committed transactions
// only (KIP-447).
func (c *txnConn) committed(ctx context.Context, group string, keys []int64) ([]histories.KeyOffset, error) {
	cl, err := c.coordinator()
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = c.groupID(group)
	req.RequireStable = true
	for _, key := range keys {
		r := c.leaders.routes[key]
		if r == nil {
			return nil, fmt.Errorf("log %d: %w", key, errUnknownLog)
		}
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic, t.Partitions = r.log.Topic, []int32{r.log.Partition}
		rg.Topics = append(rg.Topics, t)
	}
	req.Groups = append(req.Groups, rg)
	var out []histories.KeyOffset
	err = insist(ctx, func() error {
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return err
		}
		out = out[:0]
		return c.committedOf(resp, keys, &out)
	})
	return out, err
}

// committedOf reads an answer; logs without a committed position are left out.
func (c *txnConn) committedOf(resp *kmsg.OffsetFetchResponse, keys []int64, out *[]histories.KeyOffset) error {
	if len(resp.Groups) != 1 {
		return fmt.Errorf("the answer is about %d groups", len(resp.Groups))
	}
	for _, code := range []int16{resp.ErrorCode, resp.Groups[0].ErrorCode} {
		switch err := kerr.ErrorForCode(code); {
		case errors.Is(err, kerr.GroupIDNotFound): // it has never committed anything
			return nil
		case err != nil:
			return err
		}
	}
	for _, key := range keys {
		log := c.leaders.routes[key].log
		for _, t := range resp.Groups[0].Topics {
			for _, p := range t.Partitions {
				if t.Topic != log.Topic || p.Partition != log.Partition {
					continue
				}
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
				if p.Offset >= 0 {
					*out = append(*out, histories.KeyOffset{Key: key, Offset: p.Offset})
				}
			}
		}
	}
	return nil
}

// fence takes over transactional ids.
func (c *txnConn) fence(ctx context.Context, op *histories.Op) {
	cl, err := c.coordinator()
	if err != nil {
		complete(op, unsent, "%v", err)
		return
	}
	for _, number := range op.Keys {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID = kmsg.StringPtr(TxnID(c.cfg.Run, number))
		req.TransactionTimeoutMillis = int32(txnTimeout.Milliseconds())
		req.ProducerID, req.ProducerEpoch = -1, -1
		err := insist(ctx, func() error {
			resp, err := req.RequestWith(ctx, cl)
			if err != nil {
				return err
			}
			op.Producer = histories.Producer{Txn: number, Instance: c.cfg.Process*instancesPerProcess + c.instances, Epoch: int64(resp.ProducerEpoch)}
			return kerr.ErrorForCode(resp.ErrorCode)
		})
		if err != nil {
			op.Producer = histories.Producer{}
			complete(op, unfenced, "transactional id %d: %v", number, err)
			return
		}
		c.instances++
	}
	op.Type = histories.OK
}
