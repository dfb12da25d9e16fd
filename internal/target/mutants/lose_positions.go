package mutants

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

var losePositions = Mutant{
	Name: "lose-positions",
	Doc: "Commits what a transaction of a consumer group produced, and loses the positions that it committed with it: the next " +
		"member begins before them (Redpanda 10669).",
	Headline:  "eos-duplicate-effect",
	Followers: []string{"committed-offset-regression", "committed-offset-lost", "committed-offset-nonlinearizable"},
	Offset:    "of a record that the group takes in again", Workload: txnLoad,
	Doubt: "the group need not get to the offset a second time, and it may hold a marker",
	sinner: func(b *Broker) sinner {
		return &forgetful{b: b, stored: map[string]map[place]positions{}}
	},
}

// positions are the last two that a group has committed for a partition.
type positions struct{ before, now int64 }

// forgetful tells a group the position before the last one.
type forgetful struct {
	b      *Broker
	stored map[string]map[place]positions
}

func (s *forgetful) request(*exchange) {}

func (s *forgetful) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.EndTxnResponse:
		req := x.req.(*kmsg.EndTxnRequest)
		if open := s.b.txns.open[req.ProducerID]; open != nil && req.Commit && resp.ErrorCode == 0 {
			s.committed(open)
		}
	case *kmsg.OffsetFetchResponse:
		for i := range resp.Groups {
			s.fetched(x, &resp.Groups[i])
		}
	}
}

// committed keeps what a transaction commits for its groups.
func (s *forgetful) committed(open *openTxn) {
	for group, offsets := range open.offsets {
		if s.stored[group] == nil {
			s.stored[group] = map[place]positions{}
		}
		for at, offset := range offsets {
			was := s.stored[group][at]
			s.stored[group][at] = positions{was.now, offset}
		}
	}
}

// fetched answers with the position before the last one.
func (s *forgetful) fetched(x *exchange, g *kmsg.OffsetFetchResponseGroup) {
	for i := range g.Topics {
		for j := range g.Topics[i].Partitions {
			p := &g.Topics[i].Partitions[j]
			at := place{s.b.name(g.Topics[i].Topic, g.Topics[i].TopicID), p.Partition}
			was, ok := s.stored[g.Group][at]
			if !ok || p.ErrorCode != 0 || p.Offset != was.now || was.before >= was.now || was.before == 0 || !s.b.ready() {
				continue
			}
			s.b.spend(1)
			p.Offset = was.before
			x.answer = x.resp
			for offset := was.before; offset < was.now; offset++ {
				s.b.sin(at, offset, -1, false, "group %s is told that it has committed %d, and it has committed %d", g.Group, was.before, was.now)
			}
			delete(s.stored[g.Group], at)
		}
	}
}
