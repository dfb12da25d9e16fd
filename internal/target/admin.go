package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/internal/security"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

const (
	// defaultRF is the replication factor of a topic that does not say, where
	// there are that many brokers.
	defaultRF = 3
	// wholeEvery is the pause between two looks at the metadata: a small
	// cluster that elects leaders has better things to do than to answer.
	wholeEvery = 250 * time.Millisecond
)

// admin makes the administrative calls that every target needs.
type admin struct {
	kafka      *kgo.Client
	calls      *kadm.Client
	timeout    time.Duration // of each call
	wholeLimit time.Duration // of the wait for a whole cluster
}

// newAdmin returns an admin that talks to the brokers directly. It does not
// connect yet.
func newAdmin(addrs []string, cfg Config) (*admin, error) {
	timeout := cfg.timeout()
	opts := []kgo.Opt{
		kgo.SeedBrokers(addrs...),
		kgo.ClientID(mutants.Overseer),
		kgo.DisableClientMetrics(),
		kgo.RequestTimeoutOverhead(min(timeout, 5*time.Second)),
		kgo.RetryTimeout(timeout),
		// A cached answer would hide a change for 2.5 s.
		kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.ConsiderMissingTopicDeletedAfter(time.Second),
	}
	dial := security.Dialer(cfg.dial)
	if dial == nil {
		dial = (&net.Dialer{Timeout: min(timeout, 3*time.Second)}).DialContext
	}
	opts = append(append(opts, kgo.Dialer(cfg.Security.Dial(dial))), cfg.Security.Opts()...)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("administrative client for %s: %w", strings.Join(addrs, ","), err)
	}
	return &admin{kafka: client, calls: kadm.NewClient(client), timeout: timeout, wholeLimit: cmp.Or(cfg.WholeLimit, timeout)}, nil
}

func (a *admin) close() { a.kafka.Close() }

// created is what topics were created with.
type created struct {
	rf     int // the lowest replication factor
	minISR int // the lowest min.insync.replicas
	// unclean says that a topic may have a leader that was not in sync.
	unclean bool
}

// placement says which brokers get the replicas of each of the partitions, the
// leader first; nil: the brokers decide.
type placement func(partitions int32, rf int) [][]int32

// create creates the topics on a cluster of this many brokers. A topic keeps
// everything, for ever, unless its Config says otherwise: retention would look
// like loss. withISR asks for min.insync.replicas and forbids unclean elections.
func (a *admin) create(ctx context.Context, topics []Topic, brokers int, withISR bool, place placement) (created, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	c := created{rf: brokers}
	for _, t := range topics {
		if t.Name == "" || t.Partitions < 1 {
			return c, fmt.Errorf("create topic %q with %d partitions: want a name and at least 1 partition", t.Name, t.Partitions)
		}
		rf := t.RF
		if rf == 0 {
			rf = min(defaultRF, brokers)
		}
		if rf < 0 || rf > brokers {
			return c, fmt.Errorf("create topic %s with replication factor %d: want 1 to %d, the number of brokers", t.Name, rf, brokers)
		}
		config := map[string]string{
			"cleanup.policy":         "delete",
			"retention.ms":           "-1",
			"retention.bytes":        "-1",
			"message.timestamp.type": "CreateTime",
		}
		if withISR {
			config["min.insync.replicas"] = "1"
			if rf >= 3 {
				config["min.insync.replicas"] = "2"
			}
			config["unclean.leader.election.enable"] = "false"
		}
		maps.Copy(config, t.Config)
		if err := a.createOne(ctx, t, rf, config, place); err != nil {
			return c, err
		}
		c.rf = min(c.rf, rf)
		minISR, err := strconv.Atoi(cmp.Or(config["min.insync.replicas"], "1"))
		if err != nil {
			return c, fmt.Errorf("create topic %s: min.insync.replicas is %q; want a number", t.Name, config["min.insync.replicas"])
		}
		if c.minISR == 0 || minISR < c.minISR {
			c.minISR = minISR
		}
		c.unclean = c.unclean || config["unclean.leader.election.enable"] == "true"
	}
	return c, nil
}

// createOne sends the request for one topic.
func (a *admin) createOne(ctx context.Context, t Topic, rf int, config map[string]string, place placement) error {
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = t.Name, t.Partitions, int16(rf)
	if place != nil {
		rt.NumPartitions, rt.ReplicationFactor = -1, -1
		for p, replicas := range place(t.Partitions, rf) {
			ra := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
			ra.Partition, ra.Replicas = int32(p), replicas
			rt.ReplicaAssignment = append(rt.ReplicaAssignment, ra)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config)) {
		rc := kmsg.NewCreateTopicsRequestTopicConfig()
		rc.Name, rc.Value = name, kmsg.StringPtr(config[name])
		rt.Configs = append(rt.Configs, rc)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = int32(a.timeout.Milliseconds())
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, a.kafka)
	if err == nil && len(resp.Topics) != 1 {
		err = fmt.Errorf("the answer names %d topics", len(resp.Topics))
	}
	why := ""
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
		if msg := resp.Topics[0].ErrorMessage; msg != nil {
			why = " (" + *msg + ")"
		}
	}
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: it exists already and is not ours to use; choose another name or delete it", t.Name)
	}
	if err != nil {
		return fmt.Errorf("create topic %s (%d partitions, replication factor %d): %w%s", t.Name, t.Partitions, rf, err, why)
	}
	return nil
}

// topics lists every topic, the brokers' own included.
func (a *admin) topics(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	listed, err := a.calls.ListTopicsWithInternal(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return listed.Names(), nil
}

// delete deletes the topics. One that is gone already is no error.
func (a *admin) delete(ctx context.Context, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	rs, err := a.calls.DeleteTopics(ctx, topics...)
	if err != nil {
		return fmt.Errorf("delete topics %s: %w", strings.Join(topics, ", "), err)
	}
	var errs []error
	for _, r := range rs.Sorted() {
		if r.Err != nil && !errors.Is(r.Err, kerr.UnknownTopicOrPartition) {
			errs = append(errs, fmt.Errorf("delete topic %s: %w", r.Topic, r.Err))
		}
	}
	return errors.Join(errs...)
}

// whole waits until every partition of the topics satisfies the condition. The
// error names the first one that does not, and why.
func (a *admin) whole(ctx context.Context, topics []string, condition func(kadm.PartitionDetail) error) error {
	if len(topics) == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, a.wholeLimit)
	defer cancel()
	tick := time.NewTicker(wholeEvery)
	defer tick.Stop()
	var lacks error
	for {
		m, err := a.calls.Metadata(limited, topics...)
		if err == nil {
			if err = lacking(m, topics, condition); err == nil {
				return nil
			}
		}
		if limited.Err() == nil || lacks == nil {
			lacks = err // an error that the deadline made says nothing new
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("wait until %s are whole: %w (%v)", strings.Join(topics, ", "), err, lacks)
			}
			return fmt.Errorf("topics are not whole after %v: %w", a.wholeLimit, lacks)
		}
	}
}

// lacking returns what the first partition lacks.
func lacking(m kadm.Metadata, topics []string, condition func(kadm.PartitionDetail) error) error {
	for _, name := range topics {
		t, ok := m.Topics[name]
		if !ok {
			return fmt.Errorf("topic %s: %w", name, kerr.UnknownTopicOrPartition)
		}
		if t.Err != nil {
			return fmt.Errorf("topic %s: %w", name, t.Err)
		}
		if len(t.Partitions) == 0 {
			return fmt.Errorf("topic %s: no partitions", name)
		}
		for _, p := range t.Partitions.Sorted() {
			if err := condition(p); err != nil {
				return fmt.Errorf("partition %s/%d: %w", name, p.Partition, err)
			}
		}
	}
	return nil
}

// namesOf returns the names of the topics.
func namesOf(topics []Topic) []string {
	out := make([]string, len(topics))
	for i, t := range topics {
		out[i] = t.Name
	}
	return slices.Clip(out)
}
