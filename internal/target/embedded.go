package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/target/mutants"
)

// DefaultNodes is the number of brokers of the embedded cluster where
// Config.Nodes does not say.
const DefaultNodes = 3

// embedded is a kfake cluster in this process.
type embedded struct {
	fake   *kfake.Cluster
	admin  *admin
	nodes  []Node
	broken *mutants.Broker // nil: none
	close  func()

	mu     sync.Mutex
	placed int // partitions placed so far; the next leader in turn follows from it
}

// startEmbedded starts the cluster on free ports of the loopback interface.
func startEmbedded(ctx context.Context, cfg Config) (Cluster, error) {
	if err := checkEmbedded(cfg.Arg); err != nil {
		return nil, err
	}
	n := cfg.Nodes
	if len(cfg.Ports) > 0 {
		n = len(cfg.Ports)
	}
	if n == 0 {
		n = DefaultNodes
	}
	if n < 1 {
		return nil, fmt.Errorf("embedded cluster of %d brokers: want at least 1", n)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start the embedded cluster: %w", err)
	}
	e := &embedded{}
	var closing atomic.Bool
	opts := []kfake.Opt{
		kfake.NumBrokers(n),
		kfake.ClusterID("ackproof"),
		// A group member of the new protocol learns its partitions with a
		// heartbeat; the default of 5 s would be most of a short run.
		// So would be the waits for a member that has crashed.
		kfake.BrokerConfigs(map[string]string{
			"group.consumer.heartbeat.interval.ms": "200",
			"group.consumer.session.timeout.ms":    "2000",
			"group.min.session.timeout.ms":         "1000",
			// How often logs are compacted and retention is applied; the default
			// is an hour.
			"log.cleaner.backoff.ms": "500",
		}),
	}
	if cfg.Log != nil {
		opts = append(opts, kfake.WithLogger(&quietLog{kfake.BasicLogger(cfg.Log, kfake.LogLevelWarn), &closing}))
	}
	if len(cfg.Ports) > 0 {
		opts = append(opts, kfake.Ports(cfg.Ports...))
	}
	if cfg.DataDir != "" {
		opts = append(opts, kfake.DataDir(cfg.DataDir))
	}
	if cfg.Mutant != "" {
		m, err := mutants.ByName(cfg.Mutant)
		if err != nil {
			return nil, err
		}
		e.broken = mutants.New(m, mutants.Options{Seed: cfg.Seed, Value: cfg.Value})
		opts = append(opts, kfake.ListenFn(func(network, address string) (net.Listener, error) {
			ln, err := net.Listen(network, address)
			if err != nil {
				return nil, err
			}
			return e.broken.Wrap(ln), nil
		}))
	}
	var err error
	if e.fake, err = kfake.NewCluster(opts...); err != nil {
		return nil, fmt.Errorf("start the embedded cluster of %d brokers: %w", n, err)
	}
	new(fences).keep(e.fake)
	keepStamps(e.fake)
	addrs := e.fake.ListenAddrs()
	for i, addr := range addrs {
		e.nodes = append(e.nodes, Node{Name: nodeName(i), ID: int32(i), Addr: addr})
	}
	if e.admin, err = newAdmin(addrs, cfg); err != nil {
		e.fake.Close()
		return nil, fmt.Errorf("start the embedded cluster: %w", err)
	}
	e.close = sync.OnceFunc(func() {
		closing.Store(true)
		e.admin.close()
		e.fake.Close()
	})
	return e, nil
}

// checkEmbedded refuses any argument.
func checkEmbedded(arg string) error {
	if arg != "" {
		return fmt.Errorf("target embedded:%s: embedded takes no argument", arg)
	}
	return nil
}

// Nodes implements Cluster.
func (e *embedded) Nodes() []Node { return append([]Node(nil), e.nodes...) }

// Contract implements Cluster. kfake answers every request from one log, one
// at a time: a fetch shows what was appended before it, whoever asks. Topics
// say that they are replicated, and a record is never lost, because no broker
// dies; durability is stated as Kafka states it.
func (e *embedded) Contract() histories.Contract {
	unclean := false
	return histories.Contract{
		ReplicationFactor: min(defaultRF, len(e.nodes)),
		UncleanElection:   &unclean,
		Durability:        "replicated",
		Retention:         "none",
		Cleanup:           "delete",
		Timestamps:        "create",
		Reads:             "strict",
		ProgressMillis:    5000,
	}
}

// CreateTopics implements Cluster. Leaders take turns in the order in which
// partitions are requested, from the first node on, over all calls.
func (e *embedded) CreateTopics(ctx context.Context, topics []Topic) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.admin.create(ctx, topics, len(e.nodes), false, nil); err != nil {
		return err
	}
	for _, t := range topics {
		for p := range t.Partitions {
			if err := e.fake.MoveTopicPartition(t.Name, p, e.nodes[e.placed%len(e.nodes)].ID); err != nil {
				return fmt.Errorf("place the leader of %s/%d: %w", t.Name, p, err)
			}
			e.placed++
		}
	}
	return e.admin.whole(ctx, namesOf(topics), hasLeader)
}

// DeleteTopics implements Cluster.
func (e *embedded) DeleteTopics(ctx context.Context, names []string) error {
	return e.admin.delete(ctx, names)
}

// Whole implements Cluster.
func (e *embedded) Whole(ctx context.Context, topics []string) error {
	return e.admin.whole(ctx, topics, hasFullISR)
}

// State asks what the brokers say of the topics and of themselves.
func (e *embedded) State(ctx context.Context, topics ...string) (histories.ClusterState, error) {
	return e.admin.state(ctx, e.nodes, topics)
}

// Topics lists every topic.
func (e *embedded) Topics(ctx context.Context) ([]string, error) { return e.admin.topics(ctx) }

// Ledger implements Cluster.
func (e *embedded) Ledger(w io.Writer) error {
	if e.broken == nil {
		return nil
	}
	return e.broken.WriteLedger(w)
}

// Close implements Cluster. It may be called more than once.
func (e *embedded) Close() error {
	e.close()
	return nil
}

// nodeName names the i-th node, in the order of the broker ids, from 0.
func nodeName(i int) string { return fmt.Sprintf("n%d", i+1) }

// quietLog drops what a cluster says while it is being closed.
type quietLog struct {
	kfake.Logger
	closing *atomic.Bool
}

// Logf implements kfake.Logger.
func (l *quietLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if !l.closing.Load() {
		l.Logger.Logf(level, format, args...)
	}
}

// hasLeader is the condition after topics are created.
func hasLeader(p kadm.PartitionDetail) error {
	switch {
	case p.Err != nil:
		return p.Err
	case p.Leader < 0:
		return errors.New("no leader")
	}
	return nil
}

// hasFullISR is the condition of a whole cluster.
func hasFullISR(p kadm.PartitionDetail) error {
	if err := hasLeader(p); err != nil {
		return err
	}
	if len(p.ISR) < len(p.Replicas) {
		return fmt.Errorf("in-sync replicas %v of %v", p.ISR, p.Replicas)
	}
	return nil
}
