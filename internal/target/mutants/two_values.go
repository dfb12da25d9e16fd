package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var twoValues = Mutant{
	Name: "two-values",
	Doc: "Acknowledges two records at one offset and shows one of them to one reader, the other to the rest: " +
		"two replicas that both take themselves for the leader.",
	Headline:  "inconsistent-offset",
	Followers: []string{"truncated-ack", "offset-regression", "nonlinearizable-log"},
	Offset:    "that has two values",
	sinner:    func(b *Broker) sinner { return &doubler{b: b, ghosts: map[place]map[int64]*ghost{}} },
}

type doubler struct {
	b      *Broker
	ghosts map[place]map[int64]*ghost
}

// ghost is a record that only one reader sees.
type ghost struct {
	batch        batch
	acked, shown bool // and the client went on
	sin          *Sin
}

func (g *ghost) prove() { g.sin.Proven = g.acked && g.shown }

func (s *doubler) request(x *exchange) {
	if p, ok := s.b.produceOf(x); ok && s.b.due(p.at) && s.b.forget(x, p) {
		s.b.spend(1)
	}
}

func (s *doubler) response(x *exchange) {
	if f, ok := x.memo.(forgotten); ok {
		s.acknowledged(x, f)
		return
	}
	if _, ok := x.resp.(*kmsg.FetchResponse); ok && len(s.ghosts) > 0 {
		s.show(x)
	}
}

func (s *doubler) acknowledged(x *exchange, f forgotten) {
	s.b.acknowledge(x, f, func(end int64) {
		g := &ghost{batch: f.batch}
		g.sin = s.b.sin(f.at, end, s.b.values(f.batch)[0], false, "acknowledged and shown at offset %d beside the record that is there", end)
		x.onGot(func() { g.acked = true; g.prove() })
		if s.ghosts[f.at] == nil {
			s.ghosts[f.at] = map[int64]*ghost{}
		}
		s.ghosts[f.at][end] = g
	})
}

// show puts ghosts into a fetch, until a reader is known to have seen them.
func (s *doubler) show(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		for i, b := range batches {
			g := s.ghosts[f.at][b.base()]
			if g == nil || g.shown || b.count() != 1 || f.position > b.base() || !s.b.busy(f.at) {
				continue
			}
			batches[i] = g.batch.rebased(b)
			f.part.RecordBatches = join(batches, rest)
			x.answer = x.resp
			x.onGot(func() { g.shown = true; g.prove() })
		}
	}
}
