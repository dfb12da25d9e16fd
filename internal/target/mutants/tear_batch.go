package mutants

import "encoding/binary"

var tearBatch = Mutant{
	Name: "tear-batch",
	Doc: "Appends the first records of a batch without the others, and never answers: " +
		"a leader that died in the middle of a write which its follower took for whole.",
	Headline:  "torn-batch",
	Followers: []string{"nonlinearizable-log"},
	Offset:    "of the last record that was appended; Value is that of the first one that was not",
	sinner:    func(b *Broker) sinner { return &tearer{b: b} },
}

type tearer struct{ b *Broker }

// tornBatch is the memo of a request of which only the first records are appended.
type tornBatch struct {
	produce
	kept int
}

func (s *tearer) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || p.batch.count() < 2 || p.batch.idempotent() || !s.b.due(p.at) {
		return
	}
	records, err := p.batch.records()
	if err != nil || len(records) < 2 {
		return
	}
	kept := 1 + s.b.rnd.IntN(len(records)-1)
	part := p.batch.clone()
	binary.BigEndian.PutUint32(part[atDelta:], uint32(kept-1))
	s.b.spend(1)
	x.sent, x.memo = p.instead(part.of(records[:kept])), tornBatch{p, kept}
}

func (s *tearer) response(x *exchange) {
	t, ok := x.memo.(tornBatch)
	if !ok {
		return
	}
	a := t.answered(x.resp, t.at.partition)
	if a == nil {
		return
	}
	last := a.BaseOffset + int64(t.kept) - 1
	s.b.sin(t.at, last, s.b.values(t.batch)[t.kept], true, "%d of %d records appended at offset %d", t.kept, t.batch.count(), a.BaseOffset)
	x.hold = &hold{released: make(chan struct{})} // for ever: the connection is closed
}
