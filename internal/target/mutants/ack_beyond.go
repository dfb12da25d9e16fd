package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var ackBeyond = Mutant{
	Name: "ack-beyond",
	Doc: "Acknowledges a record far beyond the end of the log and does not append it: " +
		"an offset that was given out before the write, and a write that never came.",
	Headline:  "unseen",
	Followers: []string{"nonlinearizable-log", "offset-regression", "nonmonotonic-send", "end-offset-regression"},
	Offset:    "that was acknowledged",
	sinner:    func(b *Broker) sinner { return &promiser{b: b} },
}

// farBeyond is how far beyond the end: no run gets there.
const farBeyond = 1 << 30

type promiser struct{ b *Broker }

func (s *promiser) request(x *exchange) {
	if p, ok := s.b.produceOf(x); ok && s.b.due(p.at) && s.b.forget(x, p) {
		s.b.spend(1)
	}
}

func (s *promiser) response(x *exchange) {
	f, ok := x.memo.(forgotten)
	if !ok {
		return
	}
	end, h := s.b.acknowledge(x, f)
	if h == nil {
		return
	}
	s.b.release(h)
	x.answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].BaseOffset = end + farBeyond
	x.onGot(prove(s.b.sin(f.at, end+farBeyond, s.b.values(f.batch)[0], false, "acknowledged at offset %d while the log ended at %d", end+farBeyond, end)))
}
