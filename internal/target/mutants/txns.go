package mutants

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// txns is what the broker knows of transactions from the exchanges that it saw.
// What the cluster has done and not answered yet it does not know.
type txns struct {
	open     map[int64]*openTxn // by producer id
	epochs   map[int64]int16    // the last epoch that was given out, by producer id
	aborted  map[place][]abortedTxn
	stable   map[place]int64 // the highest last stable offset that anybody was told
	producer map[string]bool // the clients that have sent records in transactions
}

// openTxn is a transaction that has not ended.
type openTxn struct {
	producer int64
	client   string
	parts    []*openPart
	offsets  map[string]map[place]int64 // what it commits, by group
}

// openPart is what a transaction has written to a partition.
type openPart struct {
	at      place
	batches []int64 // their base offsets
	records []txnRecord
}

type txnRecord struct{ offset, value int64 }

// abortedTxn is the part of an aborted transaction in a partition.
type abortedTxn struct {
	producer    int64
	first, last int64 // its records, the marker not included
	ended       time.Time
	coordinator int // the node that ended it
}

func newTxns() txns {
	return txns{
		open: map[int64]*openTxn{}, epochs: map[int64]int16{}, aborted: map[place][]abortedTxn{},
		stable: map[place]int64{}, producer: map[string]bool{},
	}
}

// keptAborts bounds the aborted transactions that are remembered of a partition.
const keptAborts = 4096

// followTxn notes what an answer says of transactions.
func (b *Broker) followTxn(x *exchange) {
	if x.resp.Key() != x.req.Key() {
		return // the sinner asked something else in the client's place
	}
	switch resp := x.resp.(type) {
	case *kmsg.ProduceResponse:
		b.appendedTxn(x, resp)
	case *kmsg.EndTxnResponse:
		if resp.ErrorCode == 0 {
			req := x.req.(*kmsg.EndTxnRequest)
			b.endTxn(req.ProducerID, req.Commit, x.node)
			if resp.Version >= 5 {
				b.txns.epochs[resp.ProducerID] = resp.ProducerEpoch
			}
		}
	case *kmsg.InitProducerIDResponse:
		if resp.ErrorCode == 0 && x.req.(*kmsg.InitProducerIDRequest).TransactionalID != nil {
			b.endTxn(resp.ProducerID, false, x.node)
			b.txns.epochs[resp.ProducerID] = resp.ProducerEpoch
		}
	case *kmsg.TxnOffsetCommitResponse:
		b.committedInTxn(x.req.(*kmsg.TxnOffsetCommitRequest), resp)
	case *kmsg.FetchResponse:
		if _, ok := readsCommitted(x); !ok {
			return // it is told the end of the log
		}
		for _, f := range b.fetchedOf(x) {
			b.txns.stable[f.at] = max(b.txns.stable[f.at], f.part.LastStableOffset)
		}
	case *kmsg.ListOffsetsResponse:
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if at := (place{t.Topic, p.Partition}); x.req.(*kmsg.ListOffsetsRequest).IsolationLevel == 1 {
					b.txns.stable[at] = max(b.txns.stable[at], p.Offset)
				}
			}
		}
	}
}

// appendedTxn notes the records that a transaction has written.
func (b *Broker) appendedTxn(x *exchange, resp *kmsg.ProduceResponse) {
	req, ok := x.req.(*kmsg.ProduceRequest)
	if !ok {
		return
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			at := place{b.name(t.Topic, t.TopicID), p.Partition}
			sent := batchOf(req, t, p.Partition)
			if p.ErrorCode != 0 || p.BaseOffset < 0 || !sent.whole() || !sent.transactional() || at.topic == "" {
				continue
			}
			b.txns.producer[x.client] = true
			open := b.txns.at(sent.producer(), x.client)
			part := open.part(at)
			if part == nil {
				part = &openPart{at: at}
				open.parts = append(open.parts, part)
			}
			if slices.Contains(part.batches, p.BaseOffset) {
				continue // the answer to a repetition
			}
			part.batches = append(part.batches, p.BaseOffset)
			for i, v := range b.values(sent) {
				part.records = append(part.records, txnRecord{p.BaseOffset + int64(i), v})
			}
		}
	}
}

func (s *txns) at(producer int64, client string) *openTxn {
	open := s.open[producer]
	if open == nil {
		open = &openTxn{producer: producer, client: client, offsets: map[string]map[place]int64{}}
		s.open[producer] = open
	}
	return open
}

// part returns what the transaction has written to a partition, nil for nothing.
func (o *openTxn) part(at place) *openPart {
	for _, p := range o.parts {
		if p.at == at {
			return p
		}
	}
	return nil
}

func (p *openPart) first() int64 { return p.records[0].offset }

func (p *openPart) last() int64 { return p.records[len(p.records)-1].offset }

// endTxn forgets a transaction that has ended.
func (b *Broker) endTxn(producer int64, commit bool, node int) {
	open := b.txns.open[producer]
	delete(b.txns.open, producer)
	if open == nil || commit {
		return
	}
	for _, p := range open.parts {
		all := b.txns.aborted[p.at]
		if len(all) >= keptAborts {
			all = slices.Delete(all, 0, keptAborts/2)
		}
		b.txns.aborted[p.at] = append(all, abortedTxn{producer, p.first(), p.last(), time.Now(), node})
	}
}

// committedInTxn notes the positions that a transaction is going to commit.
func (b *Broker) committedInTxn(req *kmsg.TxnOffsetCommitRequest, resp *kmsg.TxnOffsetCommitResponse) {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return
			}
		}
	}
	open := b.txns.at(req.ProducerID, "")
	offsets := map[place]int64{}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			offsets[place{b.name(t.Topic, t.TopicID), p.Partition}] = p.Offset
		}
	}
	open.offsets[req.Group] = offsets
}

// openAt lists what open transactions have written to a partition.
func (b *Broker) openAt(at place) []*openPart {
	var out []*openPart
	for _, o := range b.txns.open {
		if p := o.part(at); p != nil {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *openPart) int { return int(a.first() - b.first()) })
	return out
}

// abortedBy finds the aborted transaction of a producer that begins at an
// offset of a partition.
func (b *Broker) abortedBy(at place, producer, first int64) (abortedTxn, bool) {
	for _, a := range slices.Backward(b.txns.aborted[at]) {
		if a.producer == producer && a.first == first {
			return a, true
		}
	}
	return abortedTxn{}, false
}

// batchOf returns the batch that a request has for a partition of an answer.
func batchOf(req *kmsg.ProduceRequest, t kmsg.ProduceResponseTopic, partition int32) batch {
	for i := range req.Topics {
		if req.Topics[i].Topic != t.Topic || req.Topics[i].TopicID != t.TopicID {
			continue
		}
		for _, p := range req.Topics[i].Partitions {
			if p.Partition == partition {
				return batch(p.Records)
			}
		}
	}
	return nil
}
