package mutants

var skipFirst = Mutant{
	Name:      "skip-first",
	Doc:       "Leaves out the record at which a fetch begins, so that a reader misses it between two polls. Everybody else sees it.",
	Headline:  "poll-skip",
	Followers: []string{"int-poll-skip"},
	Offset:    "of the record left out",
	sinner:    func(b *Broker) sinner { return &leaper{b: b} },
}

type leaper struct {
	honest
	b *Broker
}

func (s *leaper) response(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		if len(batches) < 2 || f.position < 1 || batches[0].base() != f.position || batches[0].count() != 1 || !s.b.due(f.at) {
			continue
		}
		b := batches[0]
		s.b.spend(1)
		x.onGot(prove(s.b.sin(f.at, b.base(), s.b.values(b)[0], false, "offset %d left out of the fetch that begins there", b.base())))
		f.part.RecordBatches = join(batches[1:], rest)
		x.answer = x.resp
	}
}
