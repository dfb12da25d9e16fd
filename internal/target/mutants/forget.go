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
// would miss an idempotent one's sequence number. One at a time, because they
// would wait for each other. Where nobody else produces to the partition, nothing
// takes the offset, and the producer gets no answer.
func (b *Broker) forget(x *exchange, p produce) bool {
	if p.batch.count() != 1 || p.batch.idempotent() || len(p.req.Topics) != 1 || len(p.topic.Partitions) != 1 {
		return false
	}
	if time.Now().Before(b.forgetful) {
		return false
	}
	b.forgetful = time.Now().Add(2 * holdLimit)
	x.sent, x.memo = endRequest(p.at), forgotten{p}
	return true
}

// endRequest asks for the end of a log.
func endRequest(at place) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = 5, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = at.topic
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Partition, part.Timestamp, part.CurrentLeaderEpoch = at.partition, -1, -1
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	return req
}

// acknowledge answers a forgotten produce, and holds the answer back until the
// sin is complete. Where that takes too long the producer gets no answer at all.
// It returns the offset, or -1 where the cluster's answer is an error, which is
// passed on.
func (b *Broker) acknowledge(x *exchange, f forgotten) (end int64, h *hold) {
	list, ok := x.resp.(*kmsg.ListOffsetsResponse)
	if !ok || len(list.Topics) != 1 || len(list.Topics[0].Partitions) != 1 {
		return -1, nil
	}
	told := list.Topics[0].Partitions[0]
	answer := f.req.ResponseKind().(*kmsg.ProduceResponse)
	t := kmsg.NewProduceResponseTopic()
	t.Topic, t.TopicID = f.topic.Topic, f.topic.TopicID
	p := kmsg.NewProduceResponseTopicPartition()
	p.Partition, p.ErrorCode, p.BaseOffset = f.at.partition, told.ErrorCode, told.Offset
	t.Partitions = append(t.Partitions, p)
	answer.Topics = append(answer.Topics, t)
	x.answer = answer
	if told.ErrorCode != 0 {
		return -1, nil
	}
	x.hold = &hold{released: make(chan struct{})}
	return told.Offset, x.hold
}

// hold keeps an answer back.
type hold struct {
	released chan struct{}
	done     bool   // released or expired; guarded by the broker's lock
	expired  func() // called with the broker's lock held; nil: nothing to do
}

// release lets the answer go, and another record be forgotten.
func (b *Broker) release(h *hold) {
	if !h.done {
		h.done, b.forgetful = true, time.Time{}
		close(h.released)
	}
}

// wait waits for the release; false where it does not come within holdLimit.
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
	if h.done {
		return true
	}
	h.done = true
	if h.expired != nil {
		h.expired()
	}
	return false
}

// onAppend calls f, with the broker's lock held, when a record is appended at
// the offset. A later call for the partition replaces it; cancel forgets it.
func (s *partition) onAppend(offset int64, f func()) (cancel func()) {
	a := &appended{offset, f}
	s.next = a
	return func() {
		if s.next == a {
			s.next = nil
		}
	}
}

// appended is somebody who waits for an offset to be taken.
type appended struct {
	offset int64
	call   func()
}

// append notes that a record was appended.
func (s *partition) append(offset int64) {
	if a := s.next; a != nil && a.offset == offset {
		s.next = nil
		a.call()
	}
}
