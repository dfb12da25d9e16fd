package mutants

import "encoding/binary"

var epochBack = Mutant{
	Name: "epoch-back",
	Doc: "Shows a batch under a leader epoch that is higher than those of the batches behind it: " +
		"a leader that was deposed and does not know it.",
	Headline: "leader-epoch-regression",
	Offset:   "of the last record of the batch",
	sinner:   func(b *Broker) sinner { return &usurper{b: b} },
}

// falseEpochs is how far the false epochs are above the true ones.
const falseEpochs = 1000

type usurper struct {
	honest
	b *Broker
}

// response changes the last batch of a fetch, whose epoch is the one that a
// client tells.
func (s *usurper) response(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		if len(batches) == 0 || f.position < 0 || !s.b.due(f.at) {
			continue
		}
		last := batches[len(batches)-1].clone()
		offset := last.base() + int64(last.count()) - 1
		if last.count() == 0 || last.base() < f.position {
			continue
		}
		epoch := binary.BigEndian.Uint32(last[lengthFrom:])
		s.b.spend(1)
		x.onGot(prove(s.b.sin(f.at, offset, s.b.values(last)[last.count()-1], false, "shown under leader epoch %d instead of %d", epoch+falseEpochs, epoch)))
		binary.BigEndian.PutUint32(last[lengthFrom:], epoch+falseEpochs) // not covered by the checksum
		batches[len(batches)-1] = last
		f.part.RecordBatches = join(batches, rest)
		x.answer = x.resp
	}
}
