package mutants

var wrongOffset = Mutant{
	Name:      "wrong-offset",
	Doc:       "Acknowledges a record with the offset of the record before it.",
	Headline:  "inconsistent-offset",
	Followers: []string{"duplicate", "offset-regression", "nonlinearizable-log", "nonmonotonic-send", "nonmonotonic-poll", "int-nonmonotonic-poll"},
	Offset:    "that was acknowledged, which is another record's",
	sinner:    func(b *Broker) sinner { return &misteller{b: b} },
}

var ackZero = Mutant{
	Name:      "ack-zero",
	Doc:       "Appends a record and acknowledges it at offset 0, where the log's first one is: an answer whose offset nobody filled in.",
	Headline:  "inconsistent-offset",
	Followers: wrongOffset.Followers,
	Offset:    "always 0, which is another record's",
	sinner:    func(b *Broker) sinner { return &misteller{b: b, zero: true} },
}

type misteller struct {
	honest
	b    *Broker
	zero bool // always offset 0; else the one before
}

func (s *misteller) response(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || p.batch.count() != 1 || !s.b.due(p.at) {
		return
	}
	a := p.answered(x.resp, p.at.partition)
	if a == nil || a.BaseOffset < 1 {
		return
	}
	s.b.spend(1)
	right := a.BaseOffset
	if a.BaseOffset--; s.zero {
		a.BaseOffset = 0
	}
	x.answer = x.resp
	x.onGot(prove(s.b.sin(p.at, a.BaseOffset, s.b.values(p.batch)[0], false, "appended at offset %d, acknowledged at %d", right, a.BaseOffset)))
}
