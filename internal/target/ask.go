package target

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/internal/target/mutants"
)

// askLimit bounds one question to one node. A healthy one answers in
// milliseconds; one that is paused never does.
const askLimit = 2 * time.Second

// asker asks one node, and nobody else: nodes that are cut off go on telling
// what they last heard, so that it matters who says a thing.
type asker struct{ client *kgo.Client }

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

func newAsker(addr string) (*asker, error) {
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(addr),
		kgo.ClientID(mutants.Overseer),
		kgo.DisableClientMetrics(),
		kgo.DialTimeout(askLimit),
		kgo.RequestTimeoutOverhead(askLimit),
		kgo.RetryTimeout(askLimit),
		kgo.RequestRetries(0),
	)
	if err != nil {
		return nil, fmt.Errorf("client for %s: %w", addr, err)
	}
	return &asker{cl}, nil
}

func (a *asker) close() { a.client.Close() }

// request sends one request over a connection to this node.
func (a *asker) request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	return a.client.SeedBrokers()[0].Request(ctx, req)
}

// partition names a partition.
type partition struct {
	topic string
	id    int32
}

func (p partition) String() string { return fmt.Sprintf("%s/%d", p.topic, p.id) }

// view is what one node says of the cluster.
type view struct {
	controller int32
	brokers    []int32
	partitions map[partition]kmsg.MetadataResponseTopicPartition
}

// metadata asks for the view of these topics; none: of the brokers alone.
func (a *asker) metadata(ctx context.Context, topics []string) (view, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil would ask for all of them
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := a.request(ctx, req)
	if err != nil {
		return view{}, err
	}
	meta := resp.(*kmsg.MetadataResponse)
	v := view{controller: meta.ControllerID, partitions: map[partition]kmsg.MetadataResponseTopicPartition{}}
	for _, b := range meta.Brokers {
		v.brokers = append(v.brokers, b.NodeID)
	}
	slices.Sort(v.brokers)
	for _, t := range meta.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return v, fmt.Errorf("topic %s: %w", *t.Topic, err)
		}
		for _, p := range t.Partitions {
			v.partitions[partition{*t.Topic, p.Partition}] = p
		}
	}
	return v, nil
}

// topics lists every topic that the node knows, the brokers' own included.
func (a *asker) topics(ctx context.Context) ([]string, error) {
	resp, err := a.request(ctx, kmsg.NewPtrMetadataRequest()) // no list: all of them
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var out []string
	for _, t := range resp.(*kmsg.MetadataResponse).Topics {
		if t.Topic != nil {
			out = append(out, *t.Topic)
		}
	}
	slices.Sort(out)
	return out, nil
}

// quorum asks who leads the controllers' quorum, since which epoch (KIP-595).
func (a *asker) quorum(ctx context.Context) (leader, epoch int32, err error) {
	resp, err := a.request(ctx, quorumRequest())
	if err != nil {
		return -1, -1, err
	}
	return quorumAnswer(resp.(*kmsg.DescribeQuorumResponse))
}

func quorumRequest() *kmsg.DescribeQuorumRequest {
	req := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic = "__cluster_metadata"
	t.Partitions = append(t.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, t)
	return req
}

func quorumAnswer(resp *kmsg.DescribeQuorumResponse) (leader, epoch int32, err error) {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return -1, -1, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return -1, -1, kerr.UnknownTopicOrPartition
	}
	p := resp.Topics[0].Partitions[0]
	return p.LeaderID, p.LeaderEpoch, kerr.ErrorForCode(p.ErrorCode)
}
