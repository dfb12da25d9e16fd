package keep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// Cluster is a kept cluster, lent to this process. It satisfies target.Cluster;
// where the keeper owns the nodes' processes, Driven does more.
type Cluster struct {
	info       Info
	http       *http.Client
	wholeLimit time.Duration
	back       func() error
}

// Driven is a kept cluster whose processes can be driven, and whose leaders can
// be moved.
type Driven struct{ *Cluster }

// Borrow takes a kept cluster for this process, who being named to others that
// ask for it. It is given back by Close, and by the end of this process; the
// keeper then undoes whatever was left broken. wholeLimit is how long Whole
// waits.
func Borrow(ctx context.Context, name string, wholeLimit time.Duration) (target.Cluster, Info, error) {
	info, err := Find(ctx, name)
	if err != nil {
		return nil, info, err
	}
	c := &Cluster{info: info, wholeLimit: wholeLimit}
	if c.http, err = dial(name); err != nil {
		return nil, info, err
	}
	held, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel) // while it is asked for
	resp, err := post(held, c.http, "lend", user{fmt.Sprintf("process %d", os.Getpid()), os.Getpid()})
	if err != nil {
		cancel()
		return nil, info, err
	}
	stop()
	c.back = sync.OnceValue(func() error {
		cancel()
		return resp.Body.Close()
	})
	if info.Driven {
		return &Driven{c}, info, nil
	}
	return c, info, nil
}

// Close gives the cluster back.
func (c *Cluster) Close() error {
	err := c.back()
	c.http.CloseIdleConnections()
	return err
}

// Nodes implements target.Cluster.
func (c *Cluster) Nodes() []target.Node { return c.info.Nodes }

// Contract implements target.Cluster.
func (c *Cluster) Contract() histories.Contract {
	k, _ := ask[histories.Contract](context.Background(), c.http, "contract", none{}) // whoever is gone promises nothing
	return k
}

// CreateTopics implements target.Cluster.
func (c *Cluster) CreateTopics(ctx context.Context, topics []target.Topic) error {
	return c.tell(ctx, "create", topics)
}

// DeleteTopics implements target.Cluster.
func (c *Cluster) DeleteTopics(ctx context.Context, topics []string) error {
	return c.tell(ctx, "delete", topics)
}

// Whole implements target.Cluster.
func (c *Cluster) Whole(ctx context.Context, topics []string) error {
	return c.tell(ctx, "whole", whole{topics, c.wholeLimit})
}

// State asks what the brokers say of the topics and of themselves.
func (c *Cluster) State(ctx context.Context, topics ...string) (histories.ClusterState, error) {
	return ask[histories.ClusterState](ctx, c.http, "state", topics)
}

// Ledger implements target.Cluster: nobody breaks a kept cluster on purpose.
func (c *Cluster) Ledger(io.Writer) error { return nil }

// Metrics implements target.Metered.
func (c *Cluster) Metrics() []metrics.Node { return c.info.Metrics }

// Watch implements target.Watched.
func (c *Cluster) Watch(f func(target.Exit)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	before, err := ask[[]target.Exit](ctx, c.http, "exits", -1)
	var group sync.WaitGroup
	group.Go(func() {
		for n := len(before); err == nil; {
			var more []target.Exit
			if more, err = ask[[]target.Exit](ctx, c.http, "exits", n); err == nil {
				for _, e := range more {
					f(e)
				}
				n += len(more)
			}
		}
		if ctx.Err() == nil {
			f(target.Exit{Node: "the keeper of cluster " + c.info.Name, How: err.Error()})
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

func (c *Cluster) tell(ctx context.Context, call string, a any) error {
	_, err := ask[none](ctx, c.http, call, a)
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

var (
	_ nemesis.Processes = (*Driven)(nil)
	_ nemesis.Admin     = (*Driven)(nil)
	_ nemesis.Segmenter = (*Driven)(nil)
	_ target.Watched    = (*Driven)(nil)
	_ target.Metered    = (*Driven)(nil)
)

// Kill implements nemesis.Processes, as do the next ones.
func (d *Driven) Kill(ctx context.Context, node string) error { return d.drive(ctx, node, kill) }

// Stop ends the process gracefully.
func (d *Driven) Stop(ctx context.Context, node string) error { return d.drive(ctx, node, stop) }

// Restart starts it again.
func (d *Driven) Restart(ctx context.Context, node string) error { return d.drive(ctx, node, restart) }

// Pause stops it in its tracks.
func (d *Driven) Pause(ctx context.Context, node string) error { return d.drive(ctx, node, pause) }

// Resume lets it go on.
func (d *Driven) Resume(ctx context.Context, node string) error { return d.drive(ctx, node, resume) }

func (d *Driven) drive(ctx context.Context, node, what string) error {
	return d.tell(ctx, "drive", drive{node, what})
}

// PID is the process of the node; 0: it does not run.
func (d *Driven) PID(node string) int {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	pid, _ := ask[int](ctx, d.http, "pid", node) // a keeper that is gone has no nodes
	return pid
}

// LoseTail truncates a log.
func (d *Driven) LoseTail(ctx context.Context, node, topic string, partition int32, bytes int64) (int64, error) {
	return ask[int64](ctx, d.http, "losetail", tail{node, topic, partition, bytes})
}

// MoveLeader implements nemesis.Admin, as do the next ones.
func (d *Driven) MoveLeader(ctx context.Context, topic string, partition int32, to string) error {
	return d.tell(ctx, "lead", place{topic, partition, []string{to}})
}

// Reassign gives a partition other replicas.
func (d *Driven) Reassign(ctx context.Context, topic string, partition int32, replicas []string) error {
	return d.tell(ctx, "reassign", place{topic, partition, replicas})
}

// RollSegments begins new log segments.
func (d *Driven) RollSegments(ctx context.Context, topics ...string) error {
	return d.tell(ctx, "roll", topics)
}

// Segments counts the log segments on a node.
func (d *Driven) Segments(ctx context.Context, node string, topics ...string) (int, error) {
	return ask[int](ctx, d.http, "segments", counting{node, topics})
}
