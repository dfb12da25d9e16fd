package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// The most one fetch returns, in bytes. A batch larger than that still comes
// whole (KIP-74).
const (
	fetchLogBytes = 256 << 10
	fetchMaxBytes = 1 << 20
)

var errNotAssigned = errors.New("no log is assigned")

// poll fetches every assigned log from its position: one fetch a leader, once.
// The position of a log moves only where its fetch was answered.
func (c *rawConn) poll(ctx context.Context, op *histories.Op) {
	resetPoll(op)
	errs := c.pollInto(ctx, op, &op.Mops[0])
	finishRead(op, op.Mops[0].Polled, errs)
}

// pollInto makes one poll and appends what it returns to the operation, as the
// result of mop.
func (c *rawConn) pollInto(ctx context.Context, op *histories.Op, mop *histories.Mop) (errs keyErrors) {
	fetchesBefore := len(op.Fetched)
	mop.From = int32(len(op.Runs))
	mop.To, mop.Polled = mop.From, false
	if len(c.assigned.at) == 0 {
		errs.add(-1, errNotAssigned)
		return errs
	}
	c.assigned.resolve(ctx, c.assigned.at, &errs)
	keys := make([]int64, 0, len(c.assigned.at))
	for _, p := range c.assigned.at {
		if p.next >= 0 {
			keys = append(keys, p.key)
		}
	}
	groups := c.byLeader(ctx, keys, &errs)
	answers := make([]fetchAnswer, len(groups))
	each(groups, func(i int) { answers[i] = c.fetch(ctx, &groups[i]) })

	for i := range c.assigned.at {
		p := &c.assigned.at[i]
		for j := range groups {
			for _, r := range groups[j].routes {
				if r.log.Key == p.key {
					c.take(op, p, r, &answers[j], &errs)
				}
			}
		}
	}
	mop.To = int32(len(op.Runs))
	mop.Polled = len(op.Fetched) > fetchesBefore
	if len(errs) > 0 {
		c.leaders.stale = true
	}
	return errs
}

// resetPoll empties the results of an operation that is reused, and makes sure
// that it has its one poll mop.
func resetPoll(op *histories.Op) {
	op.Runs, op.Recs = op.Runs[:0], op.Recs[:0]
	op.Fetched, op.Bad = op.Fetched[:0], op.Bad[:0]
	op.Mops = append(op.Mops[:0], histories.Mop{})
}

// fetchAnswer is what one leader said.
type fetchAnswer struct {
	resp *kmsg.FetchResponse
	err  error
}

// fetch asks one leader for its logs, outside of any fetch session (KIP-227).
func (c *rawConn) fetch(ctx context.Context, g *group) fetchAnswer {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID = -1
	req.MaxWaitMillis = clampMillis(c.cfg.PollWait.Milliseconds())
	req.MinBytes = 1
	req.MaxBytes = fetchMaxBytes
	req.SessionEpoch = -1
	if c.decoder.committed {
		req.IsolationLevel = 1
	}
	for _, r := range g.routes {
		if r.log.Life > 0 {
			if err := c.wire.takesIDs(ctx, g.broker, r.addr); err != nil {
				return fetchAnswer{nil, err}
			}
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition = r.log.Partition
		p.CurrentLeaderEpoch = -1
		p.LastFetchedEpoch = -1
		p.LogStartOffset = -1
		p.FetchOffset = c.assigned.find(r.log.Key).next
		p.PartitionMaxBytes = fetchLogBytes
		fetchTopic(req, r).Partitions = append(fetchTopic(req, r).Partitions, p)
	}
	resp, err := req.RequestWith(ctx, g.broker)
	if err == nil && resp == nil {
		err = errNoAnswer
	}
	if err == nil && resp.ErrorCode != 0 {
		err = errors.New(codeText(resp.ErrorCode))
	}
	return fetchAnswer{resp, err}
}

// fetchTopic returns the request's part for the log's topic, in its present life.
func fetchTopic(req *kmsg.FetchRequest, r *route) *kmsg.FetchRequestTopic {
	for i := range req.Topics {
		if req.Topics[i].Topic == r.log.Topic && req.Topics[i].TopicID == r.topicID {
			return &req.Topics[i]
		}
	}
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = r.log.Topic, r.topicID
	req.Topics = append(req.Topics, t)
	return &req.Topics[len(req.Topics)-1]
}

// take writes what a leader said of one log into the operation.
func (c *rawConn) take(op *histories.Op, p *position, r *route, a *fetchAnswer, errs *keyErrors) {
	if a.err != nil {
		errs.add(p.key, fmt.Errorf("%s: %w", where(r), a.err))
		return
	}
	fp := fetchedPartition(a.resp, r)
	if fp == nil {
		errs.add(p.key, fmt.Errorf("%s: %w", where(r), errNoAnswer))
		return
	}
	switch fp.ErrorCode {
	case 0:
	case kerr.OffsetOutOfRange.Code:
		errs.add(p.key, fmt.Errorf("%s: %s at position %d, the next poll begins at the log's start", where(r), codeText(fp.ErrorCode), p.next))
		*p = position{key: p.key, next: -1, from: -1, seek: histories.Seek{To: histories.SeekBeginning}}
		return
	default:
		errs.add(p.key, fmt.Errorf("%s: %s", where(r), codeText(fp.ErrorCode)))
		return
	}
	from, position := int32(len(op.Recs)), p.next
	next, epoch, err := c.decoder.decode(op, p.key, position, fp)
	op.Fetched = append(op.Fetched, histories.Fetched{Key: p.key, Position: position, HighWatermark: max(fp.HighWatermark, -1), Epoch: epoch})
	if err != nil {
		errs.add(p.key, fmt.Errorf("%s: %w", where(r), err))
	}
	p.next = next
	if to := int32(len(op.Recs)); to > from {
		op.Runs = append(op.Runs, histories.Run{Key: p.key, From: from, To: to})
	}
}

// fetchedPartition finds a log in an answer, nil where it is not there.
func fetchedPartition(resp *kmsg.FetchResponse, r *route) *kmsg.FetchResponseTopicPartition {
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if resp.Version >= 13 && t.TopicID != r.topicID || resp.Version < 13 && t.Topic != r.log.Topic {
			continue
		}
		for j := range t.Partitions {
			if t.Partitions[j].Partition == r.log.Partition {
				return &t.Partitions[j]
			}
		}
	}
	return nil
}
