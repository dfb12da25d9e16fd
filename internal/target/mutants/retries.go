package mutants

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// twiceWritten is what may follow from a record that is there twice.
var twiceWritten = []string{
	"nonmonotonic-poll", "int-nonmonotonic-poll", "poll-skip", "int-poll-skip", "nonmonotonic-send", "int-nonmonotonic-send",
	"offset-regression", "nonlinearizable-log", "int-send-skip",
}

var noSequences = Mutant{
	Name: "no-sequences",
	Doc: "Appends a batch of an idempotent producer, loses the answer, and appends the repetition as well: " +
		"a broker that never recorded the sequence number.",
	Headline: "duplicate", Followers: twiceWritten, Offset: "of the second copy", Workload: "queue",
	sinner: func(b *Broker) sinner { return newRepeatedBatches(b, repeat, 0) },
}

var refuseRetry = Mutant{
	Name: "refuse-retry",
	Doc: "Appends a batch of an idempotent producer, loses the answer, and refuses the repetition with " +
		"OUT_OF_ORDER_SEQUENCE_NUMBER instead of telling it from a gap. Clients take a new epoch then, and send once more.",
	Headline: "duplicate", Followers: twiceWritten, Offset: "of the second copy", Workload: "queue",
	sinner: func(b *Broker) sinner { return newRepeatedBatches(b, refuse, 0) },
}

var resendAfterMove = Mutant{
	Name: "resend-after-move",
	Doc: "Appends a batch of an idempotent producer and answers NOT_LEADER_OR_FOLLOWER, and appends the repetition as well: " +
		"what was appended before a leader moved is not known behind it.",
	Headline: "duplicate", Followers: twiceWritten, Offset: "of the second copy", Workload: "queue",
	sinner: func(b *Broker) sinner { return newRepeatedBatches(b, repeat, kerr.NotLeaderForPartition.Code) },
}

var resendAfterError = Mutant{
	Name: "resend-after-error",
	Doc: "Appends a batch of an idempotent producer and answers with an error upon which the client takes a new epoch and sends " +
		"once more. The Java client did so after UNKNOWN_SERVER_ERROR (KAFKA-14034); franz-go does after UNKNOWN_PRODUCER_ID.",
	Headline: "duplicate", Followers: twiceWritten, Offset: "of the second copy", Workload: "queue",
	sinner: func(b *Broker) sinner { return newRepeatedBatches(b, passOn, kerr.UnknownProducerID.Code) },
}

// repetition is what becomes of a batch that comes again.
type repetition uint8

const (
	passOn repetition = iota // it is the cluster's business
	repeat                   // it is appended again
	refuse                   // it is refused as out of order
)

// repeatedBatches appends batches of idempotent producers and keeps that from
// them, so that they come again.
type repeatedBatches struct {
	b    *Broker
	then repetition
	code int16 // the answer to the first attempt; 0: none
	// tried are the batches whose first attempt was not answered honestly.
	tried map[attempt]bool
	// written says where records of such batches were appended first.
	written map[place]map[int64]int64
}

// attempt identifies a batch: its producer id, epoch and base sequence.
type attempt struct {
	at    place
	owner string
}

func newRepeatedBatches(b *Broker, then repetition, code int16) sinner {
	return &repeatedBatches{b: b, then: then, code: code, tried: map[attempt]bool{}, written: map[place]map[int64]int64{}}
}

// retried is the memo of a request: what is done to its batches.
type retried struct {
	all    []produce
	first  int // the batch whose answer is kept back; -1: none
	second []int
}

func (s *repeatedBatches) request(x *exchange) {
	all := s.b.producesOf(x)
	if len(all) == 0 {
		return
	}
	m := &retried{all: all, first: -1}
	x.memo = m
	for i, p := range all {
		if !p.batch.idempotent() {
			continue
		}
		id := attempt{p.at, string(p.batch[atProducer:atProducerE])}
		switch {
		case s.tried[id]:
			m.second = append(m.second, i)
			if s.then == repeat {
				x.sent = replaced(x, p, p.batch.unowned())
			}
		case m.first < 0 && s.b.due(p.at):
			s.b.spend(1)
			s.tried[id] = true
			m.first = i
		}
	}
}

// replaced returns the request with another batch in the place of p's.
func replaced(x *exchange, p produce, other batch) *kmsg.ProduceRequest {
	from := p.req
	if sent, ok := x.sent.(*kmsg.ProduceRequest); ok {
		from = sent
	}
	req := *from
	req.Topics = append([]kmsg.ProduceRequestTopic(nil), from.Topics...)
	for i := range req.Topics {
		t := &req.Topics[i]
		if t.Topic != p.topic.Topic || t.TopicID != p.topic.TopicID {
			continue
		}
		t.Partitions = append([]kmsg.ProduceRequestTopicPartition(nil), t.Partitions...)
		for j := range t.Partitions {
			if t.Partitions[j].Partition == p.at.partition {
				t.Partitions[j].Records = other
			}
		}
	}
	return &req
}

func (s *repeatedBatches) response(x *exchange) {
	m, ok := x.memo.(*retried)
	if !ok {
		return
	}
	for i, p := range m.all {
		if a := p.answered(x.resp, p.at.partition); a != nil {
			second := slices.Contains(m.second, i)
			// The cluster tells a repetition that it gets where the first attempt stands.
			s.appended(p, a.BaseOffset, i == m.first || second && s.then == refuse, second && s.then == repeat)
		}
	}
	if s.then == refuse {
		for _, i := range m.second {
			s.answer(x, m.all[i], kerr.OutOfOrderSequenceNumber.Code)
		}
	}
	switch {
	case m.first < 0 || m.all[m.first].answered(x.resp, m.all[m.first].at.partition) == nil:
	case s.code == 0:
		x.hold = &hold{released: make(chan struct{})} // for ever: the connection is closed
	default:
		s.answer(x, m.all[m.first], s.code)
	}
}

// answer makes the answer for a batch an error.
func (s *repeatedBatches) answer(x *exchange, p produce, code int16) {
	if a := p.answered(x.resp, p.at.partition); a != nil {
		a.ErrorCode, a.BaseOffset = code, -1
		x.answer = x.resp
	}
}

// appended notes where records were appended for the first time, or that they
// were for the second. Where the cluster's first answer was cut off on its way,
// nobody knows whether they were.
func (s *repeatedBatches) appended(p produce, base int64, first, second bool) {
	for i, v := range s.b.values(p.batch) {
		offset := base + int64(i)
		was, known := s.written[p.at][v]
		switch {
		case first && !known:
			if s.written[p.at] == nil {
				s.written[p.at] = map[int64]int64{}
			}
			s.written[p.at][v] = offset
		case second && !known:
			s.b.sin(p.at, offset, v, false, "the record appended, perhaps again")
		case known && was != offset:
			s.b.sin(p.at, offset, v, true, "the record at offset %d appended again", was)
		}
	}
}

// producesOf returns every batch of a produce request, as produceOf does the
// first one.
func (b *Broker) producesOf(x *exchange) []produce {
	req, ok := x.req.(*kmsg.ProduceRequest)
	if !ok || req.Acks == 0 {
		return nil
	}
	var out []produce
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			p := produce{req: req, topic: t, part: &t.Partitions[j]}
			p.at = place{b.name(t.Topic, t.TopicID), p.part.Partition}
			p.batch = batch(p.part.Records)
			if p.at.topic != "" && p.batch.whole() && p.batch.count() > 0 && !p.batch.transactional() {
				out = append(out, p)
			}
		}
	}
	return out
}
