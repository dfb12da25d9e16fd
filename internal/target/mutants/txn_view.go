package mutants

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// readsCommitted tells whether an exchange is a fetch of committed records only.
func readsCommitted(x *exchange) (*kmsg.FetchRequest, bool) {
	req, ok := x.req.(*kmsg.FetchRequest)
	return req, ok && req.IsolationLevel == 1
}

// everything makes the cluster answer a fetch as if for a reader of everything.
// The answer is then cut by committedView, partition by partition.
func everything(x *exchange) {
	req := *x.req.(*kmsg.FetchRequest)
	req.IsolationLevel = 0
	x.sent = &req
}

// committedView cuts what a fetch of everything returned of a partition down to
// what a reader of committed records may get, and no further than below an
// offset; shown says which open transactions are given away.
func (b *Broker) committedView(f fetched, below int64, shown func(*openPart) bool) {
	for _, open := range b.openAt(f.at) {
		if shown == nil || !shown(open) {
			below = min(below, open.first())
		}
	}
	if shown == nil {
		below = min(below, f.part.LastStableOffset)
	}
	batches, _ := split(f.part.RecordBatches)
	batches = slices.DeleteFunc(batches, func(b batch) bool { return b.base() >= below })
	f.part.RecordBatches = join(batches, nil)
	f.part.AbortedTransactions = nil
	for _, a := range b.txns.aborted[f.at] {
		if a.last >= f.position && a.first < below {
			f.part.AbortedTransactions = append(f.part.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.producer, FirstOffset: a.first})
		}
	}
	f.part.LastStableOffset = min(f.part.LastStableOffset, below)
}

// returned lists the records of a producer's transaction that a fetch returns:
// from an offset on, up to the transaction's marker.
func (b *Broker) returned(f fetched, producer, first int64) []txnRecord {
	var out []txnRecord
	batches, _ := split(f.part.RecordBatches)
	for _, in := range batches {
		if in.producer() != producer || in.base() < first {
			continue
		}
		if in.control() {
			break
		}
		for i, v := range b.values(in) {
			if offset := in.base() + int64(i); offset >= f.position && in.transactional() {
				out = append(out, txnRecord{offset, v})
			}
		}
	}
	return out
}
