package mutants

import "time"

var stuckFetch = Mutant{
	Name: "stuck-fetch",
	Doc: "Shows nothing of one log from an offset on, while it tells the high watermark: " +
		"consumers see that there is more and never get it (an index that leads nowhere).",
	Headline:  "stuck-consumer",
	Followers: []string{"nonlinearizable-log"},
	Offset:    "none: it is about the log",
	Quiet:     true,
	sinner:    func(b *Broker) sinner { return &wall{b: b} },
}

// wallStands is for how long after the last produce the log stays stuck: longer
// than a busy machine leaves a log alone.
const wallStands = time.Second

type wall struct {
	honest
	b      *Broker
	at     place // without a topic: none yet
	offset int64
	sin    *Sin
	from   time.Time
}

func (s *wall) response(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		if s.at.topic == "" && f.position >= 0 && s.b.due(f.at) && s.b.at(f.at).acked.by(time.Now()) > 20 {
			s.b.spend(1)
			s.at, s.offset, s.from = f.at, f.part.HighWatermark, time.Now()
			s.sin = s.b.sin(f.at, -1, -1, false, "nothing is shown from offset %d on", s.offset)
		}
		if f.at != s.at || time.Since(s.b.at(s.at).produced) > wallStands { // the final reads get everything
			continue
		}
		batches, _ := split(f.part.RecordBatches)
		keep := 0
		for keep < len(batches) && batches[keep].base() < s.offset {
			keep++
		}
		f.part.RecordBatches, x.answer = join(batches[:keep], nil), x.resp
		if keep == 0 && time.Since(s.from) > stallProven {
			x.onGot(prove(s.sin))
		}
	}
}
