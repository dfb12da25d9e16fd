package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// autoCommitEvery is how often a consumer commits by itself: often enough for
// runs of seconds, where Kafka's default is 5 s.
const autoCommitEvery = 500 * time.Millisecond

// member is a member of a consumer group: franz-go's consumer as a user runs
// it. It holds rebalances back while a poll's records are being taken, so that
// what it commits is what it owned when it got it.
type member struct {
	cfg   Config
	group histories.Group
	cl    *kgo.Client
	line  *line
	keys  map[place]int64

	mu        sync.Mutex
	positions map[int64]committable // by log: what a commit would store
	events    []histories.Rebalance // not told yet
	found     []foundOffset         // committed offsets that consuming begins at, not told yet
}

// committable is a position with the leader epoch of the record before it.
type committable struct {
	offset int64
	epoch  int32
}

// foundOffset is a committed offset as the coordinator told it to the member.
type foundOffset struct{ key, offset, id int64 }

func newMember(cfg Config, g histories.Group, keys []int64) (*member, error) {
	m := &member{cfg: cfg, group: g, line: &line{dial: cfg.Dial}, keys: map[place]int64{}, positions: map[int64]committable{}}
	var topics []string
	for _, log := range cfg.Logs {
		m.keys[place{log.Topic, log.Partition}] = log.Key
		if slices.Contains(keys, log.Key) && !slices.Contains(topics, log.Topic) {
			topics = append(topics, log.Topic)
		}
	}
	own := cfg
	own.Dial = m.line.open
	opts := append(baseOpts(own, nil),
		kgo.ClientID(fmt.Sprintf("ackproof-member-%d", cfg.Process)),
		kgo.SeedBrokers(cfg.Seeds...),
		kgo.ConsumerGroup(g.Name),
		kgo.ConsumeTopics(topics...),
		kgo.FetchMaxPartitionBytes(fetchLogBytes),
		kgo.FetchMaxBytes(fetchMaxBytes),
		kgo.FetchMaxWait(min(max(cfg.PollWait, 10*time.Millisecond), cfg.OpTimeout)),
		kgo.SessionTimeout(cfg.SessionTimeout),
		kgo.RebalanceTimeout(cfg.SessionTimeout),
		kgo.HeartbeatInterval(max(cfg.SessionTimeout/20, 50*time.Millisecond)),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(m.rebalanced(histories.Assigned)),
		kgo.OnPartitionsRevoked(m.rebalanced(histories.Revoked)),
		kgo.OnPartitionsLost(m.rebalanced(histories.Lost)),
		kgo.OnOffsetsFetched(m.fetched),
	)
	if cfg.Contract.Isolation == "read_committed" {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	reset := kgo.NewOffset().AtStart()
	if g.Reset == histories.ResetLatest {
		reset = kgo.NewOffset().AtEnd()
	}
	opts = append(opts, kgo.ConsumeResetOffset(reset))
	if g.Commits == histories.CommitsAuto {
		opts = append(opts, kgo.AutoCommitInterval(autoCommitEvery))
	} else {
		opts = append(opts, kgo.DisableAutoCommit())
	}
	if g.Protocol == histories.ProtocolConsumer {
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	} else {
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	var err error
	if m.cl, err = kgo.NewClient(opts...); err != nil {
		return nil, fmt.Errorf("create a member of %s: %w", g.Name, err)
	}
	return m, nil
}

// rebalanced notes what happens to the member's share. franz-go calls it while
// no poll's records are held.
func (m *member) rebalanced(what string) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(ctx context.Context, cl *kgo.Client, share map[string][]int32) {
		if what == histories.Revoked && m.group.Commits == histories.CommitsAuto && !m.line.isCut() {
			// What franz-go does by itself where nobody looks on.
			ctx, cancel := context.WithTimeout(ctx, m.cfg.OpTimeout)
			_ = cl.CommitUncommittedOffsets(ctx)
			cancel()
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		_, generation := cl.GroupMetadata()
		e := histories.Rebalance{What: what, Generation: int64(generation)}
		for topic, partitions := range share {
			for _, p := range partitions {
				key, ok := m.keys[place{topic, p}]
				if !ok {
					continue
				}
				e.Keys = append(e.Keys, key)
				delete(m.positions, key)
			}
		}
		if len(e.Keys) > 0 {
			slices.Sort(e.Keys)
			m.events = append(m.events, e)
		}
	}
}

// fetched notes from where the member begins to consume.
func (m *member) fetched(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	note := func(topic string, partition int32, offset int64, metadata *string, code int16) {
		if key, ok := m.keys[place{topic, partition}]; ok && code == 0 {
			m.found = append(m.found, foundOffset{key, max(offset, -1), commitID(metadata, m.cfg.Run)})
		}
	}
	for _, t := range resp.Topics {
		if len(resp.Groups) > 0 {
			break // the same again, for users of the older words
		}
		for _, p := range t.Partitions {
			note(t.Topic, p.Partition, p.Offset, p.Metadata, p.ErrorCode)
		}
	}
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				note(t.Topic, p.Partition, p.Offset, p.Metadata, p.ErrorCode)
			}
		}
	}
	return nil
}

// tell moves what happened to the member's share into the operation that
// completes. A nil member has nothing to tell.
func (m *member) tell(op *histories.Op) {
	if m == nil {
		return
	}
	op.Group = m.group.Name
	m.mu.Lock()
	defer m.mu.Unlock()
	op.Rebalances = append(op.Rebalances[:0], m.events...)
	m.events = nil
	if op.F != histories.Poll {
		return // only a poll has room for positions
	}
	op.Offsets, op.IDs = op.Offsets[:0], op.IDs[:0]
	for _, f := range m.found {
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: f.key, Offset: f.offset})
		op.IDs = append(op.IDs, f.id)
	}
	m.found = nil
}

// poll takes what the consumer has, or waits for it.
func (m *member) poll(ctx context.Context, op *histories.Op) {
	resetPoll(op)
	wait, cancel := context.WithTimeout(ctx, m.cfg.PollWait)
	defer cancel()
	fetches := m.cl.PollRecords(wait, kgoPollRecords)
	defer m.cl.AllowRebalance() // after the positions are known
	var errs keyErrors
	var other error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		key, ok := m.keys[place{p.Topic, p.Partition}]
		switch {
		case p.Err != nil && !ok: // injected by franz-go, for the poll itself
			if !errors.Is(p.Err, wait.Err()) {
				other = p.Err
			}
		case p.Err != nil:
			errs.add(key, p.Err)
		}
		if ok {
			m.take(op, key, p.Records)
		}
	})
	op.Mops[0].To = int32(len(op.Runs))
	if len(op.Runs) == 0 && (other != nil || len(errs) > 0) {
		complete(op, read, "%v", errors.Join(other, errsOrNil(errs)))
		return
	}
	op.Mops[0].Polled = true
	finishRead(op, true, errs)
}

// take reports the records of one log and moves its position.
func (m *member) take(op *histories.Op, key int64, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	from := int32(len(op.Recs))
	for _, r := range records {
		p, why, detail := DecodePayload(r.Value, m.cfg.Run, key)
		op.Recs = append(op.Recs, histories.Rec{Offset: r.Offset, Value: p.Value})
		if why != "" {
			op.Bad = append(op.Bad, histories.BadRec{Key: key, Offset: r.Offset, Why: why, Detail: detail})
		}
	}
	op.Runs = append(op.Runs, histories.Run{Key: key, From: from, To: int32(len(op.Recs))})
	last := records[len(records)-1]
	m.mu.Lock()
	m.positions[key] = committable{last.Offset + 1, last.LeaderEpoch}
	m.mu.Unlock()
}

// toCommit returns the positions to commit, by rising log, and as whom.
func (m *member) toCommit() (at []histories.KeyOffset, epochs []int32, id string, generation int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, generation = m.cl.GroupMetadata()
	for key, p := range m.positions {
		at = append(at, histories.KeyOffset{Key: key, Offset: p.offset})
	}
	slices.SortFunc(at, func(a, b histories.KeyOffset) int { return int(a.Key - b.Key) })
	for _, a := range at {
		epochs = append(epochs, m.positions[a.Key].epoch)
	}
	return at, epochs, id, generation
}

// leave leaves the group and ends the client.
func (m *member) leave(ctx context.Context) error {
	err := m.cl.LeaveGroupContext(ctx)
	go m.cl.Close()
	return err
}

// crash ends the member without a word to the coordinator.
func (m *member) crash() {
	if m != nil {
		m.line.cut()
		go m.cl.Close()
	}
}

// close lets the member leave in the background.
func (m *member) close() {
	if m != nil {
		go m.cl.Close()
	}
}

// line is the connections of one client, which can be cut like a power cord.
type line struct {
	dial func(ctx context.Context, network, host string) (net.Conn, error)

	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

var errCut = errors.New("the client has crashed")

func (l *line) open(ctx context.Context, network, host string) (net.Conn, error) {
	c, err := l.dial(ctx, network, host)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, errors.Join(errCut, c.Close())
	}
	l.conns = append(l.conns, c)
	return c, nil
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for _, c := range l.conns {
		c.Close()
	}
}

func (l *line) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}
