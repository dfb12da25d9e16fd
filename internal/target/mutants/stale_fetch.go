package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var staleFetch = Mutant{
	Name: "stale-fetch",
	Doc: "Answers a fetch as if nothing had been appended from its position on, high watermark included, although " +
		"producers had been told otherwise before the fetch came.",
	Headline: "nonlinearizable-log",
	Offset:   "the false high watermark, where the fetch began",
	sinner:   func(b *Broker) sinner { return &sleeper{b: b} },
}

// sleeper lies to a fetch that begins below what had been acknowledged when it
// was called. A reader that keeps up is never that far behind. So, when a sin is
// due, fetches return one batch only, which they may, until one such reader is.
type sleeper struct{ b *Broker }

// asleep is the memo of a fetch that is lied to.
type asleep struct {
	at    place
	acked int64 // before the fetch was called
}

func (s *sleeper) request(x *exchange) {
	req, ok := x.req.(*kmsg.FetchRequest)
	if !ok {
		return
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			at := place{s.b.name(t.Topic, t.TopicID), p.Partition}
			if !s.b.due(at) {
				continue
			}
			if acked := s.b.at(at).acked.by(x.since); acked > p.FetchOffset {
				x.memo = asleep{at, acked}
				return
			}
		}
	}
}

func (s *sleeper) response(x *exchange) {
	lied, chosen := x.memo.(asleep)
	for _, f := range s.b.fetchedOf(x) {
		batches, _ := split(f.part.RecordBatches)
		if len(batches) == 0 || !s.b.due(f.at) {
			continue
		}
		switch {
		case chosen && f.at == lied.at:
			s.b.spend(1)
			x.onGot(prove(s.b.sin(f.at, f.position, -1, false,
				"a fetch at offset %d shown as the end; offset %d had been acknowledged, the high watermark is %d", f.position, lied.acked-1, f.part.HighWatermark)))
			f.part.RecordBatches = []byte{}
			f.part.HighWatermark, f.part.LastStableOffset = f.position, f.position
		case len(batches) > 1:
			f.part.RecordBatches = append([]byte{}, batches[0]...)
		}
		x.answer = x.resp
	}
}
