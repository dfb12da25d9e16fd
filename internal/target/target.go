// Package target says where the broker comes from: started here, or found.
package target

import (
	"context"
	"io"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/security"
	"github.com/ackproof/ackproof/internal/seed"
)

// Node is a broker as it advertises itself.
type Node struct {
	Name string // n1, n2, … in the order of the broker ids
	ID   int32
	Addr string // advertised host:port, the one to be mapped to a proxy
	// Upstream is where the broker really listens for clients; empty: Addr.
	Upstream string
	// Listen is where the clients' proxy must listen; empty: anywhere.
	Listen string
	// Version is the best guess of the broker's version, from the requests that
	// it understands; empty where it did not tell.
	Version string
}

// Topic is a topic to create.
type Topic struct {
	Name       string
	Partitions int32
	RF         int // 0: the target's default
	Config     map[string]string
}

// Route is the way that one node takes to another. Whoever starts the target
// puts a proxy there before the nodes start.
type Route struct {
	From, To string // node names
	Port     string // what the connection is for: broker, controller, raft, wal, …
	Listen   string // host:port that From is told to dial
	Upstream string // host:port that To listens on
}

// Config is what a target is started with.
type Config struct {
	Arg   string // what follows the colon: external:HOST:PORT,…
	Seed  seed.Seed
	Nodes int // embedded: brokers
	// Security is how the brokers want their clients to prove themselves; nil: not at all.
	Security *security.Config
	Ports    []int         // embedded: where each broker listens; nil: on free ports
	DataDir  string        // where data may be kept; empty: in memory
	Mutant   string        // a broken broker; empty: none
	Timeout  time.Duration // limit of each administrative call; 0: DefaultTimeout
	Log      io.Writer     // the target's own log; nil: none
	// Peers opens the ways between the nodes; it is called before they start, by
	// targets that can route them. nil: nodes reach each other directly.
	Peers func(ctx context.Context, routes []Route) error
	// WholeLimit is how long Whole waits; 0: Timeout.
	WholeLimit time.Duration
	// Value reads the value out of a record's payload, for a broken broker's
	// ledger; negative where there is none. nil: the ledger has no values.
	Value func(payload []byte) int64
	// Progress says what takes long before the start; nil: nobody listens.
	Progress func(line string)

	dial dialFunc // of the administrative client; nil: to the address itself
}

// DefaultTimeout is the limit of an administrative call where Config.Timeout
// does not say. A real cluster elects leaders within 8 s of a fault.
const DefaultTimeout = 15 * time.Second

// timeout is the limit of each administrative call.
func (cfg Config) timeout() time.Duration {
	if cfg.Timeout > 0 {
		return cfg.Timeout
	}
	return DefaultTimeout
}

// Cluster is a running cluster. Its methods talk to the brokers directly, not
// through the links.
type Cluster interface {
	Nodes() []Node
	// Contract says what this cluster promises: replication, reads, durability.
	Contract() histories.Contract
	// CreateTopics creates the topics and waits until every partition has a
	// leader. Partition leaders are spread over the nodes in a way that
	// depends on nothing but the request, where the target allows it.
	CreateTopics(ctx context.Context, topics []Topic) error
	DeleteTopics(ctx context.Context, names []string) error
	// Whole waits until every partition of the topics has a leader and its
	// full in-sync replicas.
	Whole(ctx context.Context, topics []string) error
	// Ledger writes what a broken broker did on purpose, one JSON line a sin;
	// nothing where no broker is broken.
	Ledger(w io.Writer) error
	Close() error
}

// Metered is a cluster whose nodes serve metrics for Prometheus.
type Metered interface {
	// Metrics says where, and which of them are interesting by which names.
	Metrics() []metrics.Node
}

// Exit is a node that ended without being told to.
type Exit struct {
	Node string
	How  string // exit status or signal
	Log  string // the last lines of its log
}

// String is a sentence for the history.
func (e Exit) String() string { return e.Node + " ended by itself: " + e.How }

// Watched is a cluster whose nodes may end by themselves.
type Watched interface {
	// Watch calls f for each node that does, until stop is called. There is one
	// watcher at a time.
	Watch(f func(Exit)) (stop func())
}

// Disposable is a cluster that keeps data on disk.
type Disposable interface {
	// DiscardData makes Close remove the data of the nodes; their logs stay.
	DiscardData()
}

// Target is a row of the catalogue.
type Target struct {
	Name, Doc string
	Start     func(ctx context.Context, cfg Config) (Cluster, error)
	Check     func(arg string) error // is this an argument that Start can take?
}
