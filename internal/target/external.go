package target

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ackproof/ackproof/histories"
)

// reachLimit bounds the search for the first broker that answers.
const reachLimit = 5 * time.Second

// external is a cluster that somebody else runs.
type external struct {
	admin *admin
	nodes []Node
	close func()

	mu    sync.Mutex
	topic created // what the run's topics were created with
}

// startExternal discovers the brokers behind the addresses of cfg.Arg.
func startExternal(ctx context.Context, cfg Config) (Cluster, error) {
	addrs, err := parseAddrs(cfg.Arg)
	if err != nil {
		return nil, err
	}
	if cfg.Mutant != "" {
		return nil, fmt.Errorf("mutant %s: only the embedded target can be broken; leave out the target or the mutant", cfg.Mutant)
	}
	a, err := newAdmin(addrs, cfg)
	if err != nil {
		return nil, err
	}
	e := &external{admin: a, close: sync.OnceFunc(a.close)}
	limit := min(cfg.timeout(), reachLimit)
	reach, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	meta, err := a.calls.BrokerMetadata(reach)
	if err != nil {
		e.close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("discover the brokers behind %s: %w", cfg.Arg, ctx.Err())
		}
		return nil, fmt.Errorf("no broker answers at %s within %v: start it, or correct the address in --target external:HOST:PORT,… (%w)", cfg.Arg, limit, err)
	}
	brokers := meta.Brokers
	slices.SortFunc(brokers, func(a, b kadm.BrokerDetail) int { return cmp.Compare(a.NodeID, b.NodeID) })
	for i, b := range brokers {
		e.nodes = append(e.nodes, Node{
			Name: nodeName(i), ID: b.NodeID,
			Addr: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))),
		})
	}
	if len(e.nodes) == 0 {
		e.close()
		return nil, fmt.Errorf("the broker at %s lists no brokers: wait until the cluster is up", cfg.Arg)
	}
	e.learnVersions(reach)
	if cfg.Log != nil {
		for _, n := range e.nodes {
			fmt.Fprintf(cfg.Log, "external broker %s: id %d, advertised as %s, %s\n", n.Name, n.ID, n.Addr, cmp.Or(n.Version, "version unknown"))
		}
	}
	rf := min(defaultRF, len(e.nodes))
	e.topic = created{rf: rf, minISR: max(1, rf-1)}
	return e, nil
}

// checkExternal demands addresses.
func checkExternal(arg string) error {
	_, err := parseAddrs(arg)
	return err
}

// parseAddrs reads HOST:PORT,HOST:PORT.
func parseAddrs(arg string) ([]string, error) {
	if arg == "" {
		return nil, fmt.Errorf("target external: want the address of at least one broker, external:HOST:PORT,…")
	}
	addrs := strings.Split(arg, ",")
	for _, addr := range addrs {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || host == "" {
			return nil, fmt.Errorf("target external:%s: address %q: want HOST:PORT", arg, addr)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("target external:%s: address %q: port %q: want 1 to 65535", arg, addr, port)
		}
	}
	return addrs, nil
}

// learnVersions guesses each broker's version. A broker that does not tell is
// none the worse for it.
func (e *external) learnVersions(ctx context.Context) {
	versions, err := e.admin.calls.ApiVersions(ctx)
	if err != nil {
		return
	}
	for i, n := range e.nodes {
		if v, ok := versions[n.ID]; ok && v.Err == nil {
			e.nodes[i].Version = v.VersionGuess()
		}
	}
}

// Nodes implements Cluster.
func (e *external) Nodes() []Node { return slices.Clone(e.nodes) }

// Contract implements Cluster. It says what the topics were created with.
func (e *external) Contract() histories.Contract {
	e.mu.Lock()
	defer e.mu.Unlock()
	unclean := e.topic.unclean
	return histories.Contract{
		MinISR:            e.topic.minISR,
		ReplicationFactor: e.topic.rf,
		UncleanElection:   &unclean,
		Durability:        "replicated",
		Retention:         "none",
		Cleanup:           "delete",
		Timestamps:        "create",
		Reads:             "kafka",
		ProgressMillis:    30_000,
	}
}

// CreateTopics implements Cluster. The brokers place the leaders.
func (e *external) CreateTopics(ctx context.Context, topics []Topic) error {
	c, err := e.admin.create(ctx, topics, len(e.nodes), true, nil)
	if err != nil {
		return err
	}
	if len(topics) > 0 {
		e.mu.Lock()
		e.topic = c
		e.mu.Unlock()
	}
	return e.admin.whole(ctx, namesOf(topics), hasLeader)
}

// DeleteTopics implements Cluster.
func (e *external) DeleteTopics(ctx context.Context, names []string) error {
	return e.admin.delete(ctx, names)
}

// Whole implements Cluster.
func (e *external) Whole(ctx context.Context, topics []string) error {
	return e.admin.whole(ctx, topics, hasFullISR)
}

// State asks what the brokers say of the topics and of themselves.
func (e *external) State(ctx context.Context, topics ...string) (histories.ClusterState, error) {
	return e.admin.state(ctx, e.nodes, topics)
}

// Ledger implements Cluster: nobody broke this cluster on purpose.
func (e *external) Ledger(io.Writer) error { return nil }

// Close implements Cluster. The brokers go on.
func (e *external) Close() error {
	e.close()
	return nil
}
