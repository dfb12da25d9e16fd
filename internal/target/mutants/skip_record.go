package mutants

var skipRecord = Mutant{
	Name:      "skip-record",
	Doc:       "Leaves a record out of the middle of one fetch. Everybody else sees it.",
	Headline:  "int-poll-skip",
	Followers: []string{"poll-skip"},
	Offset:    "of the record left out",
	sinner:    func(b *Broker) sinner { return &skipper{b: b} },
}

type skipper struct {
	honest
	b *Broker
}

func (s *skipper) response(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		if f.position < 0 || !s.b.due(f.at) {
			continue
		}
		for i := 1; i < len(batches)-1; i++ {
			b := batches[i]
			if b.count() != 1 || batches[i-1].base() < f.position {
				continue
			}
			s.b.spend(1)
			x.onGot(prove(s.b.sin(f.at, b.base(), s.b.values(b)[0], false, "offset %d left out of a fetch from %d", b.base(), f.position)))
			batches[i] = b.emptied()
			f.part.RecordBatches = join(batches, rest)
			x.answer = x.resp
			break
		}
	}
}
