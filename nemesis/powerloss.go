package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/seed"
)

var powerLoss = Fault{
	Name: "power-loss",
	Doc:  "The nodes lose their power: their processes end at once, and the last tail_bytes of the same partition's log, not synced to disk, are gone on each. They start again on heal. With all replicas of the partition hit, acknowledged records are lost.",
	Args: []Arg{
		{Name: "tail_bytes", Unit: "bytes", Doc: "how much of the log's end is lost on each node", Min: 500, Max: 4000, Floor: 1, Ceil: 1 << 30, Step: 100},
		{Name: "partition", Unit: "of the run's partitions, from 0", Doc: "which one loses it; drawn by the event where it is left out", Min: 0, Max: 0, Floor: 0, Ceil: 1 << 20, Step: 1, Optional: true},
	},
	Family: OnCrashes, Needs: []Need{NeedProcesses, NeedAdmin}, Hits: HitsAll, Hold: clusterHold, Clean: restartClean,
	Inject: losePower,
	Watch:  watchPower,
}

// losePower kills the nodes and truncates the log of one partition on each.
func losePower(ctx context.Context, w *World, e Event) (Heal, error) {
	target, err := w.partition(ctx, e)
	if err != nil {
		return func(context.Context) error { return nil }, err
	}
	heal, err := kill.Inject(ctx, w, e)
	if err != nil {
		return heal, err
	}
	return heal, nodesAtOnce(e.On, func(node string) error {
		n, err := w.Processes.LoseTail(ctx, node, target.Topic, target.Partition, int64(e.Args["tail_bytes"]))
		if err != nil {
			return fmt.Errorf("lose the tail of %s/%d on %s: %w", target.Topic, target.Partition, node, err)
		}
		w.cache.note(e.ID, node, n)
		return nil
	})
}

// partition is the one of the run's partitions that an event is about.
func (w *World) partition(ctx context.Context, e Event) (histories.PartitionState, error) {
	st, err := w.state(ctx)
	if err != nil {
		return histories.PartitionState{}, fmt.Errorf("list the run's partitions: %w", err)
	}
	if len(st.Partitions) == 0 {
		return histories.PartitionState{}, errors.New("the run has no partitions")
	}
	k, given := e.Args["partition"]
	if !given {
		k = float64(w.eventDraws(e).IntN(len(st.Partitions)))
	}
	if int(k) >= len(st.Partitions) {
		return histories.PartitionState{}, fmt.Errorf("partition %v: the run has %d", k, len(st.Partitions))
	}
	return st.Partitions[int(k)], nil
}

// eventDraws are an event's own random draws.
func (w *World) eventDraws(e Event) *rand.Rand {
	return seed.Seed(w.Links.cfg.Seed).Derive(e.Fault).Worker("event", e.ID)
}

// powerWatch is a processWatch that also shows what each node has lost.
type powerWatch struct{ *processWatch }

func watchPower(w *World, e Event, node string) Watch {
	return powerWatch{watchProcess(isGone)(w, e, node).(*processWatch)}
}

// During adds the bytes that the node has lost.
func (p powerWatch) During(ctx context.Context) ([]histories.Probe, error) {
	out, err := p.processWatch.During(ctx)
	q := p.probe(whenDuring, whatTail)
	q.Bytes = p.world.cache.noted(p.event.ID, p.node)
	if q.Satisfies = q.Bytes > 0; q.Satisfies {
		q.Error = fmt.Sprintf("%d bytes lost", q.Bytes)
	} else {
		q.Error = "nothing was there to lose"
	}
	return append(out, q), err
}
