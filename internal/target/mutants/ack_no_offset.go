package mutants

var ackNoOffset = Mutant{
	Name:     "ack-no-offset",
	Doc:      "Appends records and acknowledges them without an offset (base offset −1).",
	Headline: "invalid-ack",
	Offset:   "where the record is; the acknowledgement has none",
	sinner:   func(b *Broker) sinner { return &mumbler{b: b} },
}

type mumbler struct {
	honest
	b *Broker
}

func (s *mumbler) response(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || !s.b.due(p.at) {
		return
	}
	a := p.answered(x.resp, p.at.partition)
	if a == nil {
		return
	}
	s.b.spend(1)
	base := a.BaseOffset
	a.BaseOffset = -1
	x.answer = x.resp
	for i, v := range s.b.values(p.batch) {
		x.onGot(prove(s.b.sin(p.at, base+int64(i), v, false, "appended at offset %d, acknowledged without an offset", base+int64(i))))
	}
}
