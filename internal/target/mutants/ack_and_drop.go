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

var loseMiddle = Mutant{
	Name: "lose-middle",
	Doc: "Of some batches that follow each other in a log only the first and the last are ever shown: " +
		"a segment of several batches whose index knows its ends.",
	Headline:  "lost-write",
	Followers: []string{"poll-skip", "int-poll-skip"},
	Offset:    "of the lost record",
	sinner: func(b *Broker) sinner {
		return &ackAndDropper{b: b, dropped: map[trace]bool{}, middle: map[place]int{}}
	},
}

// segmentBatches is how many batches a segment of loseMiddle has.
const segmentBatches = 4

type ackAndDropper struct {
	b       *Broker
	dropped map[trace]bool
	middle  map[place]int // how many batches of the segment came; nil: there are no segments
}

// takes tells whether the batch is to be lost.
func (s *ackAndDropper) takes(p produce) bool {
	n, begun := s.middle[p.at]
	switch {
	case !begun && !s.b.due(p.at):
		return false
	case s.middle == nil:
		s.b.spend(1)
		return true
	case !begun:
		s.b.spend(segmentBatches)
		s.middle[p.at] = 1
		return false
	case n == segmentBatches-1:
		delete(s.middle, p.at)
		return false
	}
	s.middle[p.at]++
	return s.b.busy(p.at)
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
	if !ok || !s.takes(p) {
		return
	}
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
