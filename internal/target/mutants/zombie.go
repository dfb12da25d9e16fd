package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var acceptZombie = Mutant{
	Name: "accept-zombie",
	Doc: "Takes records and commits of a producer whose transactional id was taken over: it does not look at the epoch " +
		"(KAFKA-9600).",
	Headline:  "fenced-producer-committed",
	Followers: []string{"eos-duplicate-effect", "nonmonotonic-send"},
	Offset:    "of the first record of the transaction", Workload: txnLoad,
	Doubt: "the transaction may have begun before the fence, whose answer may be lost, and one of its records is enough to convict it",
	sinner: func(b *Broker) sinner {
		return &necromancer{b: b, zombies: map[int64]*zombie{}, begun: map[incarnation]bool{}}
	},
}

// necromancer lifts what zombies send into the epoch that counts.
type necromancer struct {
	b       *Broker
	zombies map[int64]*zombie // by producer id
	// begun are the producers that sent a record of a transaction which they have
	// not ended. What was sent before the fence is aborted by it: to take the
	// rest would tear the transaction.
	begun map[incarnation]bool
}

// incarnation is a client's producer in one epoch.
type incarnation struct {
	client   string
	producer int64
	epoch    int16
}

// zombie is a producer that was fenced and goes on.
type zombie struct{ client string }

func (s *necromancer) request(x *exchange) {
	switch req := x.req.(type) {
	case *kmsg.ProduceRequest:
		s.produce(x, req)
	case *kmsg.EndTxnRequest:
		delete(s.begun, incarnation{x.client, req.ProducerID, req.ProducerEpoch})
		if s.lifts(x, req.ProducerID, req.ProducerEpoch) {
			up := *req
			up.ProducerEpoch = s.b.txns.epochs[req.ProducerID]
			x.sent = &up
		}
	case *kmsg.AddOffsetsToTxnRequest:
		if s.lifts(x, req.ProducerID, req.ProducerEpoch) {
			up := *req
			up.ProducerEpoch = s.b.txns.epochs[req.ProducerID]
			x.sent = &up
		}
	case *kmsg.TxnOffsetCommitRequest:
		if s.lifts(x, req.ProducerID, req.ProducerEpoch) {
			up := *req
			up.ProducerEpoch = s.b.txns.epochs[req.ProducerID]
			x.sent = &up
		}
	}
}

// lifts tells whether a request is a zombie's.
func (s *necromancer) lifts(x *exchange, producer int64, epoch int16) bool {
	z := s.zombies[producer]
	return z != nil && z.client == x.client && epoch < s.b.txns.epochs[producer]
}

// produce lifts the one batch of a request.
func (s *necromancer) produce(x *exchange, req *kmsg.ProduceRequest) {
	if req.TransactionID == nil || len(req.Topics) == 0 || len(req.Topics[0].Partitions) == 0 {
		return
	}
	first := batch(req.Topics[0].Partitions[0].Records)
	if !first.whole() {
		return
	}
	id, who := first.producer(), incarnation{x.client, first.producer(), first.epoch()}
	begun := s.begun[who]
	s.begun[who] = true
	if first.epoch() >= s.b.txns.epochs[id] {
		return
	}
	if s.zombies[id] == nil {
		if begun || !s.b.ready() || s.b.txns.open[id] != nil {
			return
		}
		s.b.spend(1)
		s.zombies[id] = &zombie{client: x.client}
	}
	if !s.lifts(x, id, first.epoch()) {
		return
	}
	up := *req
	up.Topics = make([]kmsg.ProduceRequestTopic, len(req.Topics))
	for i, t := range req.Topics {
		up.Topics[i] = t
		up.Topics[i].Partitions = make([]kmsg.ProduceRequestTopicPartition, len(t.Partitions))
		for j, p := range t.Partitions {
			if in := batch(p.Records); in.whole() {
				p.Records = in.ofEpoch(s.b.txns.epochs[id])
			}
			up.Topics[i].Partitions[j] = p
		}
	}
	x.sent = &up
}

func (s *necromancer) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.InitProducerIDResponse:
		if resp.ErrorCode == 0 {
			delete(s.zombies, resp.ProducerID)
		}
	case *kmsg.EndTxnResponse:
		req := x.req.(*kmsg.EndTxnRequest)
		z, open := s.zombies[req.ProducerID], s.b.txns.open[req.ProducerID]
		if z == nil || z.client != x.client || open == nil || len(open.parts) == 0 || !req.Commit || resp.ErrorCode != 0 {
			return
		}
		for _, p := range open.parts {
			r := p.records[0]
			s.b.sin(p.at, r.offset, r.value, false, "a fenced producer committed record %d at offset %d", r.value, r.offset)
		}
	}
}
