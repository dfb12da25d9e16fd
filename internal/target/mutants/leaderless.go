package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var leaderless = Mutant{
	Name: "leaderless",
	Doc: "Takes nothing more for one log, for good: it drops what is produced there and says that it has too few replicas, " +
		"while its metadata says that all is well (a partition that was placed and never started).",
	Headline: "no-progress",
	Offset:   "none: it is about the log",
	Quiet:    true,
	sinner:   func(b *Broker) sinner { return &dropper{b: b} },
}

// stallProven is for how long a log has to stand still before a checker that
// allows what the embedded contract allows must have noticed.
const stallProven = 6500 * time.Millisecond

type dropper struct {
	b    *Broker
	at   place // without a topic: none yet
	sin  *Sin
	from time.Time
}

func (s *dropper) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok || len(p.req.Topics) != 1 || len(p.topic.Partitions) != 1 {
		return
	}
	if s.at.topic == "" && s.b.due(p.at) && s.b.at(p.at).acked.by(time.Now()) > 20 {
		s.b.spend(1)
		s.at, s.from = p.at, time.Now()
		s.sin = s.b.sin(p.at, -1, -1, false, "nothing is appended from here on")
	}
	if p.at == s.at {
		x.sent, x.memo = endRequest(p.at), forgotten{p}
	}
}

func (s *dropper) response(x *exchange) {
	f, ok := x.memo.(forgotten)
	if !ok {
		return
	}
	answer := f.req.ResponseKind().(*kmsg.ProduceResponse)
	t := kmsg.NewProduceResponseTopic()
	t.Topic, t.TopicID = f.topic.Topic, f.topic.TopicID
	p := kmsg.NewProduceResponseTopicPartition()
	p.Partition, p.ErrorCode, p.BaseOffset = f.at.partition, kerr.NotEnoughReplicas.Code, -1
	t.Partitions = append(t.Partitions, p)
	answer.Topics = append(answer.Topics, t)
	x.answer = answer
	if time.Since(s.from) > stallProven {
		x.onGot(prove(s.sin))
	}
}
