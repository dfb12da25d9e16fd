package client

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// epochEnds completes an operation that asks where leader epochs end: one
// request to each leader (OffsetForLeaderEpoch, KIP-101 and KIP-320), made once.
// Answers that cannot be had are -1.
func (c *rawConn) epochEnds(ctx context.Context, op *histories.Op) {
	var errs keyErrors
	asked := map[int64]int64{}
	for i, key := range op.Keys {
		asked[key] = -1
		if i < len(op.IDs) {
			asked[key] = op.IDs[i]
		}
	}
	groups := c.byLeader(ctx, op.Keys, &errs)
	answers := make([]map[int64]epochAnswer, len(groups))
	each(groups, func(i int) { answers[i] = epochsOf(ctx, &groups[i], asked) })
	op.Offsets, op.IDs = op.Offsets[:0], op.IDs[:0]
	for _, key := range op.Keys {
		told := epochAnswer{epoch: -1, end: -1}
		for i := range answers {
			if a, ok := answers[i][key]; ok {
				told = a
			}
		}
		if told.err != nil {
			c.leaders.stale = true
			errs.add(key, told.err)
		}
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: key, Offset: told.end})
		op.IDs = append(op.IDs, told.epoch)
	}
	finishRead(op, len(errs) < len(op.Keys), errs)
}

// epochAnswer is what a leader said of one log; -1 where it knows none.
type epochAnswer struct {
	epoch, end int64
	err        error
}

// epochsOf asks one leader. Every log of the group has an answer in the result.
func epochsOf(ctx context.Context, g *group, asked map[int64]int64) map[int64]epochAnswer {
	resp, err := epochRequest(g.routes, asked).RequestWith(ctx, g.broker)
	out := make(map[int64]epochAnswer, len(g.routes))
	for _, r := range g.routes {
		out[r.log.Key] = epochOf(resp, err, r)
	}
	return out
}

// epochRequest asks for the end of an epoch of each log: of the one that its
// leader leads under, so far as metadata tells, where none is named.
func epochRequest(routes []*route, asked map[int64]int64) *kmsg.OffsetForLeaderEpochRequest {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	topics := make(map[string]int)
	for _, r := range routes {
		i, ok := topics[r.log.Topic]
		if !ok {
			i = len(req.Topics)
			topics[r.log.Topic] = i
			t := kmsg.NewOffsetForLeaderEpochRequestTopic()
			t.Topic = r.log.Topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		p.Partition, p.CurrentLeaderEpoch = r.log.Partition, -1
		p.LeaderEpoch = int32(asked[r.log.Key])
		if p.LeaderEpoch < 0 {
			p.LeaderEpoch = r.epoch
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	return req
}

// epochOf finds a log's epoch in an answer.
func epochOf(resp *kmsg.OffsetForLeaderEpochResponse, err error, r *route) epochAnswer {
	none := epochAnswer{epoch: -1, end: -1}
	if err != nil || resp == nil {
		none.err = fmt.Errorf("%s: %w", where(r), errOr(err, errNoAnswer))
		return none
	}
	for i := range resp.Topics {
		if resp.Topics[i].Topic != r.log.Topic {
			continue
		}
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			switch {
			case p.Partition != r.log.Partition:
			case p.ErrorCode != 0:
				none.err = fmt.Errorf("%s: %s", where(r), codeText(p.ErrorCode))
				return none
			default:
				return epochAnswer{epoch: int64(p.LeaderEpoch), end: p.EndOffset}
			}
		}
	}
	none.err = fmt.Errorf("%s: %w", where(r), errNoAnswer)
	return none
}
