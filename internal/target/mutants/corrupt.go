package mutants

var corrupt = Mutant{
	Name: "corrupt",
	Doc: "Changes the last byte of a record's value before it is appended and makes the batch's checksum fit: " +
		"only a checksum inside the record can tell.",
	Headline: "corrupt-record",
	Offset:   "of the corrupt record",
	sinner:   func(b *Broker) sinner { return &corrupter{b: b} },
}

type corrupter struct{ b *Broker }

func (s *corrupter) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || !s.b.due(p.at) {
		return
	}
	records, err := p.batch.records()
	if err != nil || len(records) == 0 || len(records[0].Value) == 0 {
		return
	}
	s.b.spend(1)
	value := append([]byte(nil), records[0].Value...)
	value[len(value)-1] ^= 0xff
	records[0].Value = value
	x.sent = p.instead(p.batch.of(records))
}

func (s *corrupter) response(x *exchange) {
	if x.sent == nil {
		return
	}
	p, _ := s.b.produceOf(x)
	if a := p.answered(x.resp, p.at.partition); a != nil {
		s.b.sin(p.at, a.BaseOffset, s.b.values(p.batch)[0], true, "the last byte of the value at offset %d changed", a.BaseOffset)
	}
}
