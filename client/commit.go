package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// commitMetadata is the metadata that a commit leaves beside each offset.
func commitMetadata(run uint64, id int64) string {
	return fmt.Sprintf("ackproof:%016x:%d", run, id)
}

// commitID reads a commit's id out of its metadata; -1 where it is none of this run's.
func commitID(metadata *string, run uint64) int64 {
	if metadata == nil {
		return -1
	}
	text, ok := strings.CutPrefix(*metadata, fmt.Sprintf("ackproof:%016x:", run))
	if !ok {
		return -1
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 0 {
		return -1
	}
	return id
}

var errNothingToCommit = errors.New("there is nothing to commit: the member owns no log, or got no record of one")

// commit stores the member's positions by one request.
func (c *groupConn) commit(ctx context.Context, op *histories.Op) {
	op.Keys, op.Offsets = op.Keys[:0], op.Offsets[:0]
	if c.member == nil || len(op.IDs) == 0 {
		complete(op, unsent, "%v", errNothingToCommit)
		return
	}
	at, epochs, id, generation := c.member.toCommit()
	if len(at) == 0 {
		complete(op, unsent, "%v", errNothingToCommit)
		return
	}
	broker, addr, err := c.coord.of(ctx, c.rawConn, c.member.group.Name)
	if err == nil {
		err = c.leaders.fresh(ctx, c.wire) // topic ids
	}
	if err != nil {
		complete(op, unsent, "%v", err)
		return
	}
	for _, a := range at {
		op.Keys = append(op.Keys, a.Key)
		op.Offsets = append(op.Offsets, a)
	}
	req := c.commitRequest(at, epochs, commitMetadata(c.cfg.Run, op.IDs[0]))
	req.Group, req.MemberID, req.Generation = c.member.group.Name, id, generation
	w := c.wire
	w.gate.open()
	resp, err := req.RequestWith(ctx, broker)
	passed := w.gate.shut()
	if err == nil && resp != nil {
		c.committedAs(op, resp, addr)
		return
	}
	c.coord.forget()
	if ctx.Err() != nil {
		c.abandon() // the request may still be on its way to the gate
	}
	if passed {
		complete(op, unanswered, "coordinator at %s: %v", addr, err)
	} else {
		complete(op, unsent, "coordinator at %s: %v", addr, err)
	}
}

// commitRequest names the offsets by topic, name and id (KIP-1114).
func (c *groupConn) commitRequest(at []histories.KeyOffset, epochs []int32, metadata string) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	topics := map[string]int{}
	for i, a := range at {
		r := c.leaders.routes[a.Key]
		j, ok := topics[r.log.Topic]
		if !ok {
			j = len(req.Topics)
			topics[r.log.Topic] = j
			t := kmsg.NewOffsetCommitRequestTopic()
			t.Topic, t.TopicID = r.log.Topic, r.topicID
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = r.log.Partition, a.Offset, epochs[i], &metadata
		req.Topics[j].Partitions = append(req.Topics[j].Partitions, p)
	}
	return req
}

// committedAs completes a commit by what the coordinator said of each offset:
// what was certainly refused is left out of it, and any doubt makes it info.
func (c *groupConn) committedAs(op *histories.Op, resp *kmsg.OffsetCommitResponse, addr string) {
	said := map[int64]int16{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			for _, r := range c.leaders.routes {
				named := t.Topic == r.log.Topic || resp.Version >= 10 && t.TopicID == r.topicID
				if named && p.Partition == r.log.Partition {
					said[r.log.Key] = p.ErrorCode
				}
			}
		}
	}
	var errs keyErrors
	doubt := false
	kept := op.Offsets[:0]
	for _, a := range op.Offsets {
		code, ok := said[a.Key]
		switch o := commitOutcome(code); {
		case !ok:
			errs.add(a.Key, errNoAnswer)
			doubt = true
			kept = append(kept, a)
		case o.Type == histories.OK:
			kept = append(kept, a)
		case o.Type == histories.Info:
			errs.add(a.Key, errors.New(codeText(code)))
			doubt = true
			kept = append(kept, a)
		default:
			errs.add(a.Key, errors.New(codeText(code)))
		}
		if code != 0 {
			c.coord.forget()
		}
	}
	op.Offsets = kept
	op.Keys = op.Keys[:0]
	for _, a := range kept {
		op.Keys = append(op.Keys, a.Key)
	}
	switch {
	case doubt:
		op.Type = histories.Info
	case len(kept) > 0:
		op.Type = histories.OK
	default:
		op.Type = histories.Fail
	}
	if len(errs) > 0 {
		op.Error = fmt.Sprintf("coordinator at %s: %s", addr, errs)
	}
}

// committed asks for the group's committed offsets.
func (c *groupConn) committed(ctx context.Context, op *histories.Op) {
	op.Offsets, op.IDs = op.Offsets[:0], op.IDs[:0]
	broker, addr, err := c.coord.of(ctx, c.rawConn, op.Group)
	if err == nil {
		err = c.leaders.fresh(ctx, c.wire)
	}
	if err != nil {
		complete(op, read, "%v", err)
		return
	}
	resp, err := c.committedRequest(op.Group, op.Keys).RequestWith(ctx, broker)
	if err != nil || resp == nil {
		c.coord.forget()
		complete(op, read, "coordinator at %s: %v", addr, errOr(err, errNoAnswer))
		return
	}
	var errs keyErrors
	for _, key := range op.Keys {
		r := c.leaders.routes[key]
		if r == nil {
			errs.add(key, errUnknownLog)
			continue
		}
		offset, id, err := c.committedOf(resp, r)
		if err != nil {
			errs.add(key, err)
			c.coord.forget()
			continue
		}
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: key, Offset: offset})
		op.IDs = append(op.IDs, id)
	}
	finishRead(op, len(op.Offsets) > 0, errs)
}

// committedRequest asks in the words of all versions: for one group, and for a
// list of them (KIP-709).
func (c *groupConn) committedRequest(group string, keys []int64) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	list := kmsg.NewOffsetFetchRequestGroup()
	list.Group = group
	topics := map[string]int{}
	for _, key := range keys {
		r := c.leaders.routes[key]
		if r == nil {
			continue
		}
		i, ok := topics[r.log.Topic]
		if !ok {
			i = len(req.Topics)
			topics[r.log.Topic] = i
			old, t := kmsg.NewOffsetFetchRequestTopic(), kmsg.NewOffsetFetchRequestGroupTopic()
			old.Topic = r.log.Topic
			t.Topic, t.TopicID = r.log.Topic, r.topicID
			req.Topics, list.Topics = append(req.Topics, old), append(list.Topics, t)
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, r.log.Partition)
		list.Topics[i].Partitions = append(list.Topics[i].Partitions, r.log.Partition)
	}
	req.Groups = append(req.Groups, list)
	return req
}

// committedOf finds a log's committed offset in an answer, -1 for none.
func (c *groupConn) committedOf(resp *kmsg.OffsetFetchResponse, r *route) (offset, id int64, err error) {
	if resp.Version < 8 {
		if resp.ErrorCode != 0 {
			return 0, 0, errors.New(codeText(resp.ErrorCode))
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if t.Topic == r.log.Topic && p.Partition == r.log.Partition {
					return c.foundAt(p.Offset, p.Metadata, p.ErrorCode)
				}
			}
		}
		return 0, 0, errNoAnswer
	}
	for _, g := range resp.Groups {
		if g.ErrorCode != 0 {
			return 0, 0, errors.New(codeText(g.ErrorCode))
		}
		for _, t := range g.Topics {
			named := t.Topic == r.log.Topic || resp.Version >= 10 && t.TopicID == r.topicID
			for _, p := range t.Partitions {
				if named && p.Partition == r.log.Partition {
					return c.foundAt(p.Offset, p.Metadata, p.ErrorCode)
				}
			}
		}
	}
	return 0, 0, errNoAnswer
}

func (c *groupConn) foundAt(offset int64, metadata *string, code int16) (int64, int64, error) {
	if code != 0 {
		return 0, 0, errors.New(codeText(code))
	}
	return max(offset, -1), commitID(metadata, c.cfg.Run), nil
}

// commitOutcome returns the row of a commit answer's error code.
func commitOutcome(code int16) *Outcome {
	for i := range CommitOutcomes {
		if CommitOutcomes[i].Code == code {
			return &CommitOutcomes[i]
		}
	}
	return byName[unlisted]
}

// CommitOutcomes is the table for a single attempt to commit: what was refused
// before anything was written. What is not listed is info, for the same reason
// as in Outcomes.
var CommitOutcomes = []Outcome{
	{"NONE", 0, histories.OK, true, false, "Stored."},
	{"UNKNOWN_MEMBER_ID", kerr.UnknownMemberID.Code, histories.Fail, true, false, "Refused: the group does not know the member."},
	{"ILLEGAL_GENERATION", kerr.IllegalGeneration.Code, histories.Fail, true, false, "Refused: the group is in another generation."},
	{"REBALANCE_IN_PROGRESS", kerr.RebalanceInProgress.Code, histories.Fail, true, false, "Refused: the members are being given their shares."},
	{"STALE_MEMBER_EPOCH", kerr.StaleMemberEpoch.Code, histories.Fail, true, false, "Refused: the member is in another epoch (KIP-848)."},
	{"FENCED_MEMBER_EPOCH", kerr.FencedMemberEpoch.Code, histories.Fail, true, false, "Refused: the member is fenced (KIP-848)."},
	{"FENCED_INSTANCE_ID", kerr.FencedInstanceID.Code, histories.Fail, true, false, "Refused: another member has the instance id."},
	{"COORDINATOR_LOAD_IN_PROGRESS", kerr.CoordinatorLoadInProgress.Code, histories.Fail, true, false, "Refused: the coordinator does not know the group yet."},
	{"GROUP_ID_NOT_FOUND", kerr.GroupIDNotFound.Code, histories.Fail, true, false, "Refused: there is no such group."},
	{"INVALID_GROUP_ID", kerr.InvalidGroupID.Code, histories.Fail, true, false, "Refused: the group's name is not valid."},
	{"GROUP_AUTHORIZATION_FAILED", kerr.GroupAuthorizationFailed.Code, histories.Fail, true, false, "Refused: no right on the group."},
	{"TOPIC_AUTHORIZATION_FAILED", kerr.TopicAuthorizationFailed.Code, histories.Fail, true, false, "Refused: no right on the topic."},
	{"UNKNOWN_TOPIC_OR_PARTITION", kerr.UnknownTopicOrPartition.Code, histories.Fail, true, true, "Refused: the coordinator does not know the partition."},
	{"UNKNOWN_TOPIC_ID", kerr.UnknownTopicID.Code, histories.Fail, true, true, "Refused: the coordinator does not know the topic."},
	{"OFFSET_METADATA_TOO_LARGE", kerr.OffsetMetadataTooLarge.Code, histories.Fail, true, false, "Refused: the metadata is too long."},
	{"INVALID_COMMIT_OFFSET_SIZE", kerr.InvalidCommitOffsetSize.Code, histories.Fail, true, false, "Refused: the commit is too large."},
}
