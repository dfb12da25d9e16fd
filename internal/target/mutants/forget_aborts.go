package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What becomes of forgotten aborts.
const (
	ofAborted = "of the aborted record"
	txnLoad   = "txn"
)

// gaveAway are the kinds that records of undecided and aborted transactions may
// show besides: once one reader of committed records got them, they count as
// committed, and who does not get them has missed something.
var gaveAway = []string{"poll-skip", "int-poll-skip", "torn-transaction", "int-send-skip", "G0", "G1c"}

var forgetAborts = Mutant{
	Name: "forget-aborts",
	Doc: "Leaves an aborted transaction out of the list that tells readers of committed records what to pass over " +
		"(KIP-98, aborted_transactions).",
	Headline: "aborted-read", Followers: gaveAway, Offset: ofAborted, Workload: txnLoad,
	Doubt: "the poll may be part of a transaction that fails itself",
	sinner: func(b *Broker) sinner {
		return &forgetter{b: b, applies: func(fetched, abortedTxn, *exchange) bool { return true }}
	},
}

var forgetAbortsCompressed = Mutant{
	Name:        "forget-aborts-compressed",
	Doc:         "As forget-aborts, where the aborted records are compressed: librdkafka 3020. It needs --compression.",
	Compression: "zstd",
	Headline:    "aborted-read", Followers: gaveAway, Offset: ofAborted, Workload: txnLoad,
	Doubt: "the poll may be part of a transaction that fails itself",
	sinner: func(b *Broker) sinner {
		return &forgetter{b: b, applies: func(f fetched, a abortedTxn, _ *exchange) bool {
			batches, _ := split(f.part.RecordBatches)
			for _, in := range batches {
				if in.producer() == a.producer && in.base() == a.first {
					return in.attrs()&attrCodec != 0
				}
			}
			return false
		}}
	},
}

// abortLag is how long a new abort is not known yet.
const abortLag = 75 * time.Millisecond

var forgetAbortsAtFirst = Mutant{
	Name:     "forget-aborts-at-first",
	Doc:      "As forget-aborts, for 75 ms after the abort: the index of aborted transactions lags behind the last stable offset (KoP 1283).",
	Headline: "aborted-read", Followers: gaveAway, Offset: ofAborted, Workload: txnLoad,
	Doubt: "the poll may be part of a transaction that fails itself",
	sinner: func(b *Broker) sinner {
		return &forgetter{b: b, applies: func(_ fetched, a abortedTxn, _ *exchange) bool { return time.Since(a.ended) < abortLag }}
	},
}

var forgetAbortsElsewhere = Mutant{
	Name: "forget-aborts-elsewhere",
	Doc: "As forget-aborts, on nodes other than the one that coordinated the transaction: each node keeps an index of its own " +
		"(Chronik 2.10.0).",
	Headline: "aborted-read", Followers: gaveAway, Offset: ofAborted, Workload: txnLoad,
	Doubt: "the poll may be part of a transaction that fails itself",
	sinner: func(b *Broker) sinner {
		return &forgetter{b: b, applies: func(_ fetched, a abortedTxn, x *exchange) bool { return a.coordinator != x.node }}
	},
}

// forgetter takes aborted transactions out of the answers to readers of
// committed records.
type forgetter struct {
	honest
	b       *Broker
	applies func(fetched, abortedTxn, *exchange) bool
}

func (s *forgetter) response(x *exchange) {
	if _, ok := readsCommitted(x); !ok {
		return
	}
	for _, f := range s.b.fetchedOf(x) {
		if f.position < 0 || !s.b.due(f.at) {
			continue
		}
		for i, told := range f.part.AbortedTransactions {
			a, ok := s.b.abortedBy(f.at, told.ProducerID, told.FirstOffset)
			if !ok || !s.applies(f, a, x) {
				continue
			}
			if s.b.forgetAbort(x, f, i, false) {
				s.b.spend(1)
				break
			}
		}
	}
}

// forgetAbort takes an aborted transaction out of an answer, and writes its
// records into the ledger. It tells whether the answer holds any.
func (b *Broker) forgetAbort(x *exchange, f fetched, i int, proven bool) bool {
	told := f.part.AbortedTransactions[i]
	records := b.returned(f, told.ProducerID, told.FirstOffset)
	if len(records) == 0 {
		return false
	}
	kept := make([]kmsg.FetchResponseTopicPartitionAbortedTransaction, 0, len(f.part.AbortedTransactions)-1)
	kept = append(append(kept, f.part.AbortedTransactions[:i]...), f.part.AbortedTransactions[i+1:]...)
	f.part.AbortedTransactions = kept
	x.answer = x.resp
	for _, r := range records {
		sin := b.sin(f.at, r.offset, r.value, false, "record %d of an aborted transaction, at offset %d, given to a reader of committed records", r.value, r.offset)
		if proven { // else the poll may be part of a transaction that fails itself
			x.onGot(prove(sin))
		}
	}
	return true
}

var loseAborts = Mutant{
	Name: "lose-aborts",
	Doc: "Loses a partition's index of aborted transactions at one moment, and never rebuilds it: whoever reads from before gets " +
		"aborted records (Chronik 2.10.0, after a crash).",
	Headline: "aborted-read", Followers: gaveAway, Offset: ofAborted, Workload: txnLoad,
	Doubt:  "the poll may be part of a transaction that fails itself",
	sinner: func(b *Broker) sinner { return &amnesiac{b: b, lost: map[place]time.Time{}} },
}

// lostIndexes bounds the partitions that lose their index.
const lostIndexes = 2

// amnesiac loses what it knew of aborts. What the final readers get is certain
// to be in the history.
type amnesiac struct {
	honest
	b    *Broker
	lost map[place]time.Time
}

func (s *amnesiac) response(x *exchange) {
	if _, ok := readsCommitted(x); !ok {
		return
	}
	for _, f := range s.b.fetchedOf(x) {
		if _, ok := s.lost[f.at]; !ok && len(s.lost) < lostIndexes && len(s.b.txns.aborted[f.at]) > 0 && s.b.due(f.at) {
			s.b.spend(1)
			s.lost[f.at] = time.Now()
		}
		crash, ok := s.lost[f.at]
		if !ok || f.position < 0 {
			continue
		}
		for i := 0; i < len(f.part.AbortedTransactions); i++ {
			told := f.part.AbortedTransactions[i]
			a, ok := s.b.abortedBy(f.at, told.ProducerID, told.FirstOffset)
			if ok && a.ended.Before(crash) && s.b.forgetAbort(x, f, i, !s.b.txns.producer[x.client] && !s.b.busy(f.at)) {
				i--
			}
		}
	}
}
