package mutants

import "fmt"

var foreignRecord = Mutant{
	Name:     "foreign-record",
	Doc:      "Appends a record that nobody sent.",
	Headline: "phantom-read",
	Offset:   "of the foreign record",
	sinner:   func(b *Broker) sinner { return &inventor{b: b} },
}

type inventor struct{ b *Broker }

func (s *inventor) request(x *exchange) {
	if p, ok := s.b.produceOf(x); ok && s.b.due(p.at) {
		s.b.spend(1)
		value := fmt.Sprintf("record %d that nobody sent", len(s.b.sins)+1)
		x.sent = p.with(p.at.partition, p.batch.alone([]byte(value)))
	}
}

func (s *inventor) response(x *exchange) {
	if x.sent == nil {
		return
	}
	p, _ := s.b.produceOf(x)
	a := p.answered(x.resp, p.at.partition)
	if a == nil {
		return
	}
	foreign := a.BaseOffset
	a.BaseOffset -= int64(p.batch.count())
	x.answer = x.resp
	s.b.sin(p.at, foreign, -1, true, "a record that nobody sent, at offset %d", foreign)
}
