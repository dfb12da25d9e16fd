package mutants

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var misroute = Mutant{
	Name:     "misroute",
	Doc:      "Appends the records of a request to another partition of the topic as well.",
	Headline: "misrouted-record",
	Offset:   "of the record in the partition that it was not sent to",
	sinner:   func(b *Broker) sinner { return &stray{b: b} },
}

type stray struct{ b *Broker }

func (s *stray) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || len(p.topic.Partitions) != 1 || !s.b.due(p.at) {
		return
	}
	other := s.neighbour(p.at, x.node)
	if other < 0 {
		return
	}
	s.b.spend(1)
	x.sent, x.memo = p.with(other, p.batch.unowned()), other
}

// neighbour returns another partition of the topic that the node leads, the
// same one in every run that knows the same ones; -1: none.
func (s *stray) neighbour(at place, node int) int32 {
	var others []int32
	for o, state := range s.b.state {
		if o.topic == at.topic && o != at && state.node == node && s.b.busy(o) {
			others = append(others, o.partition)
		}
	}
	if len(others) == 0 {
		return -1
	}
	slices.Sort(others)
	return others[s.b.rnd.IntN(len(others))]
}

func (s *stray) response(x *exchange) {
	other, ok := x.memo.(int32)
	if !ok {
		return
	}
	p, _ := s.b.produceOf(x)
	if a := p.answered(x.resp, other); a != nil {
		for i, v := range s.b.values(p.batch) {
			s.b.sin(place{p.at.topic, other}, a.BaseOffset+int64(i), v, true,
				"the record sent to partition %d is at offset %d of partition %d too", p.at.partition, a.BaseOffset+int64(i), other)
		}
	}
	resp := x.resp.(*kmsg.ProduceResponse)
	for i := range resp.Topics {
		t := &resp.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(a kmsg.ProduceResponseTopicPartition) bool { return a.Partition == other })
	}
	x.answer = resp
}
