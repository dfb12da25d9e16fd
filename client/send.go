package client

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// produceRequest is a request for one batch to one log, reused by the sends of
// a wire.
type produceRequest struct{ req *kmsg.ProduceRequest }

func (p *produceRequest) set(r *route, batch []byte, timeout time.Duration) *kmsg.ProduceRequest {
	if p.req == nil {
		p.req = kmsg.NewPtrProduceRequest()
		t := kmsg.NewProduceRequestTopic()
		t.Partitions = append(t.Partitions, kmsg.NewProduceRequestTopicPartition())
		p.req.Topics = append(p.req.Topics, t)
	}
	p.req.TimeoutMillis = clampMillis(timeout.Milliseconds())
	t := &p.req.Topics[0]
	t.Topic, t.TopicID = r.log.Topic, r.topicID // the id counts from version 13 on (KIP-516)
	t.Partitions[0].Partition = r.log.Partition
	t.Partitions[0].Records = batch
	return p.req
}

var (
	errNoRecords = errors.New("a send without records")
	errTwoLogs   = errors.New("a send goes to one log")
)

// send produces the operation's records as one batch in one request.
func (c *rawConn) send(ctx context.Context, op *histories.Op) {
	key, err := sendKey(op)
	if err != nil {
		complete(op, unsent, "%v", err)
		return
	}
	if err := c.leaders.fresh(ctx, c.wire); err != nil {
		complete(op, unsent, "log %d: %v", key, err)
		return
	}
	r, broker, err := c.leaders.of(c.wire, key)
	if err != nil {
		complete(op, unsent, "log %d: %v", key, err)
		return
	}
	w := c.wire
	if r.log.Life > 0 {
		if err := w.takesIDs(ctx, broker, r.addr); err != nil {
			complete(op, unsent, "log %d: %v", key, err)
			return
		}
	}
	batch, err := c.encode(op)
	if err != nil {
		complete(op, unsent, "log %d: %v", key, err)
		return
	}
	req := w.produce.set(r, batch, c.cfg.OpTimeout)
	w.gate.open()
	resp, err := req.RequestWith(ctx, broker)
	passed := w.gate.shut()
	if err == nil && resp != nil {
		c.answered(op, r, resp)
		return
	}
	c.leaders.stale = true
	if ctx.Err() != nil {
		c.abandon() // the request may still be on its way to the gate
	}
	if passed {
		complete(op, unanswered, "log %d at n%d: %v", key, r.node, err)
	} else {
		complete(op, unsent, "log %d at n%d: %v", key, r.node, err)
	}
}

// sendKey returns the one log of a send.
func sendKey(op *histories.Op) (int64, error) {
	if len(op.Mops) == 0 {
		return 0, errNoRecords
	}
	for i := range op.Mops {
		m := &op.Mops[i]
		m.Offset = histories.OffsetUnknown
		if !m.Send || m.Key != op.Mops[0].Key {
			return 0, errTwoLogs
		}
	}
	return op.Mops[0].Key, nil
}

// encode builds the record batch.
func (c *rawConn) encode(op *histories.Op) ([]byte, error) {
	b := &c.wire.batch
	b.begin()
	for i := range op.Mops {
		m := &op.Mops[i]
		p := Payload{Run: c.cfg.Run, Key: m.Key, Value: m.Value, Process: c.cfg.Process}
		if key, ok := op.KeyOfSend(i); ok {
			b.addKeyed(p, c.cfg.RecordSize, key)
		} else {
			b.add(p, c.cfg.RecordSize)
		}
	}
	return b.end(time.Now().UnixMilli())
}

// answered completes a send by what the broker said.
func (c *rawConn) answered(op *histories.Op, r *route, resp *kmsg.ProduceResponse) {
	if c.cfg.Contract.Acks == "0" {
		complete(op, unacked, "log %d at n%d was written to", r.log.Key, r.node)
		return
	}
	p := producedPartition(resp, r)
	if p == nil {
		c.leaders.stale = true
		complete(op, malformed, "log %d at n%d: the answer has %d topics and not this partition", r.log.Key, r.node, len(resp.Topics))
		return
	}
	o := OutcomeOf(p.ErrorCode)
	if o.Refresh {
		c.leaders.stale = true
	}
	op.Type = o.Type
	if p.ErrorCode != 0 {
		op.Error = codeText(p.ErrorCode) + ": " + where(r)
		if p.ErrorMessage != nil {
			op.Error += ": " + *p.ErrorMessage
		}
		return
	}
	acknowledge(op, p.BaseOffset)
}

// acknowledge gives each record its offset.
func acknowledge(op *histories.Op, base int64) {
	if base < 0 {
		op.Error = "acknowledged with base offset " + itoa(base)
	}
	for i := range op.Mops {
		if base < 0 {
			op.Mops[i].Offset = histories.OffsetNil
		} else {
			op.Mops[i].Offset = base + int64(i)
		}
	}
}

// producedPartition finds the log in an answer; nil where it is not alone there.
func producedPartition(resp *kmsg.ProduceResponse, r *route) *kmsg.ProduceResponseTopicPartition {
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil
	}
	t := &resp.Topics[0]
	if resp.Version >= 13 && t.TopicID != r.topicID || resp.Version < 13 && t.Topic != r.log.Topic {
		return nil
	}
	if t.Partitions[0].Partition != r.log.Partition {
		return nil
	}
	return &t.Partitions[0]
}
