package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

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
	client, err := kgo.NewClient(
		kgo.SeedBrokers(addrs...),
		kgo.ClientID(mutants.Overseer),
		kgo.DisableClientMetrics(),
		kgo.DialTimeout(min(timeout, 3*time.Second)),
		kgo.RequestTimeoutOverhead(min(timeout, 5*time.Second)),
		kgo.RetryTimeout(timeout),
		// A cached answer would hide a change for 2.5 s.
		kgo.MetadataMinAge(10*time.Millisecond),
		kgo.ConsiderMissingTopicDeletedAfter(time.Second),
	)
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
}

// create creates the topics on a cluster of this many brokers. A topic keeps
// everything, for ever, unless its Config says otherwise: retention would look
// like loss. withISR asks for min.insync.replicas and forbids unclean elections.
func (a *admin) create(ctx context.Context, topics []Topic, brokers int, withISR bool) (created, error) {
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
		minISR := 1
		if withISR {
			if rf >= 3 {
				minISR = 2
			}
			config["min.insync.replicas"] = fmt.Sprint(minISR)
			config["unclean.leader.election.enable"] = "false"
		}
		maps.Copy(config, t.Config)
		values := make(map[string]*string, len(config))
		for k, v := range config {
			values[k] = &v
		}
		r, err := a.calls.CreateTopic(ctx, t.Partitions, int16(rf), values, t.Name)
		if err == nil {
			err = r.Err
		}
		if errors.Is(err, kerr.TopicAlreadyExists) {
			return c, fmt.Errorf("create topic %s: it exists already and is not ours to use; choose another name or delete it", t.Name)
		}
		if err != nil {
			if r.ErrMessage != "" {
				err = fmt.Errorf("%w (%s)", err, r.ErrMessage)
			}
			return c, fmt.Errorf("create topic %s (%d partitions, replication factor %d): %w", t.Name, t.Partitions, rf, err)
		}
		c.rf = min(c.rf, rf)
		if c.minISR == 0 || minISR < c.minISR {
			c.minISR = minISR
		}
	}
	return c, nil
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
