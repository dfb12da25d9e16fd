package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var readEarly = Mutant{
	Name: "read-early",
	Doc: "Gives a record of an open transaction to a reader of committed records, and lets the transaction go on only when something " +
		"new stands where it polls: it reads what was sent after it had been read.",
	Headline: "G1c", Followers: append([]string{"aborted-read", "precommitted-read", "lso-regression", "fractured-read"}, gaveAway...),
	Offset: "of the record that was read too early", Workload: txnLoad,
	Doubt:  "the transaction need not read what was sent after the poll",
	sinner: func(b *Broker) sinner { return &matchmaker{b: b} },
}

// matchmaker keeps a transaction's poll waiting until another reader got its
// record, and until something was appended after that where it polls.
type matchmaker struct {
	b    *Broker
	wait *await
	// part is what is given away; polls is where its transaction polls.
	part  *openPart
	polls map[place]bool
	given time.Time // when the reader had got it; zero: it has not
	until time.Time
}

// busyWith tells whether a transaction is being kept waiting.
func (s *matchmaker) busyWith() bool { return s.part != nil && time.Now().Before(s.until) }

// afterGiven is the memo of a produce that came after the reader had the record.
type afterGiven struct{}

func (s *matchmaker) request(x *exchange) {
	switch req := x.req.(type) {
	case *kmsg.ProduceRequest:
		if s.busyWith() && !s.given.IsZero() && req.TransactionID == nil {
			x.memo = afterGiven{}
		}
	case *kmsg.FetchRequest:
		if req.IsolationLevel != 1 {
			return
		}
		if s.busyWith() {
			s.give(x, req)
			return
		}
		s.keep(x, req)
	}
}

// keep keeps the poll of a transaction waiting that has written something.
func (s *matchmaker) keep(x *exchange, req *kmsg.FetchRequest) {
	var part *openPart
	for _, o := range s.b.txns.open {
		if o.client == x.client && x.client != "" && len(o.parts) > 0 {
			part = o.parts[0]
		}
	}
	if part == nil || !s.b.due(part.at) {
		return
	}
	polls := map[place]bool{}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			polls[place{s.b.name(t.Topic, t.TopicID), p.Partition}] = true
		}
	}
	if polls[part.at] {
		return
	}
	s.b.spend(2)
	s.part, s.polls, s.given, s.until = part, polls, time.Time{}, time.Now().Add(awaitLimit)
	s.wait = newAwait()
	x.await = s.wait
}

// give lets another reader have the record.
func (s *matchmaker) give(x *exchange, req *kmsg.FetchRequest) {
	if !s.given.IsZero() {
		return
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if (place{s.b.name(t.Topic, t.TopicID), p.Partition}) == s.part.at && p.FetchOffset <= s.part.first() {
				x.memo = s.part
				everything(x)
			}
		}
	}
}

func (s *matchmaker) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.FetchResponse:
		if part, ok := x.memo.(*openPart); ok {
			s.gave(x, part)
		}
	case *kmsg.ProduceResponse:
		if _, ok := x.memo.(afterGiven); !ok || !s.busyWith() {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode == 0 && s.polls[place{s.b.name(t.Topic, t.TopicID), p.Partition}] {
					s.wait.letGo()
					s.part = nil
				}
			}
		}
	}
}

// gave cuts the answer behind the record.
func (s *matchmaker) gave(x *exchange, part *openPart) {
	x.answer = x.resp
	one := func(p *openPart) bool { return p == part }
	for _, f := range s.b.fetchedOf(x) {
		if f.at != part.at || f.position < 0 {
			s.b.committedView(f, f.part.HighWatermark, nil)
			continue
		}
		s.b.committedView(f, part.last()+1, one)
		if sins := s.b.disclosed(x, f, one); len(sins) > 0 && s.part == part {
			x.onGot(func() { s.given = time.Now() })
		}
	}
}
