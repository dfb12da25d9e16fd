package mutants

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var lsoBack = Mutant{
	Name:      "lso-back",
	Doc:       "Tells a last stable offset below one that it told before, as after a restart (Redpanda 17039).",
	Headline:  "lso-regression",
	Followers: []string{"fractured-read"},
	Offset:    "the false last stable offset", Workload: txnLoad,
	sinner: func(b *Broker) sinner {
		return &backer{b: b, told: map[place]*climb{}, lies: map[place]*lie{}, isolation: 1, times: 1}
	},
}

var hangLSO = Mutant{
	Name: "hang-lso",
	Doc: "Lets a partition's last stable offset stand still for ever: a late record has joined no transaction, and nobody ends it " +
		"(KIP-890; Chronik 2.10.0).",
	Headline:  "stuck-lso",
	Followers: []string{"fractured-read"},
	Offset:    "the last stable offset", Workload: txnLoad,
	sinner: func(b *Broker) sinner { return &hanger{b: b, hung: map[place]int64{}} },
}

// hungLogs bounds the partitions that hang.
const hungLogs = 1

// hanger cuts what readers of committed records get.
type hanger struct {
	honest
	b    *Broker
	hung map[place]int64 // the last stable offset
}

func (s *hanger) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.ProduceResponse:
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				s.hang(place{s.b.name(t.Topic, t.TopicID), p.Partition}, p.BaseOffset, p.ErrorCode)
			}
		}
	case *kmsg.ListOffsetsResponse:
		if x.req.(*kmsg.ListOffsetsRequest).IsolationLevel == 1 {
			for i := range resp.Topics {
				for j := range resp.Topics[i].Partitions {
					p := &resp.Topics[i].Partitions[j]
					if at, ok := s.hung[place{resp.Topics[i].Topic, p.Partition}]; ok && p.Offset > at {
						p.Offset, x.answer = at, x.resp
					}
				}
			}
		}
	case *kmsg.FetchResponse:
		if _, ok := readsCommitted(x); ok {
			for _, f := range s.b.fetchedOf(x) {
				if at, ok := s.hung[f.at]; ok {
					s.b.cutAt(x, f, at)
				}
			}
		}
	}
}

// hang begins to hang where something was appended, which is above whatever was
// told to be stable.
func (s *hanger) hang(at place, appended int64, code int16) {
	if _, ok := s.hung[at]; ok || len(s.hung) >= hungLogs || code != 0 || appended < s.b.txns.stable[at] || s.b.txns.stable[at] == 0 || !s.b.due(at) {
		return
	}
	s.b.spend(1)
	s.hung[at] = s.b.txns.stable[at]
	s.b.sin(at, s.hung[at], -1, true, "the last stable offset stays at %d", s.hung[at])
}

// cutAt ends what a reader of committed records gets at an offset.
func (b *Broker) cutAt(x *exchange, f fetched, at int64) {
	if f.part.LastStableOffset <= at {
		return
	}
	batches, _ := split(f.part.RecordBatches)
	batches = slices.DeleteFunc(batches, func(b batch) bool { return b.base() >= at })
	f.part.RecordBatches, f.part.LastStableOffset = join(batches, nil), at
	x.answer = x.resp
}

var fracture = Mutant{
	Name: "fracture",
	Doc: "Decides a transaction in one of its partitions later than in the others: a reader sees one part of it without the other. " +
		"Kafka does so too; where reads are strict it is forbidden.",
	Headline: "fractured-read", Followers: []string{"lso-regression"},
	Offset: "the last stable offset: of the transaction's first record there", Workload: txnLoad,
	Doubt:  "who asks may not have known that the transaction was read",
	sinner: func(b *Broker) sinner { return &divider{b: b} },
}

// divider holds one partition back behind a commit, until somebody saw the
// transaction elsewhere and then asked there.
type divider struct {
	b     *Broker
	held  *openPart // nil: nothing
	until time.Time
	seen  time.Time // when a reader of committed records had got it elsewhere
	txn   *openTxn
}

// dividedFor is how long a partition is held back at most.
const dividedFor = 1500 * time.Millisecond

func (s *divider) holds(at place) bool {
	if s.held != nil && time.Now().After(s.until) {
		s.held = nil
	}
	return s.held != nil && s.held.at == at
}

func (s *divider) request(x *exchange) {
	req, ok := x.req.(*kmsg.EndTxnRequest)
	if !ok || !req.Commit || s.held != nil && time.Now().Before(s.until) {
		return
	}
	open := s.b.txns.open[req.ProducerID]
	if open == nil || len(open.parts) < 2 {
		return
	}
	for _, p := range open.parts {
		if s.b.txns.stable[p.at] > p.first() || !s.b.due(p.at) {
			continue
		}
		s.b.spend(4)
		s.held, s.txn, s.until, s.seen = p, open, time.Now().Add(dividedFor), time.Time{}
		return
	}
}

func (s *divider) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.FetchResponse:
		if _, ok := readsCommitted(x); ok {
			s.fetched(x)
		}
	case *kmsg.ListOffsetsResponse:
		if x.req.(*kmsg.ListOffsetsRequest).IsolationLevel == 1 {
			s.listed(x, resp)
		}
	}
}

func (s *divider) fetched(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		if s.holds(f.at) {
			s.b.cutAt(x, f, s.held.first())
			continue
		}
		if s.held == nil || !s.seen.IsZero() {
			continue
		}
		part := s.txn.part(f.at)
		if part != nil && part != s.held && f.part.LastStableOffset > part.first() && len(s.b.returned(f, s.txn.producer, part.first())) > 0 {
			x.onGot(func() { s.seen = time.Now() })
		}
	}
}

func (s *divider) listed(x *exchange, resp *kmsg.ListOffsetsResponse) {
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			if !s.holds(place{resp.Topics[i].Topic, p.Partition}) || p.ErrorCode != 0 || p.Offset <= s.held.first() {
				continue
			}
			held := s.held
			p.Offset, x.answer = held.first(), x.resp
			s.b.sin(held.at, held.first(), held.records[0].value, false, "the last stable offset stays at %d behind a commit", held.first())
			if !s.seen.IsZero() && x.since.After(s.seen) {
				x.onGot(func() {
					if s.held == held {
						s.held = nil
					}
				})
			}
		}
	}
}
