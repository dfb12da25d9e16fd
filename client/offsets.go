package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// Timestamps with a meaning of their own in ListOffsets.
const (
	timestampEnd   = -1
	timestampStart = -2
	// timestampStable is ours: the end as it is told to readers of committed
	// records, which is the last stable offset (KIP-98).
	timestampStable = -1 << 32
)

// errNoAnswer: the answer did not name the log.
var errNoAnswer = errors.New("the answer does not tell of this log")

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// where names a log and the node asked.
func where(r *route) string {
	return fmt.Sprintf("log %d (%s/%d) at n%d", r.log.Key, r.log.Topic, r.log.Partition, r.node)
}

// listed completes an operation that asks for offsets.
func (c *rawConn) listed(ctx context.Context, op *histories.Op, timestamp int64) {
	var errs keyErrors
	op.Offsets = c.list(ctx, op.Keys, timestamp, op.Offsets[:0], &errs)
	finishRead(op, len(errs) < len(op.Keys), errs)
}

// finishRead completes a read: ok where something was answered, the rest named.
func finishRead(op *histories.Op, some bool, errs keyErrors) {
	switch {
	case some && len(errs) > 0:
		op.Type, op.Error = histories.OK, "without "+errs.String()
	case some:
		op.Type = histories.OK
	case len(errs) > 0:
		complete(op, read, "%s", errs)
	default:
		complete(op, read, "nothing was asked for")
	}
}

// list asks the leaders of the keys for an offset each, once. The answers are
// appended to out in the order of the keys, -1 where there is none.
func (c *rawConn) list(ctx context.Context, keys []int64, timestamp int64, out []histories.KeyOffset, errs *keyErrors) []histories.KeyOffset {
	groups := c.byLeader(ctx, keys, errs)
	answers := make([]map[int64]listAnswer, len(groups))
	each(groups, func(i int) { answers[i] = listOne(ctx, &groups[i], timestamp) })
	for _, key := range keys {
		offset := int64(-1)
		for i := range answers {
			if a, ok := answers[i][key]; ok {
				if a.err != nil {
					c.leaders.stale = true
					errs.add(key, a.err)
				} else {
					offset = a.offset
				}
				break
			}
		}
		out = append(out, histories.KeyOffset{Key: key, Offset: offset})
	}
	return out
}

// each runs fn for every group, at once where there are several.
func each(groups []group, fn func(i int)) {
	if len(groups) == 1 {
		fn(0)
		return
	}
	var wg sync.WaitGroup
	for i := range groups {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// listAnswer is the answer for one log.
type listAnswer struct {
	offset int64
	err    error
}

// listOne asks one leader. Every log of the group has an answer in the result.
func listOne(ctx context.Context, g *group, timestamp int64) map[int64]listAnswer {
	resp, err := listRequest(g.routes, timestamp).RequestWith(ctx, g.broker)
	confirmed := map[string]error{} // by topic
	out := make(map[int64]listAnswer, len(g.routes))
	for _, r := range g.routes {
		a := listedOf(resp, err, r)
		if r.log.Life > 0 && a.err == nil { // the request knows names only
			if _, asked := confirmed[r.log.Topic]; !asked {
				confirmed[r.log.Topic] = confirm(ctx, g.broker, r)
			}
			if err := confirmed[r.log.Topic]; err != nil {
				a = listAnswer{-1, fmt.Errorf("%s: %w", where(r), err)}
			}
		}
		out[r.log.Key] = a
	}
	return out
}

// listRequest asks for the end or the start of the logs, uncommitted records
// included, or for their last stable offsets.
func listRequest(routes []*route, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	if timestamp == timestampStable {
		timestamp, req.IsolationLevel = timestampEnd, 1
	}
	topics := make(map[string]int)
	for _, r := range routes {
		i, ok := topics[r.log.Topic]
		if !ok {
			i = len(req.Topics)
			topics[r.log.Topic] = i
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = r.log.Topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp, p.CurrentLeaderEpoch = r.log.Partition, timestamp, -1
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	return req
}

// listedOf finds a log's offset in an answer.
func listedOf(resp *kmsg.ListOffsetsResponse, err error, r *route) listAnswer {
	if err != nil || resp == nil {
		return listAnswer{-1, fmt.Errorf("%s: %w", where(r), errOr(err, errNoAnswer))}
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
				return listAnswer{-1, fmt.Errorf("%s: %s", where(r), codeText(p.ErrorCode))}
			case p.Offset < 0:
				return listAnswer{-1, fmt.Errorf("%s: listed at offset %d", where(r), p.Offset)}
			default:
				return listAnswer{p.Offset, nil}
			}
		}
	}
	return listAnswer{-1, fmt.Errorf("%s: %w", where(r), errNoAnswer)}
}

// errOr returns err, or other where err is nil.
func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
