package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

var moveLeaders = Fault{
	Name:   "move-leaders",
	Doc:    "Every partition of the run that the node leads is given to another in-sync replica, and given back on heal.",
	Family: OnCluster, Needs: []Need{NeedAdmin}, Hits: HitsOne, Hold: Hold{3 * time.Second, 6 * time.Second}, Clean: rejoin,
	InContract: true,
	Inject:     handOver,
	Watch: func(w *World, e Event, node string) Watch {
		return &adminWatch{member: newMember(w, e, node), shows: leadsElsewhere, back: leadsAgain}
	},
}

// handOver moves the leaders away from the nodes.
func handOver(ctx context.Context, w *World, e Event) (Heal, error) {
	st, err := w.ask(ctx)
	if err != nil {
		return noHeal, fmt.Errorf("list the leaders: %w", err)
	}
	var moved []histories.PartitionState
	heal := func(ctx context.Context) error {
		var errs []error
		for _, p := range moved {
			errs = append(errs, w.lead(ctx, p, p.Leader))
		}
		return errors.Join(errs...)
	}
	for _, p := range st.Partitions {
		if !slices.Contains(e.On, p.Leader) {
			continue
		}
		heirs := others(p.ISR, e.On)
		if len(heirs) == 0 {
			continue
		}
		moved = append(moved, p)
		if err := w.lead(ctx, p, heirs[int(p.Partition)%len(heirs)]); err != nil {
			return heal, err
		}
	}
	if len(moved) == 0 {
		return heal, errors.New("there is no leader to move, or nobody in sync to move it to")
	}
	return heal, nil
}

// noHeal takes nothing away.
func noHeal(context.Context) error { return nil }

// lead makes a node lead a partition. It may have moved by itself meanwhile.
func (w *World) lead(ctx context.Context, p histories.PartitionState, to string) error {
	err := w.Admin.MoveLeader(ctx, p.Topic, p.Partition, to)
	if err == nil {
		return nil
	}
	if st, e := w.ask(ctx); e == nil {
		if now, ok := st.Of(p.Topic, p.Partition); ok && now.Leader == to {
			return nil
		}
	}
	return fmt.Errorf("make %s lead %s/%d: %w", to, p.Topic, p.Partition, err)
}

// leadsElsewhere: partitions that the node led have another leader, in a newer epoch.
func leadsElsewhere(a *adminWatch, now histories.ClusterState) histories.Probe {
	p := a.probe(whenDuring, whatLeader)
	n := 0
	for _, was := range a.before.Partitions {
		q, ok := now.Of(was.Topic, was.Partition)
		if ok && was.Leader == a.node && q.Leader != "" && q.Leader != a.node && (q.Epoch > was.Epoch || q.Epoch < 0) {
			n++
		}
	}
	if p.Satisfies = n > 0; p.Satisfies {
		p.Error = fmt.Sprintf("changed in %d partitions", n)
	} else {
		p.Error = "no leader has changed"
	}
	return p
}

// leadsAgain: the node leads what it led before.
func leadsAgain(a *adminWatch, now histories.ClusterState) histories.Probe {
	p := a.probe(whenAfter, whatLeader)
	led, leads := 0, 0
	for _, was := range a.before.Partitions {
		if was.Leader == a.node {
			led++
			if q, ok := now.Of(was.Topic, was.Partition); ok && q.Leader == a.node {
				leads++
			}
		}
	}
	if p.Satisfies = leads == led; !p.Satisfies {
		p.Error = fmt.Sprintf("leads %d of %d partitions again", leads, led)
	}
	return p
}
