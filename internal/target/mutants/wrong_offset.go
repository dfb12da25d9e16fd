package mutants

var wrongOffset = Mutant{
	Name:      "wrong-offset",
	Doc:       "Acknowledges a record with the offset of the record before it.",
	Headline:  "inconsistent-offset",
	Followers: []string{"duplicate", "offset-regression", "nonlinearizable-log", "nonmonotonic-send", "nonmonotonic-poll", "int-nonmonotonic-poll"},
	Offset:    "that was acknowledged, which is another record's",
	sinner:    func(b *Broker) sinner { return &misteller{b: b} },
}

type misteller struct {
	honest
	b *Broker
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
	a.BaseOffset--
	x.answer = x.resp
	x.onGot(prove(s.b.sin(p.at, a.BaseOffset, s.b.values(p.batch)[0], false, "appended at offset %d, acknowledged at %d", right, a.BaseOffset)))
}
