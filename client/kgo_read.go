package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// sharded finds a log's offset among the answers of the brokers.
func (c *kgoConn) sharded(shards []kgo.ResponseShard, key int64) listAnswer {
	r := c.routes[key]
	if r == nil {
		return listAnswer{-1, errUnknownLog}
	}
	for _, s := range shards {
		req, ok := s.Req.(*kmsg.ListOffsetsRequest)
		if !ok || !asksFor(req, r.log) {
			continue
		}
		if s.Err != nil {
			return listAnswer{-1, s.Err}
		}
		at := &route{log: r.log, node: s.Meta.NodeID}
		resp, _ := s.Resp.(*kmsg.ListOffsetsResponse)
		return listedOf(resp, nil, at)
	}
	return listAnswer{-1, errNoAnswer}
}

// asksFor tells whether a part of a sharded request is about the log.
func asksFor(req *kmsg.ListOffsetsRequest, log histories.Log) bool {
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if t.Topic == log.Topic && p.Partition == log.Partition {
				return true
			}
		}
	}
	return false
}

// assign replaces the consumer's partitions, each at an exact offset. A log
// whose offset cannot be had now is left to the consumer to resolve.
func (c *kgoConn) assign(ctx context.Context, op *histories.Op) {
	old := c.assigned.at
	if changed, _ := c.assigned.assign(ctx, op); !changed {
		return
	}
	gone := make(map[string][]int32)
	for _, p := range old {
		log := c.routes[p.key].log
		gone[log.Topic] = append(gone[log.Topic], log.Partition)
	}
	c.cl.RemoveConsumePartitions(gone)
	begin := make(map[string]map[int32]kgo.Offset)
	known := c.assigned.at[:0]
	for _, p := range c.assigned.at {
		r := c.routes[p.key]
		if r == nil {
			continue // not a log of this run; the operation's error says so
		}
		known = append(known, p)
		if begin[r.log.Topic] == nil {
			begin[r.log.Topic] = make(map[int32]kgo.Offset)
		}
		begin[r.log.Topic][r.log.Partition] = p.offset()
	}
	c.assigned.at = known
	c.cl.AddConsumePartitions(begin)
}

// offset says a position in franz-go's words.
func (p *position) offset() kgo.Offset {
	switch {
	case p.next >= 0:
		return kgo.NewOffset().At(p.next)
	case p.seek.To == histories.SeekBeginning:
		return kgo.NewOffset().AtStart()
	case p.seek.To == histories.SeekBack && p.from >= 0:
		return kgo.NewOffset().At(max(0, p.from-p.seek.Back))
	case p.seek.To == histories.SeekBack:
		return kgo.NewOffset().AtEnd().Relative(-p.seek.Back)
	}
	return kgo.NewOffset().AtEnd()
}

// poll takes what the consumer has, or waits for it. What stands here was
// fetched at any time since the assignment: where a fetch stood and when is
// not known, so Fetched stays empty.
func (c *kgoConn) poll(ctx context.Context, op *histories.Op) {
	resetPoll(op)
	if len(c.assigned.at) == 0 {
		complete(op, read, "%v", errNotAssigned)
		return
	}
	wait, cancel := context.WithTimeout(ctx, c.cfg.PollWait)
	defer cancel()
	fetches := c.cl.PollRecords(wait, kgoPollRecords)
	var errs keyErrors
	var other error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		key, ok := c.keys[place{p.Topic, p.Partition}]
		switch {
		case p.Err != nil && !ok: // injected by franz-go, for the poll itself
			if !errors.Is(p.Err, wait.Err()) {
				other = p.Err
			}
		case p.Err != nil:
			errs.add(key, p.Err)
		}
		if ok {
			c.take(op, key, p.Records)
		}
	})
	op.Mops[0].To = int32(len(op.Runs))
	if len(op.Runs) == 0 && (other != nil || len(errs) > 0) {
		complete(op, read, "%v", errors.Join(other, errsOrNil(errs)))
		return
	}
	op.Mops[0].Polled = true
	finishRead(op, true, errs)
}

func errsOrNil(errs keyErrors) error {
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s", errs)
}

// take reports the records of one log.
func (c *kgoConn) take(op *histories.Op, key int64, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	from := int32(len(op.Recs))
	for _, r := range records {
		p, why, detail := DecodePayload(r.Value, c.cfg.Run, key)
		op.Recs = append(op.Recs, histories.Rec{Offset: r.Offset, Value: p.Value})
		if why != "" {
			op.Bad = append(op.Bad, histories.BadRec{Key: key, Offset: r.Offset, Why: why, Detail: detail})
		}
	}
	op.Runs = append(op.Runs, histories.Run{Key: key, From: from, To: int32(len(op.Recs))})
	if at := c.assigned.find(key); at != nil {
		at.next = records[len(records)-1].Offset + 1
	}
}
