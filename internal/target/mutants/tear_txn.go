package mutants

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// tornKinds are the kinds that the records of a torn transaction may show
// besides.
var tornKinds = []string{"lost-write", "truncated-ack", "unseen", "poll-skip", "int-poll-skip", "aborted-read", "inconsistent-offset", "int-send-skip", "G0", "G1c"}

var tearTransaction = Mutant{
	Name: "tear-transaction",
	Doc: "Commits a transaction in one partition less than it wrote to: after the coordinator moved, the new one does not know that " +
		"partition, and its records are gone (Redpanda 6018, 6019).",
	Headline: "torn-transaction", Followers: tornKinds, Offset: "of the record that is gone", Workload: txnLoad,
	sinner: func(b *Broker) sinner {
		return &ripper{b: b, hidden: map[place]map[int64]bool{}, choose: func(b *Broker, o *openTxn) (*openPart, int) {
			if len(o.parts) < 2 {
				return nil, 0
			}
			p := o.parts[b.rnd.IntN(len(o.parts))]
			return p, len(p.batches)
		}}
	},
}

var lateEndTxn = Mutant{
	Name: "late-end-txn",
	Doc: "Takes the delayed end of a transaction for that of the next one, because it looks at producer id and epoch only: what " +
		"that one had written by then is aborted (KAFKA-17754, KIP-890).",
	Headline: "torn-transaction", Followers: tornKinds, Offset: "of the record that is gone", Workload: txnLoad,
	sinner: func(b *Broker) sinner {
		return &ripper{b: b, hidden: map[place]map[int64]bool{}, choose: func(_ *Broker, o *openTxn) (*openPart, int) {
			batches := 0
			for _, p := range o.parts {
				batches += len(p.batches)
			}
			if batches < 2 {
				return nil, 0
			}
			return o.parts[0], 1 // the first one that it wrote
		}}
	},
}

// ripper keeps batches of committed transactions from all readers.
type ripper struct {
	b      *Broker
	choose func(*Broker, *openTxn) (p *openPart, batches int)
	hidden map[place]map[int64]bool // base offsets
}

// ripped is the memo of the end of a transaction that is torn.
type ripped struct {
	part    *openPart
	batches []int64
}

func (s *ripper) request(x *exchange) {
	req, ok := x.req.(*kmsg.EndTxnRequest)
	if !ok || !req.Commit {
		return
	}
	open := s.b.txns.open[req.ProducerID]
	if open == nil {
		return
	}
	p, n := s.choose(s.b, open)
	if p == nil || !s.b.due(p.at) {
		return
	}
	s.b.spend(1)
	t := ripped{p, append([]int64(nil), p.batches[:n]...)}
	x.memo = t
	if s.hidden[p.at] == nil {
		s.hidden[p.at] = map[int64]bool{}
	}
	for _, base := range t.batches {
		s.hidden[p.at][base] = true
	}
}

func (s *ripper) response(x *exchange) {
	if t, ok := x.memo.(ripped); ok {
		s.ended(x, t)
		return
	}
	for _, f := range s.b.fetchedOf(x) {
		hidden := s.hidden[f.at]
		if len(hidden) == 0 {
			continue
		}
		batches, rest := split(f.part.RecordBatches)
		for i, in := range batches {
			if hidden[in.base()] {
				batches[i] = in.emptied()
				x.answer = x.resp
			}
		}
		if x.answer != nil {
			f.part.RecordBatches = join(batches, rest)
		}
	}
}

// ended writes the ledger, or brings the records back where the transaction is
// not committed.
func (s *ripper) ended(x *exchange, t ripped) {
	if resp := x.resp.(*kmsg.EndTxnResponse); resp.ErrorCode != 0 {
		for _, base := range t.batches {
			delete(s.hidden[t.part.at], base)
		}
		return
	}
	for _, r := range t.part.records {
		if !t.holds(r.offset) {
			continue
		}
		x.onGot(prove(s.b.sin(t.part.at, r.offset, r.value, false, "record %d of a committed transaction, at offset %d, kept from everybody", r.value, r.offset)))
	}
}

// holds tells whether an offset belongs to one of the batches: to the last one
// that begins at or below it, of all that the transaction wrote there.
func (t ripped) holds(offset int64) bool {
	in := int64(-1)
	for _, base := range t.part.batches {
		if base <= offset && base > in {
			in = base
		}
	}
	for _, base := range t.batches {
		if base == in {
			return true
		}
	}
	return false
}
