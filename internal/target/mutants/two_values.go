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

// ghost is a record that only one reader sees. Its producer gets the
// acknowledgement after that.
type ghost struct {
	batch batch
	value int64
	hold  *hold
	sin   *Sin // nil: not shown yet
	seen  bool // and the reader went on
}

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
	end, h := s.b.acknowledge(x, f)
	if h == nil {
		return
	}
	if s.ghosts[f.at] == nil {
		s.ghosts[f.at] = map[int64]*ghost{}
	}
	g := &ghost{batch: f.batch, value: s.b.values(f.batch)[0], hold: h}
	s.ghosts[f.at][end] = g
	h.expired = func() {
		if g.sin == nil {
			delete(s.ghosts[f.at], end)
		}
	}
}

// show puts ghosts into a fetch, until a reader is known to have seen them. The
// record that is there is seen by everybody else.
func (s *doubler) show(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		for i, b := range batches {
			g := s.ghosts[f.at][b.base()]
			if g == nil || g.seen || b.count() != 1 || f.position > b.base() || !s.b.busy(f.at) {
				continue
			}
			batches[i] = g.batch.rebased(b)
			f.part.RecordBatches = join(batches, rest)
			x.answer = x.resp
			if g.sin == nil {
				g.sin = s.b.sin(f.at, b.base(), g.value, false, "shown and acknowledged at offset %d beside the record that is there", b.base())
			}
			x.onGot(func() {
				g.seen, g.sin.Proven = true, true
				s.b.release(g.hold)
			})
		}
	}
}
