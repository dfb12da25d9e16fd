package mutants

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var deleteEarly = Mutant{
	Name: "delete-early",
	Doc: "Begins a log behind its first records, which nobody asked to delete and no retention lets go: " +
		"a cleaner that takes a segment too many.",
	Headline: "deleted-early",
	Offset:   "of a record that is gone",
	sinner: func(b *Broker) sinner {
		return &deleter{b: b, starts: map[place]int64{}, acked: map[place]map[int64]bool{}}
	},
}

// deletedRecords is the most records that are deleted of one log.
const deletedRecords = 3

type deleter struct {
	b      *Broker
	starts map[place]int64          // where the logs begin since
	acked  map[place]map[int64]bool // the first offsets that producers know of
}

func (s *deleter) request(x *exchange) {
	req, ok := x.req.(*kmsg.FetchRequest)
	if !ok {
		return
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			at := place{s.b.name(t.Topic, t.TopicID), p.Partition}
			if s.starts[at] == 0 && s.b.due(at) && s.b.at(at).acked.by(x.since) > 100 {
				s.delete(at)
				return
			}
		}
	}
}

// delete begins the log behind its first records, for good.
func (s *deleter) delete(at place) {
	n := 1 + s.b.rnd.Int64N(deletedRecords)
	s.b.spend(int(n))
	s.starts[at] = n
	for offset := range n {
		s.b.sin(at, offset, -1, s.acked[at][offset], "the log begins at offset %d", n)
	}
}

func (s *deleter) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.ProduceResponse:
		s.acknowledged(x)
	case *kmsg.ListOffsetsResponse:
		s.list(x, resp)
	case *kmsg.FetchResponse:
		s.fetch(x)
	}
}

func (s *deleter) acknowledged(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok {
		return
	}
	a := p.answered(x.resp, p.at.partition)
	if a == nil || a.BaseOffset >= deletedRecords {
		return
	}
	if s.acked[p.at] == nil {
		s.acked[p.at] = map[int64]bool{}
	}
	x.onGot(func() {
		for i := range int64(p.batch.count()) {
			s.acked[p.at][a.BaseOffset+i] = true
		}
	})
}

// list tells the false start to whoever asks for it.
func (s *deleter) list(x *exchange, resp *kmsg.ListOffsetsResponse) {
	starts := map[place]bool{}
	for _, t := range x.req.(*kmsg.ListOffsetsRequest).Topics {
		for _, p := range t.Partitions {
			if p.Timestamp == -2 {
				starts[place{t.Topic, p.Partition}] = true
			}
		}
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			at := place{resp.Topics[i].Topic, p.Partition}
			if n := s.starts[at]; starts[at] && p.ErrorCode == 0 && p.Offset < n {
				p.Offset, x.answer = n, x.resp
			}
		}
	}
}

// fetch answers what begins below the false start as a broker does.
func (s *deleter) fetch(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		n := s.starts[f.at]
		if n == 0 {
			continue
		}
		f.part.LogStartOffset, x.answer = n, x.resp
		if f.position >= 0 && f.position < n {
			f.part.ErrorCode, f.part.RecordBatches = kerr.OffsetOutOfRange.Code, []byte{}
		}
	}
}
