package mutants

var duplicate = Mutant{
	Name: "duplicate",
	Doc: "Appends the records of a request twice, one after the other, and acknowledges the first: " +
		"a retry that nobody deduplicated.",
	Headline:  "duplicate",
	Followers: []string{"nonmonotonic-poll", "int-nonmonotonic-poll", "poll-skip", "int-poll-skip", "nonmonotonic-send", "int-nonmonotonic-send"},
	Offset:    "of the second copy",
	sinner:    func(b *Broker) sinner { return &repeater{b: b} },
}

type repeater struct{ b *Broker }

func (s *repeater) request(x *exchange) {
	if p, ok := s.b.produceOf(x); ok && s.b.due(p.at) {
		s.b.spend(1)
		x.sent = p.with(p.at.partition, p.batch.unowned())
	}
}

func (s *repeater) response(x *exchange) {
	if x.sent == nil {
		return
	}
	p, _ := s.b.produceOf(x)
	a := p.answered(x.resp, p.at.partition)
	if a == nil {
		return
	}
	copied := a.BaseOffset
	a.BaseOffset -= int64(p.batch.count())
	x.answer = x.resp
	for i, v := range s.b.values(p.batch) {
		s.b.sin(p.at, copied+int64(i), v, true, "the record at offset %d appended again", a.BaseOffset+int64(i))
	}
}
