package mutants

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/internal/seed"
)

// Options are how a mutant is run. The zero value of a field is its default.
type Options struct {
	Seed seed.Seed
	// Value reads the value out of a record's payload; nil: values are unknown.
	Value func(payload []byte) int64
	// After is how long the broker behaves from the first produce on; 0: 2 s.
	After time.Duration
	// Pause is the least time between two sins, drawn up to twice that; 0: 300 ms.
	Pause time.Duration
	// Requests is the least number of requests for each sin, drawn up to twice
	// that; 0: 100, so that at most 1 % of the requests are concerned.
	Requests int
}

const (
	defaultAfter    = 2 * time.Second
	defaultPause    = 300 * time.Millisecond
	defaultRequests = 100
	// busyFor is how long after a produce its partition counts as busy: what
	// is done to it is going to be observed. It keeps the final reads honest.
	busyFor = 200 * time.Millisecond
)

// Broker is the cluster's broken side, for all of its nodes.
type Broker struct {
	mutant Mutant
	opts   Options

	mu       sync.Mutex
	sinner   sinner
	rnd      *rand.Rand
	requests int       // produce, fetch, list-offsets, commit and fetch-committed requests so far
	nextReq  int       // no sin before this many requests
	nextTime time.Time // nor before this time; zero: nothing was produced yet
	topics   map[[16]byte]string
	state    map[place]*partition
	txns     txns
	nodes    int
	members  map[string]string // by client id: the group that it is a member of
	operated map[string]bool   // groups whose members commit by operations
	// forgetful is until when no other record is forgotten: see forget.
	forgetful time.Time
	sins      []*Sin
}

// place is a topic partition.
type place struct {
	topic     string
	partition int32
}

// partition is what the broker remembers of a topic partition.
type partition struct {
	node     int       // where it was last produced to
	produced time.Time // when
	acked    climb     // the end of what was acknowledged and has arrived
	next     *appended // who waits for the next record; nil: nobody
}

// New returns a broken broker; the zero Mutant is an honest one.
func New(m Mutant, opts Options) *Broker {
	if opts.After == 0 {
		opts.After = defaultAfter
	}
	if opts.Pause == 0 {
		opts.Pause = defaultPause
	}
	if opts.Requests == 0 {
		opts.Requests = defaultRequests
	}
	b := &Broker{
		mutant: m, opts: opts, sinner: honest{},
		rnd:    opts.Seed.Stream("mutant"),
		topics: map[[16]byte]string{}, members: map[string]string{}, operated: map[string]bool{},
		state: map[place]*partition{},
		txns:  newTxns(),
	}
	if m.sinner != nil {
		b.sinner = m.sinner(b)
	}
	return b
}

// Wrap returns a listener of one more node whose clients meet the broken broker.
func (b *Broker) Wrap(ln net.Listener) net.Listener {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes++
	return &listener{Listener: ln, broker: b, node: b.nodes - 1}
}

// at returns the state of a partition.
func (b *Broker) at(p place) *partition {
	s := b.state[p]
	if s == nil {
		s = &partition{}
		b.state[p] = s
	}
	return s
}

// busy tells whether the partition is being produced to.
func (b *Broker) busy(p place) bool {
	s := b.state[p]
	return s != nil && time.Since(s.produced) < busyFor
}

// due tells whether the broker may sin at this place now.
func (b *Broker) due(p place) bool { return b.ready() && b.busy(p) }

// ready tells whether the broker may sin now, wherever that is sure to be seen.
func (b *Broker) ready() bool {
	return !b.nextTime.IsZero() && b.requests >= b.nextReq && !time.Now().Before(b.nextTime)
}

// spend draws when the next sin may be, after one that concerns n requests.
func (b *Broker) spend(n int) {
	b.nextReq = b.requests + n*b.opts.Requests + b.rnd.IntN(b.opts.Requests+1)
	b.nextTime = time.Now().Add(b.opts.Pause + time.Duration(b.rnd.Int64N(int64(b.opts.Pause)+1)))
}

// name returns a topic's name: requests of newer versions say only its id (KIP-516).
func (b *Broker) name(topic string, id [16]byte) string {
	if topic != "" {
		return topic
	}
	return b.topics[id]
}

// request counts a request and lets the sinner see it.
func (b *Broker) request(x *exchange) {
	switch x.req.(type) {
	case *kmsg.MetadataRequest:
	case *kmsg.ProduceRequest, *kmsg.FetchRequest, *kmsg.ListOffsetsRequest, *kmsg.OffsetCommitRequest, *kmsg.OffsetFetchRequest:
		b.requests++
		b.joins(x)
		b.sinner.request(x)
	case *kmsg.JoinGroupRequest, *kmsg.SyncGroupRequest, *kmsg.ConsumerGroupHeartbeatRequest:
		b.joins(x)
		b.sinner.request(x)
	default:
		b.sinner.request(x)
	}
}

// response notes what an answer says and lets the sinner see it.
func (b *Broker) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.MetadataResponse:
		for _, t := range resp.Topics {
			if t.Topic != nil && t.TopicID != ([16]byte{}) {
				b.topics[t.TopicID] = *t.Topic
			}
		}
		if o, ok := b.sinner.(overseen); ok && o.metadata(resp) {
			x.answer = resp
		}
		return
	case *kmsg.ProduceResponse:
		b.produced(x, resp)
	}
	b.sinner.response(x)
	b.followTxn(x)
}

// produced notes where records were appended and what is acknowledged.
func (b *Broker) produced(x *exchange, resp *kmsg.ProduceResponse) {
	req := x.req.(*kmsg.ProduceRequest)
	now := time.Now()
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			at := place{b.name(t.Topic, t.TopicID), p.Partition}
			if p.ErrorCode != 0 || at.topic == "" {
				continue
			}
			if b.nextTime.IsZero() {
				b.nextTime = now.Add(b.opts.After)
			}
			s := b.at(at)
			s.node, s.produced = x.node, now
			s.append(p.BaseOffset)
			end := p.BaseOffset + int64(sentCount(req, t, p.Partition))
			x.onGot(func() { s.acked.reach(end) })
		}
	}
}

// sentCount returns the number of records a request has for a partition.
func sentCount(req *kmsg.ProduceRequest, t kmsg.ProduceResponseTopic, partition int32) int32 {
	for i := range req.Topics {
		if req.Topics[i].Topic != t.Topic || req.Topics[i].TopicID != t.TopicID {
			continue
		}
		for _, p := range req.Topics[i].Partitions {
			if b := batch(p.Records); p.Partition == partition && b.whole() {
				return b.count()
			}
		}
	}
	return 0
}
