package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var ackAndDrop = Mutant{
	Name: "ack-and-drop",
	Doc: "Acknowledges a record with its offset and never shows it to anybody: the offset stays empty, " +
		"as if the record had not reached the disk when its segment did.",
	Headline:  "lost-write",
	Followers: []string{"poll-skip", "int-poll-skip"},
	Offset:    "of the lost record",
	sinner:    func(b *Broker) sinner { return &ackAndDropper{b: b, dropped: map[trace]bool{}} },
}

type ackAndDropper struct {
	b       *Broker
	dropped map[trace]bool
}

// trace identifies a batch in every fetch from the moment it is sent on: its
// offset is not known until others may have read it.
type trace struct {
	at  place
	crc uint32
	len int
}

func (s *ackAndDropper) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || !s.b.due(p.at) {
		return
	}
	s.b.spend(1)
	mark := trace{p.at, p.batch.crc(), len(p.batch)}
	s.dropped[mark] = true
	x.memo = mark
}

func (s *ackAndDropper) response(x *exchange) {
	switch x.resp.(type) {
	case *kmsg.ProduceResponse:
		if mark, ok := x.memo.(trace); ok {
			s.acknowledged(x, mark)
		}
	case *kmsg.FetchResponse:
		s.hide(x)
	}
}

func (s *ackAndDropper) acknowledged(x *exchange, mark trace) {
	p, _ := s.b.produceOf(x)
	a := p.answered(x.resp, p.at.partition)
	if a == nil {
		delete(s.dropped, mark)
		return
	}
	for i, v := range s.b.values(p.batch) {
		x.onGot(prove(s.b.sin(p.at, a.BaseOffset+int64(i), v, false, "acknowledged at offset %d and dropped", a.BaseOffset+int64(i))))
	}
}

func (s *ackAndDropper) hide(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		changed := false
		for i, b := range batches {
			if s.dropped[trace{f.at, b.crc(), len(b)}] {
				batches[i], changed = b.emptied(), true
			}
		}
		if changed {
			f.part.RecordBatches = join(batches, rest)
			x.answer = x.resp
		}
	}
}
