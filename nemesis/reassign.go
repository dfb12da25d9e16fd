package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

var reassign = Fault{
	Name: "reassign",
	Doc:  "Up to `partitions` of the run's partitions, drawn by the event, are taken off the node: another node without a replica gets it, or where there is none the partition has one replica fewer. On heal the replicas are what they were, and the node copies the data anew.",
	Args: []Arg{
		{Name: "partitions", Unit: "partitions", Doc: "how many partitions are reassigned", Min: 1, Max: 2, Floor: 1, Ceil: 1000, Step: 1},
	},
	Family: OnCluster, Needs: []Need{NeedAdmin}, Hits: HitsOne, Hold: Hold{5 * time.Second, 8 * time.Second}, Clean: restartClean,
	InContract: true,
	Inject:     takeOff,
	Watch: func(w *World, e Event, node string) Watch {
		return &adminWatch{member: newMember(w, e, node), shows: replicatedElsewhere, back: replicatedAgain}
	},
}

// takeOff takes replicas off the nodes.
func takeOff(ctx context.Context, w *World, e Event) (Heal, error) {
	st, err := w.ask(ctx)
	if err != nil {
		return noHeal, fmt.Errorf("list the replicas: %w", err)
	}
	var moved []histories.PartitionState
	heal := func(ctx context.Context) error {
		var errs []error
		for _, p := range moved {
			if err := w.Admin.Reassign(ctx, p.Topic, p.Partition, p.Replicas); err != nil {
				errs = append(errs, fmt.Errorf("give %s/%d its replicas %v back: %w", p.Topic, p.Partition, p.Replicas, err))
			}
		}
		return errors.Join(errs...)
	}
	hit := slices.DeleteFunc(slices.Clone(st.Partitions), func(p histories.PartitionState) bool {
		return !share(p.Replicas, e.On) || len(others(p.Replicas, e.On)) == 0
	})
	if len(hit) == 0 {
		return heal, errors.New("no partition has a replica there and another one elsewhere")
	}
	r := w.eventDraws(e)
	r.Shuffle(len(hit), func(i, j int) { hit[i], hit[j] = hit[j], hit[i] })
	for _, p := range hit[:min(len(hit), int(e.Args["partitions"]))] {
		to := others(p.Replicas, e.On)
		for _, n := range others(w.Links.names(), append(slices.Clone(p.Replicas), e.On...)) {
			if len(to) < len(p.Replicas) {
				to = append(to, n)
			}
		}
		moved = append(moved, p)
		if err := w.Admin.Reassign(ctx, p.Topic, p.Partition, to); err != nil {
			return heal, fmt.Errorf("give %s/%d the replicas %v: %w", p.Topic, p.Partition, to, err)
		}
	}
	return heal, nil
}

// replicas counts the partitions whose replica on the node is gone or back.
func (a *adminWatch) replicas(now histories.ClusterState) (had, has int) {
	for _, was := range a.before.Partitions {
		if !slices.Contains(was.Replicas, a.node) {
			continue
		}
		had++
		if q, ok := now.Of(was.Topic, was.Partition); ok && slices.Contains(q.Replicas, a.node) {
			has++
		}
	}
	return had, has
}

// replicatedElsewhere: the node has fewer replicas than before.
func replicatedElsewhere(a *adminWatch, now histories.ClusterState) histories.Probe {
	p := a.probe(whenDuring, whatReplicas)
	had, has := a.replicas(now)
	p.Error, p.Satisfies = fmt.Sprintf("%d of %d partitions", has, had), has < had
	return p
}

// replicatedAgain: the node has its replicas again, in sync.
func replicatedAgain(a *adminWatch, now histories.ClusterState) histories.Probe {
	p := a.probe(whenAfter, whatReplicas)
	had, has := a.replicas(now)
	if has < had {
		p.Error = fmt.Sprintf("%d of %d partitions", has, had)
		return p
	}
	ok, why := now.Whole()
	p.What, p.Satisfies, p.Error = whatISR, ok, why
	return p
}
