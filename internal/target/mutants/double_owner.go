package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var doubleOwner = Mutant{
	Name: "double-owner",
	Doc: "Gives a member of a classic group a log of another member's beside its own, in the same generation: " +
		"a coordinator that mixes two answers to SyncGroup.",
	Headline: "two-owners",
	Offset:   "always −1: the log has two owners",
	Workload: groupWorkload,
	Doubt:    "one of the two may give its logs up before the other one goes on to a poll",
	sinner:   func(b *Broker) sinner { return &mixer{b: b, shares: map[generation][]given{}} },
}

type mixer struct {
	honest
	b      *Broker
	shares map[generation][]given
	sinned map[generation]bool
}

// generation is one of a group.
type generation struct {
	group string
	n     int32
}

// given is a log that a member was given in a generation.
type given struct {
	member string
	place
}

// response does not wait for honest traffic: what contradicts the second
// owner is the first one, and most members join at once.
func (s *mixer) response(x *exchange) {
	resp, ok := x.resp.(*kmsg.SyncGroupResponse)
	if !ok || resp.ErrorCode != 0 || len(resp.MemberAssignment) == 0 {
		return
	}
	req := x.req.(*kmsg.SyncGroupRequest)
	var share kmsg.ConsumerMemberAssignment
	if share.ReadFrom(resp.MemberAssignment) != nil {
		return
	}
	g := generation{req.Group, req.Generation}
	if s.sinned == nil {
		s.sinned = map[generation]bool{}
	}
	if other, ok := s.another(g, req.MemberID, &share); ok && !s.sinned[g] {
		s.sinned[g] = true
		add(&share, other.place)
		resp.MemberAssignment = share.AppendTo(nil)
		x.answer = resp
		s.b.sin(other.place, -1, -1, false, "group %s, generation %d: given to %s and to %s", g.group, g.n, other.member, req.MemberID)
	}
	for _, t := range share.Topics {
		for _, p := range t.Partitions {
			s.shares[g] = append(s.shares[g], given{req.MemberID, place{t.Topic, p}})
		}
	}
}

// another finds a log that another member was given in this generation.
func (s *mixer) another(g generation, member string, share *kmsg.ConsumerMemberAssignment) (given, bool) {
	for _, o := range s.shares[g] {
		if o.member != member && !has(share, o.place) {
			return o, true
		}
	}
	return given{}, false
}

func has(share *kmsg.ConsumerMemberAssignment, at place) bool {
	for _, t := range share.Topics {
		for _, p := range t.Partitions {
			if t.Topic == at.topic && p == at.partition {
				return true
			}
		}
	}
	return false
}

func add(share *kmsg.ConsumerMemberAssignment, at place) {
	for i := range share.Topics {
		if share.Topics[i].Topic == at.topic {
			share.Topics[i].Partitions = append(share.Topics[i].Partitions, at.partition)
			return
		}
	}
	t := kmsg.NewConsumerMemberAssignmentTopic()
	t.Topic, t.Partitions = at.topic, []int32{at.partition}
	share.Topics = append(share.Topics, t)
}
