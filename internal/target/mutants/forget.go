package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// holdLimit is the longest time that an answer is held back: well below the
// deadline of an operation.
const holdLimit = 150 * time.Millisecond

// forgotten is the memo of a produce request that is acknowledged without being
// appended: the cluster is asked for the end of the log instead.
type forgotten struct{ produce }

// forget keeps a record from the cluster. The cluster works off one request at
// a time, so the end that it tells is the offset of the next record: the
// acknowledged one and that one have the same.
//
// Only single records of producers without an id are forgotten: the cluster
// would miss an idempotent one's sequence number. One at a time: they would
// wait for each other. Where nobody else produces to the partition,
// there is nothing that could take the offset, and the producer gets no answer.
func (b *Broker) forget(x *exchange, p produce) bool {
	if p.batch.count() != 1 || p.batch.idempotent() || len(p.req.Topics) != 1 || len(p.topic.Partitions) != 1 {
		return false
	}
	if time.Now().Before(b.forgetful) {
		return false
	}
	b.forgetful = time.Now().Add(2 * holdLimit)
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = 5, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = p.at.topic
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Partition, part.Timestamp, part.CurrentLeaderEpoch = p.at.partition, -1, -1
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	x.sent, x.memo = req, forgotten{p}
	return true
}

// acknowledge answers a forgotten produce, as soon as another record has taken
// its offset; then sinned is called with that offset. Where the cluster's
// answer is an error, the error is passed on; where no other record comes in
// time, the producer gets no answer at all and nothing was wrong.
func (b *Broker) acknowledge(x *exchange, f forgotten, sinned func(end int64)) {
	list, ok := x.resp.(*kmsg.ListOffsetsResponse)
	if !ok || len(list.Topics) != 1 || len(list.Topics[0].Partitions) != 1 {
		return
	}
	end := list.Topics[0].Partitions[0]
	answer := f.req.ResponseKind().(*kmsg.ProduceResponse)
	t := kmsg.NewProduceResponseTopic()
	t.Topic, t.TopicID = f.topic.Topic, f.topic.TopicID
	p := kmsg.NewProduceResponseTopicPartition()
	p.Partition, p.ErrorCode, p.BaseOffset = f.at.partition, end.ErrorCode, end.Offset
	t.Partitions = append(t.Partitions, p)
	answer.Topics = append(answer.Topics, t)
	x.answer = answer
	if end.ErrorCode == 0 {
		x.hold = b.at(f.at).await(end.Offset, func() { sinned(end.Offset) })
	}
}

// hold keeps an answer back until a record is appended at an offset.
type hold struct {
	offset   int64
	appended func() // called with the broker's lock held
	released chan struct{}
}

// await returns a hold of the partition; a later one replaces it.
func (s *partition) await(offset int64, appended func()) *hold {
	s.held = &hold{offset, appended, make(chan struct{})}
	return s.held
}

// append notes a new record and releases whoever waits for it.
func (b *Broker) append(s *partition, base int64) {
	if h := s.held; h != nil && h.offset == base {
		s.held, b.forgetful = nil, time.Time{}
		h.appended()
		close(h.released)
	}
}

// wait waits for the record; false where it does not come within holdLimit.
func (b *Broker) wait(h *hold) bool {
	t := time.NewTimer(holdLimit)
	defer t.Stop()
	select {
	case <-h.released:
		return true
	case <-t.C:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-h.released:
		return true
	default:
	}
	for _, s := range b.state {
		if s.held == h {
			s.held = nil
		}
	}
	return false
}
