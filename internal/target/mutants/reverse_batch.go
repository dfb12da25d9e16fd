package mutants

import "slices"

var reverseBatch = Mutant{
	Name: "reverse-batch",
	Doc: "Appends the records of a batch in the opposite order, and never answers: " +
		"a leader that rewrote a batch and died before it acknowledged it.",
	Headline: "int-nonmonotonic-send",
	// What is appended late, after the client gave up, may be read in between.
	Followers: []string{"nonlinearizable-log"},
	Offset:    "of a record that stands before the one it was sent behind",
	sinner:    func(b *Broker) sinner { return &reverser{b: b} },
}

type reverser struct{ b *Broker }

func (s *reverser) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || p.batch.count() < 2 || p.batch.idempotent() || !s.b.due(p.at) {
		return
	}
	records, err := p.batch.records()
	if err != nil || len(records) < 2 {
		return
	}
	slices.Reverse(records)
	for i := range records {
		records[i].OffsetDelta = int32(i)
	}
	s.b.spend(1)
	x.sent, x.memo = p.instead(p.batch.of(records)), p
}

func (s *reverser) response(x *exchange) {
	p, ok := x.memo.(produce)
	if !ok {
		return
	}
	a := p.answered(x.resp, p.at.partition)
	if a == nil {
		return
	}
	last := a.BaseOffset + int64(p.batch.count()) - 1
	for i, v := range s.b.values(p.batch)[1:] {
		s.b.sin(p.at, last-int64(i)-1, v, true, "%d records appended backwards at offset %d", p.batch.count(), a.BaseOffset)
	}
	x.hold = &hold{released: make(chan struct{})} // for ever: the connection is closed
}
