package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/target/clusterfile"
)

const (
	// moveEvery is the pause between two looks at a change that was asked for.
	moveEvery = 100 * time.Millisecond
	// rollAge is the age at which segments are closed while they are rolled, in
	// milliseconds: some thousand records' time, so that no segment is tiny.
	rollAge = "100"
	// rollLimit is how long a record may take that closes a segment.
	rollLimit = 5 * time.Second
)

// State implements nemesis.Admin. Every node is asked at the same time. The one
// that leads the controllers' quorum knows best; where nobody tells who that is,
// the newest leader epoch is right, and of those with the same the smallest
// in-sync set.
func (m *managed) State(ctx context.Context, topics ...string) (histories.ClusterState, error) {
	topics = m.orOurs(topics)
	var s histories.ClusterState
	var (
		views    []view
		asked    []error
		leader   int32
		ends     kadm.ListedOffsets
		failed   [3]error // quorum, ends, lag
		together sync.WaitGroup
	)
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	together.Go(func() { views, asked = m.views(limited, topics) })
	together.Go(func() { leader, failed[0] = m.quorumLeader(limited) })
	together.Go(func() {
		if len(topics) > 0 {
			ends, failed[1] = m.admin.calls.ListEndOffsets(limited, topics...)
		}
	})
	together.Go(func() { s.Lag, failed[2] = m.admin.lag(limited) })
	together.Wait()

	names := newNamer(m.Nodes())
	best, err := m.best(views, asked, leader)
	if err != nil {
		return s, fmt.Errorf("ask for the cluster's state: %w", err)
	}
	s.Controller = names.name(leader)
	s.Alive = names.names(best.brokers)
	for id, p := range best.partitions {
		ps := histories.PartitionState{
			Topic: id.topic, Partition: id.id, Leader: names.name(p.Leader), Epoch: p.LeaderEpoch,
			ISR: names.names(p.ISR), Replicas: names.names(p.Replicas), End: -1,
		}
		if o, ok := ends.Lookup(id.topic, id.id); ok && o.Err == nil {
			ps.End = o.Offset
		}
		s.Partitions = append(s.Partitions, ps)
	}
	slices.SortFunc(s.Partitions, func(a, b histories.PartitionState) int {
		return cmp.Or(cmp.Compare(slices.Index(topics, a.Topic), slices.Index(topics, b.Topic)), cmp.Compare(a.Partition, b.Partition))
	})
	if err := errors.Join(failed[:]...); err != nil {
		s.Error = err.Error()
	}
	return s, nil
}

// best is the view to believe.
func (m *managed) best(views []view, errs []error, leader int32) (view, error) {
	best := view{partitions: map[partition]kmsg.MetadataResponseTopicPartition{}}
	answered := false
	for i, n := range m.nodes {
		if errs[i] != nil {
			continue
		}
		if int32(n.ID) == leader {
			return views[i], nil
		}
		if answered = true; len(views[i].brokers) > len(best.brokers) {
			best.brokers = views[i].brokers
		}
		for id, p := range views[i].partitions {
			b, ok := best.partitions[id]
			if !ok || p.LeaderEpoch > b.LeaderEpoch || p.LeaderEpoch == b.LeaderEpoch && len(p.ISR) < len(b.ISR) {
				best.partitions[id] = p
			}
		}
	}
	if !answered {
		return best, errors.Join(errs...)
	}
	return best, nil
}

// quorumLeader asks every node who leads the quorum and believes the newest
// epoch. Brokers without that request agree on a controller in Metadata, or it
// stays unknown (-1).
func (m *managed) quorumLeader(ctx context.Context) (int32, error) {
	type answer struct {
		leader, epoch int32
		err           error
	}
	answers := make([]answer, len(m.nodes))
	var together sync.WaitGroup
	for i, n := range m.nodes {
		together.Go(func() {
			a := &answers[i]
			a.leader, a.epoch, a.err = n.ask.quorum(ctx)
			if a.err != nil && unsupported(a.err) {
				v, err := n.ask.metadata(ctx, nil)
				a.leader, a.epoch, a.err = v.controller, -1, err
			}
		})
	}
	together.Wait()
	best, errs := answer{-1, -2, nil}, []error{}
	for _, a := range answers {
		switch {
		case a.err != nil:
			errs = append(errs, a.err)
		case a.epoch > best.epoch:
			best = a
		case a.epoch == best.epoch && a.leader != best.leader && a.epoch < 0:
			best.leader = -1 // each names another one: none of them knows
		}
	}
	if len(errs) == len(answers) {
		return -1, fmt.Errorf("quorum leader: %w", errors.Join(errs...))
	}
	return best.leader, nil
}

// MoveLeader implements nemesis.Admin: the node becomes the preferred replica,
// and the preferred one is elected.
func (m *managed) MoveLeader(ctx context.Context, topic string, part int32, to string) error {
	what := fmt.Sprintf("move the leader of %s/%d to %s", topic, part, to)
	ctx, cancel := context.WithTimeout(ctx, m.admin.timeout)
	defer cancel()
	target, err := m.find(to)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	p, err := m.partition(ctx, topic, part)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	id := int32(target.ID)
	if p.Leader == id {
		return nil
	}
	if !slices.Contains(p.ISR, id) {
		return fmt.Errorf("%s: it is not in sync: %v of %v are", what, p.ISR, p.Replicas)
	}
	order := append([]int32{id}, slices.DeleteFunc(slices.Clone(p.Replicas), func(r int32) bool { return r == id })...)
	if err := m.assign(ctx, topic, part, order); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var set kadm.TopicsSet
	set.Add(topic, part)
	err = m.until(ctx, func() error {
		// An election that is not needed any more is an error of the broker's.
		_, err := m.admin.calls.ElectLeaders(ctx, kadm.ElectPreferredReplica, set)
		if err != nil {
			return err
		}
		now, err := m.partition(ctx, topic, part)
		if err == nil && now.Leader != id {
			err = fmt.Errorf("broker %d leads it", now.Leader)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Reassign implements nemesis.Admin.
func (m *managed) Reassign(ctx context.Context, topic string, part int32, replicas []string) error {
	what := fmt.Sprintf("give %s/%d the replicas %v", topic, part, replicas)
	ctx, cancel := context.WithTimeout(ctx, max(m.admin.timeout, m.admin.wholeLimit))
	defer cancel()
	var ids []int32
	for _, name := range replicas {
		n, err := m.find(name)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		ids = append(ids, int32(n.ID))
	}
	if err := m.assign(ctx, topic, part, ids); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// assign gives a partition its replicas and waits until it has them.
func (m *managed) assign(ctx context.Context, topic string, part int32, ids []int32) error {
	var req kadm.AlterPartitionAssignmentsReq
	req.Assign(topic, part, ids)
	resp, err := m.admin.calls.AlterPartitionAssignments(ctx, req)
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		return err
	}
	return m.until(ctx, func() error {
		p, err := m.partition(ctx, topic, part)
		if err == nil && !slices.Equal(p.Replicas, ids) {
			err = fmt.Errorf("its replicas are %v", p.Replicas)
		}
		return err
	})
}

// until repeats a look until it finds nothing wrong, or the time is up.
func (m *managed) until(ctx context.Context, look func() error) error {
	tick := time.NewTicker(moveEvery)
	defer tick.Stop()
	for {
		err := look()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// partition is what the quorum's leader says of a partition.
func (m *managed) partition(ctx context.Context, topic string, part int32) (p kmsg.MetadataResponseTopicPartition, err error) {
	leader, err := m.quorumLeader(ctx)
	if err != nil {
		return p, err
	}
	views, errs := m.views(ctx, []string{topic})
	v, err := m.best(views, errs, leader)
	if err != nil {
		return p, err
	}
	p, ok := v.partitions[partition{topic, part}]
	if !ok {
		return p, fmt.Errorf("there is no partition %s/%d", topic, part)
	}
	return p, nil
}

// RollSegments implements nemesis.Admin. A segment is closed by the next record
// that is appended once it is too old, so that only partitions that are written
// to are rolled. It returns when every node that runs has begun a segment; it is
// an error where none has.
func (m *managed) RollSegments(ctx context.Context, topics ...string) error {
	topics = m.orOurs(topics)
	before := m.countSegments(topics)
	if err := m.alter(ctx, topics, kadm.AlterConfig{Op: kadm.SetConfig, Name: "segment.ms", Value: kmsg.StringPtr(rollAge)}); err != nil {
		return fmt.Errorf("roll segments of %v: %w", topics, err)
	}
	limited, cancel := context.WithTimeout(ctx, rollLimit)
	defer cancel()
	rolled := 0
	err := m.until(limited, func() error {
		missing := 0
		rolled = 0
		for i, now := range m.countSegments(topics) {
			if now > before[i] {
				rolled++
			} else if m.nodes[i].running() {
				missing++
			}
		}
		if missing > 0 {
			return errors.New("no record closed a segment")
		}
		return nil
	})
	if rolled > 0 {
		err = nil // a node without a partition that is written to has nothing to roll
	}
	restore, rcancel := context.WithTimeout(context.WithoutCancel(ctx), m.admin.timeout)
	defer rcancel()
	err = errors.Join(err, m.alter(restore, topics, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "segment.ms"}))
	if err != nil {
		return fmt.Errorf("roll segments of %v: %w", topics, err)
	}
	return nil
}

// Segments implements nemesis.Segmenter: it counts the files of the logs.
func (m *managed) Segments(_ context.Context, name string, topics ...string) (int, error) {
	n, err := m.find(name)
	if err != nil {
		return 0, fmt.Errorf("count segments: %w", err)
	}
	if m.file.Segments.Value == "" {
		return 0, fmt.Errorf("count segments: the cluster file of %s does not say where logs are", m.file.Name)
	}
	return n.countSegments(m.orOurs(topics)), nil
}

// orOurs is the topics, or all that were created here.
func (m *managed) orOurs(topics []string) []string {
	if len(topics) > 0 {
		return topics
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.topics)
}

func (m *managed) alter(ctx context.Context, topics []string, c kadm.AlterConfig) error {
	resp, err := m.admin.calls.AlterTopicConfigs(ctx, []kadm.AlterConfig{c}, topics...)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range resp {
		if r.Err != nil {
			errs = append(errs, fmt.Errorf("topic %s: %w", r.Name, r.Err))
		}
	}
	return errors.Join(errs...)
}

// countSegments counts the segments of these topics on each node.
func (m *managed) countSegments(topics []string) []int {
	out := make([]int, len(m.nodes))
	for i, n := range m.nodes {
		out[i] = n.countSegments(topics)
	}
	return out
}

// mostMissing is how many partitions in a row a node may be without: replicas
// take turns, so that more of them are the end of the topic.
const mostMissing = 2 * clusterfile.MaxNodes

func (n *node) countSegments(topics []string) int {
	count := 0
	for _, t := range topics {
		missing := 0
		for p := int32(0); missing <= mostMissing; p++ {
			files, err := n.segments(t, p)
			if missing++; err == nil {
				missing = 0
			}
			count += len(files)
		}
	}
	return count
}
