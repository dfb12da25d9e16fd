package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// exchange is a request and its response.
type exchange struct {
	node   int
	conn   *conn  // nil in tests of single sinners
	client string // the client's id
	// since is when the last answer to a request of this kind was given on this
	// connection: the client called this one later. Zero: it is the first one.
	since time.Time
	req   kmsg.Request  // as the client sent it; not to be changed
	sent  kmsg.Request  // what the cluster gets instead; nil: req
	resp  kmsg.Response // as the cluster sent it
	// answer is what the client gets instead of resp; nil: resp.
	answer kmsg.Response
	// hold delays the answer until it is released. Where that takes longer than
	// holdLimit, the connection is closed without an answer. nil: none.
	hold *hold
	// await keeps the request from the cluster until it is let go, or awaitLimit is
	// over; nil: it goes at once.
	await *await
	memo  any // what the sinner remembers from the request to the response
	got   []func()
}

// awaitLimit is the longest time that a request is kept back: below the deadline
// of an operation.
const awaitLimit = 400 * time.Millisecond

// await keeps a request back.
type await struct {
	ready chan struct{}
	done  bool // guarded by the broker's lock
}

func newAwait() *await { return &await{ready: make(chan struct{})} }

// letGo sends the request on its way.
func (a *await) letGo() {
	if !a.done {
		a.done = true
		close(a.ready)
	}
}

func (a *await) wait() {
	t := time.NewTimer(awaitLimit)
	defer t.Stop()
	select {
	case <-a.ready:
	case <-t.C:
	}
}

// onGot calls f, with the broker's lock held, once the client is known to have
// got the answer: it sent another request on the connection. A client that went
// away never lets it be called.
func (x *exchange) onGot(f func()) { x.got = append(x.got, f) }

// produce is the part of a produce request that a mutant works on.
type produce struct {
	req   *kmsg.ProduceRequest
	topic *kmsg.ProduceRequestTopic
	part  *kmsg.ProduceRequestTopicPartition
	at    place
	batch batch
}

// produceOf returns the first partition of a produce request, where it can be
// told what its answer will mean: one whole batch, not transactional, acks asked
// for.
func (b *Broker) produceOf(x *exchange) (produce, bool) {
	req, ok := x.req.(*kmsg.ProduceRequest)
	if !ok || req.Acks == 0 || len(req.Topics) == 0 || len(req.Topics[0].Partitions) == 0 {
		return produce{}, false
	}
	t := &req.Topics[0]
	p := produce{req: req, topic: t, part: &t.Partitions[0]}
	p.at = place{b.name(t.Topic, t.TopicID), p.part.Partition}
	p.batch = batch(p.part.Records)
	return p, p.at.topic != "" && p.batch.whole() && p.batch.count() > 0 && !p.batch.transactional()
}

// with returns a request that has more batches after the client's own. kfake
// appends the batches of a request one after the other, and answers a partition
// that stands there twice with the last offset.
func (p *produce) with(partition int32, more batch) *kmsg.ProduceRequest {
	req := *p.req
	req.Topics = append([]kmsg.ProduceRequestTopic(nil), p.req.Topics...)
	t := &req.Topics[0]
	extra := kmsg.NewProduceRequestTopicPartition()
	extra.Partition, extra.Records = partition, more
	t.Partitions = append(append([]kmsg.ProduceRequestTopicPartition(nil), t.Partitions...), extra)
	return &req
}

// instead returns a request with another batch in the place of the client's.
func (p *produce) instead(other batch) *kmsg.ProduceRequest {
	req := *p.req
	req.Topics = append([]kmsg.ProduceRequestTopic(nil), p.req.Topics...)
	t := &req.Topics[0]
	t.Partitions = append([]kmsg.ProduceRequestTopicPartition(nil), t.Partitions...)
	t.Partitions[0].Records = other
	return &req
}

// answered returns the answer for a partition of the request's first topic;
// nil where there is none or it is an error.
func (p *produce) answered(resp kmsg.Response, partition int32) *kmsg.ProduceResponseTopicPartition {
	r, ok := resp.(*kmsg.ProduceResponse)
	if !ok {
		return nil
	}
	for i := range r.Topics {
		if r.Topics[i].Topic != p.topic.Topic || r.Topics[i].TopicID != p.topic.TopicID {
			continue
		}
		for j := range r.Topics[i].Partitions {
			if a := &r.Topics[i].Partitions[j]; a.Partition == partition && a.ErrorCode == 0 && a.BaseOffset >= 0 {
				return a
			}
		}
	}
	return nil
}

// fetched is one partition of a fetch response.
type fetched struct {
	at       place
	position int64 // where the client asked to read; -1: not said in this request
	part     *kmsg.FetchResponseTopicPartition
}

// fetchedOf lists the partitions of a fetch response that have no error.
func (b *Broker) fetchedOf(x *exchange) []fetched {
	resp, ok := x.resp.(*kmsg.FetchResponse)
	if !ok || resp.ErrorCode != 0 {
		return nil
	}
	var out []fetched
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			f := fetched{at: place{b.name(t.Topic, t.TopicID), t.Partitions[j].Partition}, part: &t.Partitions[j]}
			if f.at.topic == "" || f.part.ErrorCode != 0 {
				continue
			}
			f.position = b.positionOf(x.req.(*kmsg.FetchRequest), f.at)
			out = append(out, f)
		}
	}
	return out
}

// positionOf returns where a fetch request reads a partition, -1 where it does
// not say: in a fetch session a client repeats only what changed (KIP-227).
func (b *Broker) positionOf(req *kmsg.FetchRequest, at place) int64 {
	for _, t := range req.Topics {
		if b.name(t.Topic, t.TopicID) != at.topic {
			continue
		}
		for _, p := range t.Partitions {
			if p.Partition == at.partition {
				return p.FetchOffset
			}
		}
	}
	return -1
}
