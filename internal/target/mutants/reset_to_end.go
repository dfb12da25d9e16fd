package mutants

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var resetToEnd = Mutant{
	Name: "reset-to-end",
	Doc: "Tells a member of a group that its position is out of range, and then that the log starts at its end: a stale leader that " +
		"knows neither (Redpanda 6301: a consumer's position becomes −1 on a leader change). The member goes on from the end and commits that.",
	Headline:  "skipped-by-group",
	Followers: []string{"int-poll-skip", "poll-skip"},
	Offset:    "of the first record that was skipped",
	Workload:  groupWorkload,
	sinner: func(b *Broker) sinner {
		return &resetter{b: b, given: map[owned]int64{}, resets: map[resetOf]*reset{}, skipped: map[owned][]*reset{}}
	},
}

type resetter struct {
	honest
	b       *Broker
	given   map[owned]int64 // the end of what members were sent
	resets  map[resetOf]*reset
	skipped map[owned][]*reset // until they are committed over
}

type resetOf struct {
	client string
	place
}

// reset is a range that a member goes over.
type reset struct {
	from, to int64
	sent     bool // to whoever took the log over before the commit, and perhaps got it
}

func (s *resetter) response(x *exchange) {
	group := s.b.members[x.client]
	switch resp := x.resp.(type) {
	case *kmsg.FetchResponse:
		if group != "" {
			s.fetched(x, group)
		}
	case *kmsg.ListOffsetsResponse:
		s.listed(x, resp)
	case *kmsg.OffsetCommitResponse:
		s.committed(x, resp)
	}
}

// fetched refuses a member what it would get next, where nobody in its group
// was ever sent it.
func (s *resetter) fetched(x *exchange, group string) {
	for _, f := range s.b.fetchedOf(x) {
		at := owned{group, f.at}
		batches, _ := split(f.part.RecordBatches)
		if len(batches) == 0 {
			continue
		}
		last := batches[len(batches)-1]
		end := last.base() + int64(last.count())
		if f.position >= 0 && f.position >= s.given[at] && f.position > 0 && s.b.due(f.at) {
			s.b.spend(1)
			s.resets[resetOf{x.client, f.at}] = &reset{from: f.position, to: end}
			f.part.ErrorCode, f.part.RecordBatches, f.part.HighWatermark = kerr.OffsetOutOfRange.Code, nil, -1
			f.part.LastStableOffset, f.part.AbortedTransactions = -1, nil
			x.answer = x.resp
			continue
		}
		s.given[at] = max(s.given[at], end)
		for _, r := range s.skipped[at] {
			r.sent = r.sent || f.position <= r.from && r.from < end
		}
	}
}

// listed tells the member that the log starts where the records that it was
// refused end.
func (s *resetter) listed(x *exchange, resp *kmsg.ListOffsetsResponse) {
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			at := place{resp.Topics[i].Topic, p.Partition}
			r := s.resets[resetOf{x.client, at}]
			if r == nil || p.ErrorCode != 0 || p.Offset >= r.to || !startAsked(x.req.(*kmsg.ListOffsetsRequest), at) {
				continue
			}
			p.Offset = r.to
			x.answer = resp
			delete(s.resets, resetOf{x.client, at})
			g := owned{s.b.members[x.client], at}
			s.skipped[g] = append(s.skipped[g], r)
		}
	}
}

// startAsked tells whether a request asks where the log starts.
func startAsked(req *kmsg.ListOffsetsRequest, at place) bool {
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if t.Topic == at.topic && p.Partition == at.partition && p.Timestamp == -2 {
				return true
			}
		}
	}
	return false
}

// committed finds the commits that go over what was skipped.
func (s *resetter) committed(x *exchange, resp *kmsg.OffsetCommitResponse) {
	for _, c := range s.b.commitsOf(x.req.(*kmsg.OffsetCommitRequest)) {
		if !s.b.acknowledges(resp, c.place) {
			continue
		}
		kept := s.skipped[c.owned][:0]
		for _, r := range s.skipped[c.owned] {
			if c.offset <= r.to {
				kept = append(kept, r)
				continue
			}
			sin := s.b.sin(c.place, r.from, -1, false, "group %s: a member was sent from offset %d to %d, and %d is committed", c.group, r.from, r.to, c.offset)
			if !r.sent {
				x.onGot(prove(sin))
			}
		}
		s.skipped[c.owned] = kept
	}
}
