package mutants

var swapBatches = Mutant{
	Name: "swap-batches",
	Doc: "Delivers two neighbouring batches of a fetch in the wrong order. Their offsets are right: a reader sees " +
		"its position go back inside one poll.",
	Headline:  "int-nonmonotonic-poll",
	Followers: []string{"int-poll-skip", "nonmonotonic-poll", "poll-skip"},
	Offset:    "of the record where the reader goes back",
	sinner:    func(b *Broker) sinner { return &swapper{b: b} },
}

type swapper struct {
	honest
	b *Broker
}

func (s *swapper) response(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		if len(batches) < 2 || f.position < 0 || batches[0].base() < f.position || !s.b.due(f.at) {
			continue
		}
		s.b.spend(1)
		i := s.b.rnd.IntN(len(batches) - 1)
		batches[i], batches[i+1] = batches[i+1], batches[i]
		f.part.RecordBatches = join(batches, rest)
		x.answer = x.resp
		early, late := batches[i].base(), batches[i+1]
		x.onGot(prove(s.b.sin(f.at, late.base(), s.b.values(late)[0], false, "offset %d delivered after offset %d", late.base(), early)))
	}
}
