package nemesis

import (
	"context"

	"github.com/ackproof/ackproof/histories"
)

// World is what faults act upon. What a cluster does not offer is nil, and
// faults that need it are refused before the run begins.
type World struct {
	Links     *Links    // clients to nodes; always there
	Peers     *Peers    // nodes to nodes; nil: they cannot be cut apart
	Processes Processes // nil: the nodes' processes are not ours
	Admin     Admin     // nil: nobody can be asked, or told to move leaders
	// Topics are the run's own: what the cluster is asked of, and what admin
	// faults touch. None: all that the run created.
	Topics []string
	// Netns says that the process and the nodes live in a network namespace of
	// their own, whose packets may be dropped.
	Netns bool

	hit   func() []string // nodes that other events keep from the cluster now; nil: none
	cache *stateCache     // of New; nil: every question is asked
}

// Processes drives the nodes' processes. Every call names the node and returns
// when the process has reached the state, or says why it has not. A second call
// for a state that is reached already is no error.
type Processes interface {
	// Kill ends the process at once, as kill -9 does.
	Kill(ctx context.Context, node string) error
	// Stop ends it gracefully.
	Stop(ctx context.Context, node string) error
	// Restart starts it again with its data, and returns when it answers.
	Restart(ctx context.Context, node string) error
	// Pause stops it in its tracks (SIGSTOP), and Resume lets it go on.
	Pause(ctx context.Context, node string) error
	Resume(ctx context.Context, node string) error
	// PID is the process of the node; 0: it does not run.
	PID(node string) int
	// LoseTail truncates the last bytes of a partition's log on a node that does
	// not run, as a power loss does with what was not synced, and returns how
	// many bytes are gone.
	LoseTail(ctx context.Context, node, topic string, partition int32, bytes int64) (int64, error)
}

// Admin asks and tells the cluster, going round the links.
type Admin interface {
	// State asks for everything that a ClusterState holds of these topics; none:
	// all that the run created.
	State(ctx context.Context, topics ...string) (histories.ClusterState, error)
	// MoveLeader makes the node lead the partition, which it can where it is an
	// in-sync replica.
	MoveLeader(ctx context.Context, topic string, partition int32, to string) error
	// Reassign gives a partition these replicas, the first one preferred, and
	// returns when the cluster has done it.
	Reassign(ctx context.Context, topic string, partition int32, replicas []string) error
	// RollSegments makes the brokers begin new log segments of these topics.
	RollSegments(ctx context.Context, topics ...string) error
}
