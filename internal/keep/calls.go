package keep

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// What calls take.
type (
	user struct {
		Who string
		PID int
	}
	tail struct {
		Node, Topic string
		Partition   int32
		Bytes       int64
	}
	place struct {
		Topic     string
		Partition int32
		To        []string
	}
	counting struct {
		Node   string
		Topics []string
	}
	drive struct{ Node, What string }
	whole struct {
		Topics []string
		Limit  time.Duration
	}
)

// What a node's process can be told.
const (
	kill    = "kill"
	stop    = "stop"
	pause   = "pause"
	resume  = "resume"
	restart = "restart"
)

func decode(r *http.Request, to any) error { return json.NewDecoder(r.Body).Decode(to) }

// routes is the keeper's API.
func (k *keeper) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /lend", k.lend)
	serve(mux, "info", func(context.Context, none) (Info, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		info := k.info
		info.User = k.user
		return info, nil
	})
	serve(mux, "down", func(context.Context, none) (none, error) {
		k.end()
		return none{}, nil
	})
	serve(mux, "status", func(ctx context.Context, _ none) (Status, error) { return k.status(ctx) })
	serve(mux, "exits", k.awaitExits)
	serve(mux, "contract", func(context.Context, none) (histories.Contract, error) { return k.cluster.Contract(), nil })
	serve(mux, "create", func(ctx context.Context, topics []target.Topic) (none, error) {
		return none{}, k.cluster.CreateTopics(ctx, topics)
	})
	serve(mux, "delete", func(ctx context.Context, topics []string) (none, error) {
		return none{}, k.cluster.DeleteTopics(ctx, topics)
	})
	serve(mux, "whole", func(ctx context.Context, w whole) (none, error) {
		ctx, cancel := context.WithTimeout(ctx, w.Limit)
		defer cancel()
		return none{}, k.cluster.Whole(ctx, w.Topics)
	})
	serve(mux, "state", k.state)
	if k.procs != nil {
		serve(mux, "drive", k.drive)
		serve(mux, "pid", func(_ context.Context, node string) (int, error) { return k.procs.PID(node), nil })
		serve(mux, "losetail", func(ctx context.Context, t tail) (int64, error) {
			return k.procs.LoseTail(ctx, t.Node, t.Topic, t.Partition, t.Bytes)
		})
	}
	if k.admin != nil {
		serve(mux, "lead", func(ctx context.Context, p place) (none, error) {
			return none{}, k.admin.MoveLeader(ctx, p.Topic, p.Partition, p.To[0])
		})
		serve(mux, "reassign", func(ctx context.Context, p place) (none, error) {
			return none{}, k.admin.Reassign(ctx, p.Topic, p.Partition, p.To)
		})
		serve(mux, "roll", func(ctx context.Context, topics []string) (none, error) {
			return none{}, k.admin.RollSegments(ctx, topics...)
		})
	}
	if s, ok := k.cluster.(nemesis.Segmenter); ok {
		serve(mux, "segments", func(ctx context.Context, c counting) (int, error) { return s.Segments(ctx, c.Node, c.Topics...) })
	}
	return mux
}

// stater is a cluster that can be asked for its state.
type stater interface {
	State(ctx context.Context, topics ...string) (histories.ClusterState, error)
}

func (k *keeper) state(ctx context.Context, topics []string) (histories.ClusterState, error) {
	s, ok := k.cluster.(stater)
	if !ok {
		return histories.ClusterState{}, fmt.Errorf("the target %s cannot be asked for its state", k.info.Target)
	}
	return s.State(ctx, topics...)
}

func (k *keeper) drive(ctx context.Context, d drive) (none, error) {
	do, ok := map[string]func(context.Context, string) error{
		kill: k.procs.Kill, stop: k.procs.Stop, pause: k.procs.Pause, resume: k.procs.Resume, restart: k.procs.Restart,
	}[d.What]
	if !ok {
		return none{}, fmt.Errorf("%q is nothing that a node can be told", d.What)
	}
	return none{}, do(ctx, d.Node)
}

// awaitExits answers with the exits after the first n, once there are any.
func (k *keeper) awaitExits(ctx context.Context, n int) ([]target.Exit, error) {
	for {
		k.mu.Lock()
		var out []target.Exit
		if n >= 0 && n < len(k.exits) {
			out = k.exits[n:]
		}
		count, more := len(k.exits), k.more
		k.mu.Unlock()
		if n < 0 { // how many there were before anybody watched
			return make([]target.Exit, count), nil
		}
		if len(out) > 0 {
			return out, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Status is what there is to be seen of a cluster.
type Status struct {
	Info
	Procs      []NodeStatus
	Controller string
	Partitions []histories.PartitionState
	Error      string // what could not be asked
}

// NodeStatus is a node as its process shows it.
type NodeStatus struct {
	Name string
	PID  int   // 0: it does not run, or its process is not the keeper's
	RSS  int64 // bytes
}

// lister is a cluster that lists its topics.
type lister interface {
	Topics(ctx context.Context) ([]string, error)
}

// statusLimit bounds what is asked of the brokers for a status.
const statusLimit = 5 * time.Second

func (k *keeper) status(ctx context.Context) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	k.mu.Lock()
	s := Status{Info: k.info}
	s.User = k.user
	k.mu.Unlock()
	for _, n := range k.info.Nodes {
		ns := NodeStatus{Name: n.Name}
		if k.procs != nil {
			if ns.PID = k.procs.PID(n.Name); ns.PID != 0 {
				if u, err := proc.Of(ns.PID); err == nil {
					ns.RSS = u.RSS
				}
			}
		}
		s.Procs = append(s.Procs, ns)
	}
	var topics []string
	var err error
	if l, ok := k.cluster.(lister); ok {
		topics, err = l.Topics(ctx)
	}
	var st histories.ClusterState
	if err == nil {
		st, err = k.state(ctx, topics)
	}
	if s.Controller, s.Partitions, s.Error = st.Controller, st.Partitions, st.Error; err != nil {
		s.Error = err.Error()
	}
	return s, nil
}
