package mutants

var dropTail = Mutant{
	Name: "drop-tail",
	Doc: "Drops the end of a log after a client has reconnected: the record acknowledged next is truncated at once, " +
		"and the record after it takes its offset.",
	Headline:  "truncated-ack",
	Followers: []string{"inconsistent-offset", "offset-regression", "nonlinearizable-log"},
	Offset:    "of the truncated record, which another record has now",
	sinner:    func(b *Broker) sinner { return &tailDropper{b: b, state: map[int]connected{}} },
}

type tailDropper struct {
	b     *Broker
	state map[int]connected // by node
}

// connected is what a node's clients did last.
type connected uint8

const (
	steady connected = iota
	gone             // a connection ended
	again            // and another one began
)

func (s *tailDropper) lost(node int) { s.state[node] = gone }

func (s *tailDropper) accepted(node int) {
	if s.state[node] == gone {
		s.state[node] = again
	}
}

func (s *tailDropper) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if ok && s.state[x.node] == again && s.b.due(p.at) && s.b.forget(x, p) {
		s.b.spend(1)
		s.state[x.node] = steady
	}
}

func (s *tailDropper) response(x *exchange) {
	f, ok := x.memo.(forgotten)
	if !ok {
		return
	}
	end, h := s.b.acknowledge(x, f)
	if h == nil {
		return
	}
	h.expired = s.b.at(f.at).onAppend(end, func() {
		x.onGot(prove(s.b.sin(f.at, end, s.b.values(f.batch)[0], false, "acknowledged at offset %d, truncated after a reconnect, the offset reused", end)))
		s.b.release(h)
	})
}
