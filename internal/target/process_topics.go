package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/metrics"
)

// Nodes implements Cluster.
func (m *managed) Nodes() []Node {
	out := make([]Node, len(m.nodes))
	for i, n := range m.nodes {
		out[i] = Node{
			Name: n.Name, ID: int32(n.ID), Addr: n.Advertised, Upstream: n.Upstream, Listen: n.Listen, Version: m.version,
		}
	}
	return out
}

// Contract implements Cluster. It says what the topics were created with, and
// what the cluster file promises.
func (m *managed) Contract() histories.Contract {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.topic
	if len(m.topics) == 0 {
		c.rf = min(defaultRF, len(m.nodes))
		c.minISR = min(2, c.rf)
	}
	return histories.Contract{
		MinISR:            c.minISR,
		ReplicationFactor: c.rf,
		UncleanElection:   &c.unclean,
		Durability:        m.file.Promise.Durability,
		Retention:         "none",
		Cleanup:           "delete",
		Timestamps:        "create",
		Reads:             m.file.Promise.Reads,
		ProgressMillis:    15_000,
	}
}

// CreateTopics implements Cluster. Leaders take turns in the order in which
// partitions are requested, from the first node on, over all calls; followers
// are the nodes after the leader.
func (m *managed) CreateTopics(ctx context.Context, topics []Topic) error {
	m.mu.Lock()
	placed := m.placed
	m.mu.Unlock()
	place := func(partitions int32, rf int) [][]int32 {
		out := make([][]int32, partitions)
		for p := range out {
			for r := range rf {
				out[p] = append(out[p], int32(m.nodes[(placed+r)%len(m.nodes)].ID))
			}
			placed++
		}
		return out
	}
	c, err := m.admin.create(ctx, topics, len(m.nodes), true, place)
	if err != nil {
		return err
	}
	if len(topics) > 0 {
		m.mu.Lock()
		m.topic, m.placed, m.topics = c, placed, append(m.topics, namesOf(topics)...)
		m.mu.Unlock()
	}
	return m.admin.whole(ctx, namesOf(topics), hasLeader)
}

// DeleteTopics implements Cluster.
func (m *managed) DeleteTopics(ctx context.Context, names []string) error {
	m.mu.Lock()
	m.topics = slices.DeleteFunc(m.topics, func(t string) bool { return slices.Contains(names, t) })
	m.mu.Unlock()
	return m.admin.delete(ctx, names)
}

// Topics lists every topic, the brokers' own included, as the first node that
// answers knows them.
func (m *managed) Topics(ctx context.Context) ([]string, error) {
	type answer struct {
		topics []string
		err    error
	}
	answers := make(chan answer, len(m.nodes))
	for _, n := range m.nodes {
		go func() {
			topics, err := n.ask.topics(ctx)
			answers <- answer{topics, err}
		}()
	}
	var errs []error
	for range m.nodes {
		a := <-answers
		if a.err == nil {
			return a.topics, nil
		}
		errs = append(errs, a.err)
	}
	return nil, errors.Join(errs...)
}

// Whole implements Cluster. Every node must run, know every other, and say of
// every partition that its leader is the same and its replicas are all in sync:
// a node that was cut off goes on saying what was true before.
func (m *managed) Whole(ctx context.Context, topics []string) error {
	limited, cancel := context.WithTimeout(ctx, m.admin.wholeLimit)
	defer cancel()
	tick := time.NewTicker(wholeEvery)
	defer tick.Stop()
	var lacks error
	for {
		err := m.lacking(limited, topics)
		if err == nil {
			return nil
		}
		if limited.Err() == nil || lacks == nil {
			lacks = err
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("wait until the cluster is whole: %w (%v)", err, lacks)
			}
			return fmt.Errorf("the cluster is not whole after %v: %w", m.admin.wholeLimit, lacks)
		}
	}
}

// lacking asks every node and says what the first one lacks.
func (m *managed) lacking(ctx context.Context, topics []string) error {
	views, errs := m.views(ctx, topics)
	for i, n := range m.nodes {
		if !n.running() {
			return fmt.Errorf("%s does not run", n.Name)
		}
		if errs[i] != nil {
			return fmt.Errorf("%s does not answer: %w", n.Name, errs[i])
		}
		if len(views[i].brokers) < len(m.nodes) {
			return fmt.Errorf("%s lists only the brokers %v", n.Name, views[i].brokers)
		}
	}
	names := newNamer(m.Nodes())
	for id, first := range views[0].partitions {
		for i, v := range views {
			p, ok := v.partitions[id]
			switch {
			case !ok:
				return fmt.Errorf("partition %v: %s does not know it", id, m.nodes[i].Name)
			case p.Leader < 0:
				return fmt.Errorf("partition %v: no leader, says %s", id, m.nodes[i].Name)
			case p.Leader != first.Leader || p.LeaderEpoch != first.LeaderEpoch:
				return fmt.Errorf("partition %v: %s and %s do not agree on its leader", id, m.nodes[0].Name, m.nodes[i].Name)
			case len(p.ISR) < len(p.Replicas):
				return fmt.Errorf("partition %v: in-sync replicas %v of %v, says %s", id, names.names(p.ISR), names.names(p.Replicas), m.nodes[i].Name)
			}
		}
	}
	return nil
}

// views asks every node at the same time.
func (m *managed) views(ctx context.Context, topics []string) ([]view, []error) {
	views, errs := make([]view, len(m.nodes)), make([]error, len(m.nodes))
	var g errgroup.Group
	for i, n := range m.nodes {
		g.Go(func() error {
			views[i], errs[i] = n.ask.metadata(ctx, topics)
			return nil
		})
	}
	_ = g.Wait()
	return views, errs
}

// Metrics implements Metered.
func (m *managed) Metrics() []metrics.Node {
	var out []metrics.Node
	for _, n := range m.nodes {
		if n.MetricsURL != "" {
			out = append(out, metrics.Node{Name: n.Name, URL: n.MetricsURL, Maps: m.file.Metrics.Mappings()})
		}
	}
	return out
}

// warm makes the broker's own topics exist before the first run: a coordinator
// that is created under faults would be part of what is measured.
func (m *managed) warm(ctx context.Context) error {
	if len(m.file.Warm) == 0 {
		return nil
	}
	var topics []string
	for _, w := range m.file.Warm {
		req, topic := kmsg.NewPtrFindCoordinatorRequest(), "__consumer_offsets"
		if w == "transactions" {
			req.CoordinatorType, topic = 1, "__transaction_state"
		}
		req.CoordinatorKey = ourGroups + "warm"
		req.CoordinatorKeys = []string{req.CoordinatorKey}
		if err := m.coordinator(ctx, req); err != nil {
			return fmt.Errorf("warm up %s: %w", w, err)
		}
		topics = append(topics, topic)
	}
	return m.Whole(ctx, topics)
}

// coordinator asks until there is one: the first question creates its topic.
func (m *managed) coordinator(ctx context.Context, req *kmsg.FindCoordinatorRequest) error {
	ctx, cancel := context.WithTimeout(ctx, m.admin.timeout)
	defer cancel()
	for {
		resp, err := m.nodes[0].ask.request(ctx, req)
		if err == nil {
			r := resp.(*kmsg.FindCoordinatorResponse)
			code := r.ErrorCode
			for _, c := range r.Coordinators {
				code = c.ErrorCode
			}
			if err = kerr.ErrorForCode(code); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(readyEvery):
		}
	}
}
