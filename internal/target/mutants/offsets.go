package mutants

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Groups are the workload in which brokers that are broken towards consumer
// groups sin.
const groupWorkload = "group"

// inBackground is why an answer to a member may convict nobody.
const inBackground = "what a member is told in the background stands in the history only where it goes on to a poll"

// joins notes which clients are members of groups, and which groups leave the
// commits to others.
func (b *Broker) joins(x *exchange) {
	switch req := x.req.(type) {
	case *kmsg.OffsetCommitRequest:
		if b.asked(x) {
			b.operated[req.Group] = true
		}
	case *kmsg.JoinGroupRequest:
		b.members[x.client] = req.Group
	case *kmsg.ConsumerGroupHeartbeatRequest:
		b.members[x.client] = req.Group
	}
}

// owned is a partition in a group.
type owned struct {
	group string
	place
}

// stored is what was committed of a partition.
type stored struct {
	offset   int64
	epoch    int32
	metadata string
}

// byOperation tells whether an operation made the commit. What a consumer
// commits by itself has no id, and may go back without a sin.
func (b *Broker) byOperation(o owned, s stored) bool { return b.operated[o.group] && s.offset >= 0 }

// commit is one partition of an OffsetCommit request.
type commit struct {
	owned
	stored
	part *kmsg.OffsetCommitRequestTopicPartition // of the request that it was read from
}

// commitsOf lists what a request commits.
func (b *Broker) commitsOf(req *kmsg.OffsetCommitRequest) []commit {
	var out []commit
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			c := commit{owned{req.Group, place{b.name(t.Topic, t.TopicID), p.Partition}}, stored{p.Offset, p.LeaderEpoch, ""}, p}
			if p.Metadata != nil {
				c.metadata = *p.Metadata
			}
			if c.topic != "" {
				out = append(out, c)
			}
		}
	}
	return out
}

// acknowledges tells whether a response acknowledges the commit of a partition.
func (b *Broker) acknowledges(resp *kmsg.OffsetCommitResponse, at place) bool {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if b.name(t.Topic, t.TopicID) == at.topic && p.Partition == at.partition {
				return p.ErrorCode == 0
			}
		}
	}
	return false
}

// copyOf returns a request of the same content that may be changed.
func copyOf(req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitRequest {
	out := kmsg.NewPtrOffsetCommitRequest()
	out.SetVersion(req.GetVersion())
	if err := out.ReadFrom(req.AppendTo(nil)); err != nil {
		panic("mutants: a request does not read what it wrote: " + err.Error())
	}
	return out
}

// told is one partition of an OffsetFetch response.
type told struct {
	owned
	stored
	set func(stored)
}

// toldOf lists the committed offsets that a response tells.
func (b *Broker) toldOf(x *exchange) []told {
	resp, ok := x.resp.(*kmsg.OffsetFetchResponse)
	if !ok {
		return nil
	}
	var out []told
	add := func(group, topic string, partition int32, code int16, offset *int64, epoch *int32, metadata **string) {
		if code != 0 || topic == "" {
			return
		}
		t := told{owned: owned{group, place{topic, partition}}, stored: stored{offset: *offset, epoch: *epoch}}
		if *metadata != nil {
			t.metadata = **metadata
		}
		t.set = func(s stored) {
			*offset, *epoch, *metadata = s.offset, s.epoch, &s.metadata
			x.answer = x.resp
		}
		out = append(out, t)
	}
	for i := range resp.Groups {
		g := &resp.Groups[i]
		for j := range g.Topics {
			for k := range g.Topics[j].Partitions {
				p := &g.Topics[j].Partitions[k]
				add(g.Group, b.name(g.Topics[j].Topic, g.Topics[j].TopicID), p.Partition, p.ErrorCode|g.ErrorCode, &p.Offset, &p.LeaderEpoch, &p.Metadata)
			}
		}
	}
	if resp.Version < 8 {
		group := x.req.(*kmsg.OffsetFetchRequest).Group
		for i := range resp.Topics {
			for j := range resp.Topics[i].Partitions {
				p := &resp.Topics[i].Partitions[j]
				add(group, resp.Topics[i].Topic, p.Partition, p.ErrorCode|resp.ErrorCode, &p.Offset, &p.LeaderEpoch, &p.Metadata)
			}
		}
	}
	return out
}

// asked tells whether an operation asked: what a member is told in the
// background stands in the history only if the member goes on to its next poll.
func (b *Broker) asked(x *exchange) bool { return b.members[x.client] == "" }

// toldFalsely writes a false answer into the ledger, by the offset that is told.
func (b *Broker) toldFalsely(x *exchange, at owned, offset int64, format string, args ...any) {
	s := b.sin(at.place, offset, -1, false, "group "+at.group+": "+format, args...)
	if b.asked(x) {
		x.onGot(prove(s))
	}
}
