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

var dropTailWhenDown = Mutant{
	Name: "drop-tail-when-down",
	Doc: "Drops the end of a log, as drop-tail does, but only after every client of a node was cut off at once: " +
		"a broker that comes back with a log that is too short. It takes a fault to bring its sin out.",
	Headline:  "truncated-ack",
	Followers: []string{"inconsistent-offset", "offset-regression", "nonlinearizable-log"},
	Offset:    "of the truncated record, which another record has now",
	Fault:     "down",
	sinner: func(b *Broker) sinner {
		return &tailDropper{b: b, state: map[int]connected{}, open: map[int]map[*conn]bool{}}
	},
}

type tailDropper struct {
	b     *Broker
	state map[int]connected // by node
	// open are the connections by node on which clients asked something; nil: the
	// loss of a single one is enough.
	open map[int]map[*conn]bool
}

// connected is what a node's clients did last.
type connected uint8

const (
	steady connected = iota
	gone             // a connection ended
	again            // and another one began
)

func (s *tailDropper) lost(c *conn) {
	if s.open == nil {
		s.state[c.node] = gone
		return
	}
	open := s.open[c.node]
	if open[c] && len(open) == 1 {
		s.state[c.node] = gone
	}
	delete(open, c)
}

func (s *tailDropper) accepted(node int) {
	if s.state[node] == gone {
		s.state[node] = again
	}
}

func (s *tailDropper) request(x *exchange) {
	if s.open != nil {
		if s.open[x.node] == nil {
			s.open[x.node] = map[*conn]bool{}
		}
		s.open[x.node][x.conn] = true
	}
	p, ok := s.b.produceOf(x)
	if ok && s.state[x.node] == again && s.b.due(p.at) && s.b.forget(x, p) {
		s.b.spend(1)
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
		s.state[x.node] = steady
		x.onGot(prove(s.b.sin(f.at, end, s.b.values(f.batch)[0], false, "acknowledged at offset %d, truncated after a reconnect, the offset reused", end)))
		s.b.release(h)
	})
}
