package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var startBack = Mutant{
	Name: "start-back",
	Doc: "Tells for a while that a log begins behind its first records, and then that it begins where it did before: " +
		"a start of the log that was kept by one leader and not by the next.",
	Headline:  "log-start-regression",
	Followers: []string{"deleted-record-read"},
	Offset:    "the start that was told in the end",
	sinner:    func(b *Broker) sinner { return &reviver{b: b, starts: map[place]*revival{}} },
}

// revivedAfter is how often the false start is told. Most clients that ask where a
// log begins do so for an assignment, which does not say what it was told, so
// that no sin is ever known to be in the history.
const revivedAfter = 5

type reviver struct {
	honest
	b      *Broker
	starts map[place]*revival
}

// revival is a log whose start is told as another one for a while.
type revival struct {
	start int64
	told  int // how often clients got it
}

func (s *reviver) response(x *exchange) {
	resp, ok := x.resp.(*kmsg.ListOffsetsResponse)
	if !ok {
		return
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			at := place{resp.Topics[i].Topic, p.Partition}
			if p.ErrorCode == 0 && p.Offset >= 0 && asksStart(x.req.(*kmsg.ListOffsetsRequest), at) {
				s.start(x, at, p)
			}
		}
	}
}

// asksStart tells whether the request asks where the partition begins.
func asksStart(req *kmsg.ListOffsetsRequest, at place) bool {
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if t.Topic == at.topic && p.Partition == at.partition {
				return p.Timestamp == -2
			}
		}
	}
	return false
}

func (s *reviver) start(x *exchange, at place, p *kmsg.ListOffsetsResponseTopicPartition) {
	r := s.starts[at]
	if r == nil {
		if !s.b.due(at) || s.b.at(at).acked.by(x.since) < 20 {
			return
		}
		s.b.spend(1)
		r = &revival{start: p.Offset + 1 + s.b.rnd.Int64N(3)}
		s.b.sin(at, p.Offset, -1, false, "the start told as %d, and as %d again later", r.start, p.Offset)
		s.starts[at] = r
	}
	if r.told < revivedAfter && s.b.busy(at) { // the final reads get the truth
		p.Offset, x.answer = r.start, x.resp
		x.onGot(func() { r.told++ })
		return
	}
	r.told = revivedAfter
}
