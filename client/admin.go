package client

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// administer asks the controller to make or unmake the logs of the operation.
// The client finds the controller and repeats the request where that is safe;
// what had been done already counts as done, because each of these operations
// says what is to be, and one worker alone makes those of a topic.
func (c *rawConn) administer(ctx context.Context, op *histories.Op) {
	logs, err := c.logsOf(op.Keys)
	if err != nil {
		complete(op, unsent, "%v", err)
		return
	}
	switch op.F {
	case histories.CreateTopic:
		err = c.createTopic(ctx, op, logs)
	case histories.DeleteTopic:
		err = c.deleteTopic(ctx, op, logs)
	case histories.CreatePartitions:
		err = c.createPartitions(ctx, logs)
	}
	c.leaders.stale = true
	if err == nil {
		op.Type = histories.OK
		return
	}
	op.Type, op.Error = histories.Info, fmt.Sprintf("%s of %s: %v", op.F, logs[0].Topic, err)
	if ctx.Err() != nil {
		c.abandon()
	}
}

// logsOf returns the logs of an operation on one topic.
func (c *rawConn) logsOf(keys []int64) ([]histories.Log, error) {
	var logs []histories.Log
	for _, key := range keys {
		r := c.leaders.routes[key]
		if r == nil || len(logs) > 0 && (r.log.Topic != logs[0].Topic || r.log.Life != logs[0].Life) {
			return nil, fmt.Errorf("logs %v: want those of one topic of this run", keys)
		}
		logs = append(logs, r.log)
	}
	if len(logs) == 0 {
		return nil, errNoRecords
	}
	return logs, nil
}

func (c *rawConn) createTopic(ctx context.Context, op *histories.Op, logs []histories.Log) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = clampMillis(c.cfg.OpTimeout.Milliseconds())
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions = logs[0].Topic, int32(len(logs))
	t.ReplicationFactor = int16(max(c.cfg.Contract.ReplicationFactor, 1))
	config := [][2]string{{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}
	if n := c.cfg.Contract.MinISR; n > 0 {
		config = append(config, [2]string{"min.insync.replicas", strconv.Itoa(n)})
	}
	if u := c.cfg.Contract.UncleanElection; u != nil && c.cfg.Contract.MinISR > 0 {
		config = append(config, [2]string{"unclean.leader.election.enable", strconv.FormatBool(*u)})
	}
	for _, kv := range config {
		e := kmsg.NewCreateTopicsRequestTopicConfig()
		e.Name, e.Value = kv[0], kmsg.StringPtr(kv[1])
		t.Configs = append(t.Configs, e)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.wire.cl)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return errNoAnswer
	}
	id := resp.Topics[0].TopicID
	switch code := resp.Topics[0].ErrorCode; code {
	case 0:
	case kerr.TopicAlreadyExists.Code: // by an earlier attempt, unless it is still the life before
		if id, err = c.topicID(ctx, logs[0].Topic); err != nil {
			return err
		}
		if !c.cfg.Lives.isNew(id) {
			return fmt.Errorf("%s: its life before is not over", codeText(code))
		}
	default:
		return fmt.Errorf("%s", codeText(code))
	}
	if id == ([16]byte{}) {
		return errNameOnly
	}
	c.cfg.Lives.begin(op.Keys, id)
	return nil
}

// topicID asks for the id of a topic.
func (c *rawConn) topicID(ctx context.Context, topic string) (id [16]byte, err error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.wire.cl)
	switch {
	case err != nil:
		return id, err
	case len(resp.Topics) != 1:
		return id, errNoAnswer
	case resp.Topics[0].ErrorCode != 0:
		return id, fmt.Errorf("%s", codeText(resp.Topics[0].ErrorCode))
	}
	return resp.Topics[0].TopicID, nil
}

// deleteTopic deletes the topic by its id, so that an attempt that arrives late
// cannot delete its next life.
func (c *rawConn) deleteTopic(ctx context.Context, op *histories.Op, logs []histories.Log) error {
	id, err := c.cfg.Lives.id(logs[0].Key)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = clampMillis(c.cfg.OpTimeout.Milliseconds())
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.TopicID = id
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.wire.cl)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return errNoAnswer
	}
	switch code := resp.Topics[0].ErrorCode; code {
	case 0, kerr.UnknownTopicID.Code, kerr.UnknownTopicOrPartition.Code:
		c.cfg.Lives.end(op.Keys)
		return nil
	default:
		return fmt.Errorf("%s", codeText(code))
	}
}

func (c *rawConn) createPartitions(ctx context.Context, logs []histories.Log) error {
	count := int32(0)
	for _, l := range logs {
		count = max(count, l.Partition+1)
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis = clampMillis(c.cfg.OpTimeout.Milliseconds())
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = logs[0].Topic, count
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.wire.cl)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return errNoAnswer
	}
	switch code := resp.Topics[0].ErrorCode; code {
	case 0, kerr.InvalidPartitions.Code: // it has as many already
		return nil
	default:
		return fmt.Errorf("%s", codeText(code))
	}
}

// deleteRecords asks the leader of one log to delete its first records: a
// single attempt. What the leader refuses at once did not happen; where it did
// not hear from its replicas in time, it did.
func (c *rawConn) deleteRecords(ctx context.Context, op *histories.Op) {
	if len(op.Offsets) != 1 {
		complete(op, unsent, "want one log and one offset")
		return
	}
	key := op.Offsets[0].Key
	if err := c.leaders.fresh(ctx, c.wire); err != nil {
		complete(op, unsent, "log %d: %v", key, err)
		return
	}
	r, broker, err := c.leaders.of(c.wire, key)
	if err != nil {
		complete(op, unsent, "log %d: %v", key, err)
		return
	}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = clampMillis(c.cfg.OpTimeout.Milliseconds())
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = r.log.Topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = r.log.Partition, op.Offsets[0].Offset
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	w := c.wire
	w.gate.open()
	resp, err := req.RequestWith(ctx, broker)
	passed := w.gate.shut()
	if err != nil {
		c.leaders.stale = true
		if ctx.Err() != nil {
			c.abandon()
		}
		if passed {
			complete(op, unanswered, "log %d at n%d: %v", key, r.node, err)
		} else {
			complete(op, unsent, "log %d at n%d: %v", key, r.node, err)
		}
		return
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		complete(op, malformed, "log %d at n%d", key, r.node)
		return
	}
	code := resp.Topics[0].Partitions[0].ErrorCode
	switch {
	case code == 0:
		op.Type = histories.OK
		op.Offsets[0].Offset = resp.Topics[0].Partitions[0].LowWatermark
		return
	case slices.Contains(refusedDeletes, code):
		op.Type = histories.Fail
	default:
		op.Type = histories.Info
	}
	c.leaders.stale = true
	op.Error = codeText(code) + ": " + where(r)
}

// refusedDeletes are the answers of a leader that deleted nothing.
var refusedDeletes = []int16{
	kerr.OffsetOutOfRange.Code, kerr.NotLeaderForPartition.Code, kerr.UnknownTopicOrPartition.Code,
	kerr.PolicyViolation.Code, kerr.TopicAuthorizationFailed.Code, kerr.LeaderNotAvailable.Code,
}
