package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ackproof/ackproof/histories"
)

// namer turns broker ids into node names.
type namer map[int32]string

func newNamer(nodes []Node) namer {
	n := namer{}
	for _, node := range nodes {
		n[node.ID] = node.Name
	}
	return n
}

// name is the node's name; empty for no broker (-1), the id of one that the run
// does not know.
func (n namer) name(id int32) string {
	if name, ok := n[id]; ok || id < 0 {
		return name
	}
	return fmt.Sprintf("broker %d", id)
}

func (n namer) names(ids []int32) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = n.name(id)
	}
	return out
}

// state asks for what the brokers say of themselves. What could not be asked is
// named in the state's Error; an error is returned where nothing was answered.
func (a *admin) state(ctx context.Context, nodes []Node, topics []string) (histories.ClusterState, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	names := newNamer(nodes)
	var s histories.ClusterState
	meta, err := a.calls.Metadata(ctx, topics...)
	if err != nil {
		return s, fmt.Errorf("ask for the cluster's state: %w", err)
	}
	for _, b := range meta.Brokers {
		s.Alive = append(s.Alive, names.name(b.NodeID))
	}
	slices.Sort(s.Alive)
	var failed []error
	ends, err := a.calls.ListEndOffsets(ctx, topics...)
	if err != nil {
		failed = append(failed, fmt.Errorf("end offsets: %w", err))
	}
	for _, topic := range topics {
		t, ok := meta.Topics[topic]
		if !ok {
			failed = append(failed, fmt.Errorf("topic %s: %w", topic, kerr.UnknownTopicOrPartition))
			continue
		}
		if t.Err != nil {
			failed = append(failed, fmt.Errorf("topic %s: %w", topic, t.Err))
		}
		for _, p := range t.Partitions.Sorted() {
			s.Partitions = append(s.Partitions, partitionState(p, names, ends))
		}
	}
	if s.Controller, err = a.controller(ctx, names, meta); err != nil {
		failed = append(failed, err)
	}
	if s.Lag, err = a.lag(ctx); err != nil {
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		s.Error = err.Error()
	}
	return s, nil
}

func partitionState(p kadm.PartitionDetail, names namer, ends kadm.ListedOffsets) histories.PartitionState {
	s := histories.PartitionState{
		Topic: p.Topic, Partition: p.Partition, Leader: names.name(p.Leader), Epoch: p.LeaderEpoch,
		ISR: names.names(p.ISR), Replicas: names.names(p.Replicas), End: -1,
	}
	if o, ok := ends.Lookup(p.Topic, p.Partition); ok && o.Err == nil {
		s.End = o.Offset
	}
	return s
}

// controller is the leader of the controllers' quorum. The controller that
// Metadata names is, in KRaft, any broker at all; only DescribeQuorum knows
// (KIP-595). Where a broker does not know that request, Metadata is all there is.
func (a *admin) controller(ctx context.Context, names namer, meta kadm.Metadata) (string, error) {
	resp, err := quorumRequest().RequestWith(ctx, a.kafka)
	if err == nil {
		var leader int32
		if leader, _, err = quorumAnswer(resp); err == nil {
			return names.name(leader), nil
		}
	}
	if unsupported(err) {
		return names.name(meta.Controller), nil
	}
	return "", fmt.Errorf("quorum leader: %w", err)
}

// ourGroups begins the name of every consumer group that a run makes. On
// somebody else's cluster the other groups are none of our business.
const ourGroups = "ackproof-"

// lag sums up how far each of our groups is behind. Brokers that cannot tell
// have none.
func (a *admin) lag(ctx context.Context) ([]histories.GroupLag, error) {
	listed, err := a.calls.ListGroups(ctx)
	if err != nil && !unsupported(err) {
		return nil, fmt.Errorf("list consumer groups: %w", err)
	}
	ours := slices.DeleteFunc(listed.Groups(), func(g string) bool { return !strings.HasPrefix(g, ourGroups) })
	if len(ours) == 0 {
		return nil, nil
	}
	lags, err := a.calls.Lag(ctx, ours...)
	if err != nil {
		return nil, fmt.Errorf("consumer lag: %w", err)
	}
	var out []histories.GroupLag
	for _, l := range lags.Sorted() {
		if l.Error() == nil {
			out = append(out, histories.GroupLag{Group: l.Group, Records: l.Lag.Total()})
		}
	}
	return out, nil
}

// unsupported tells whether a broker does not know a request at all. The client
// has no exported error for what it learned from ApiVersions.
func unsupported(err error) bool {
	if errors.Is(err, kerr.UnsupportedVersion) || errors.Is(err, kerr.InvalidRequest) {
		return true
	}
	return strings.Contains(err.Error(), "request key is unknown") || strings.Contains(err.Error(), "broker is too old")
}
