package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var lag = Mutant{
	Name: "lag",
	Doc: "Answers a fetch as if the log ended where it begins, although what stands there was acknowledged a quarter " +
		"of a second before: a follower that serves readers and has stopped following. Kafka's reads may be old; " +
		"only a contract with staleness_ms says how old.",
	Headline:  "stale-read",
	Followers: []string{"nonlinearizable-log"},
	Offset:    "the false high watermark, where the fetch began",
	Staleness: lagBehind / 2,
	sinner:    func(b *Broker) sinner { return &follower{b: b} },
}

// lagBehind is how long before the fetch was called the record was acknowledged.
const lagBehind = 250 * time.Millisecond

type follower struct{ b *Broker }

func (s *follower) request(x *exchange) {
	req, ok := x.req.(*kmsg.FetchRequest)
	if !ok || x.since.IsZero() {
		return
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			at := place{s.b.name(t.Topic, t.TopicID), p.Partition}
			if !s.b.due(at) {
				continue
			}
			if acked := s.b.at(at).acked.by(x.since.Add(-lagBehind)); acked > p.FetchOffset {
				x.memo = asleep{at, acked}
				return
			}
		}
	}
}

func (s *follower) response(x *exchange) {
	lied, chosen := x.memo.(asleep)
	if !chosen {
		return
	}
	for _, f := range s.b.fetchedOf(x) {
		if f.at != lied.at || len(f.part.RecordBatches) == 0 {
			continue
		}
		s.b.spend(1)
		x.onGot(prove(s.b.sin(f.at, f.position, -1, false,
			"a fetch at offset %d shown as the end; offset %d had been acknowledged %v before", f.position, lied.acked-1, lagBehind)))
		f.part.RecordBatches = []byte{}
		f.part.HighWatermark, f.part.LastStableOffset = f.position, f.position
		x.answer = x.resp
	}
}
