package nemesis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// restartClean is how long a node may take to be in sync again after its
// process was started.
const restartClean = 60 * time.Second

// nodesAtOnce does something to every node at the same time.
func nodesAtOnce(nodes []string, do func(node string) error) error {
	errs := make([]error, len(nodes))
	var group sync.WaitGroup
	for i, n := range nodes {
		group.Go(func() { errs[i] = do(n) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// onProcesses makes the Inject of a fault that ends or pauses the processes of
// its nodes, all at once, and the Heal that brings them back.
func onProcesses(what string, do, undo func(p Processes, ctx context.Context, node string) error) func(context.Context, *World, Event) (Heal, error) {
	return func(ctx context.Context, w *World, e Event) (Heal, error) {
		heal := func(ctx context.Context) error {
			return nodesAtOnce(e.On, func(node string) error {
				if err := undo(w.Processes, ctx, node); err != nil {
					return fmt.Errorf("bring %s back: %w", node, err)
				}
				return nil
			})
		}
		return heal, nodesAtOnce(e.On, func(node string) error {
			if err := do(w.Processes, ctx, node); err != nil {
				return fmt.Errorf("%s %s: %w", what, node, err)
			}
			return nil
		})
	}
}

var kill = Fault{
	Name:   "kill",
	Doc:    "The node's process ends at once, as with kill -9, and is started again with its data on heal.",
	Family: OnCrashes, Needs: []Need{NeedProcesses}, Hits: HitsOne, Hold: clusterHold, Clean: restartClean,
	InContract: true,
	Inject:     onProcesses("kill", Processes.Kill, Processes.Restart),
	Watch:      watchProcess(isGone),
}

var killAll = Fault{
	Name:   "kill-all",
	Doc:    "As kill, drawn on every node at once. A cluster that promises only what is replicated may lose what it had not written to disk.",
	Family: OnCrashes, Needs: []Need{NeedProcesses}, Hits: HitsAll, Hold: Hold{3 * time.Second, 8 * time.Second}, Clean: restartClean,
	Inject: onProcesses("kill", Processes.Kill, Processes.Restart),
	Watch:  watchProcess(isGone),
}

var stop = Fault{
	Name:   "stop",
	Doc:    "The node is stopped gracefully, handing its leaders over, and is started again on heal.",
	Family: OnProcess, Needs: []Need{NeedProcesses}, Hits: HitsOne, Hold: clusterHold, Clean: restartClean,
	InContract: true,
	Inject:     onProcesses("stop", Processes.Stop, Processes.Restart),
	Watch:      watchProcess(isGone),
}

var pauseFault = Fault{
	Name:   "pause",
	Doc:    "The node's process stands still (SIGSTOP) with all its connections open, and goes on on heal: a long pause of the garbage collector, a machine that swaps. A leader comes back as a zombie that does not know it was deposed.",
	Family: OnProcess, Needs: []Need{NeedProcesses}, Hits: HitsOne, Hold: clusterHold, Clean: rejoin,
	InContract: true,
	Inject:     onProcesses("pause", Processes.Pause, Processes.Resume),
	Watch:      watchProcess(isStill),
}

var rollingRestart = Fault{
	Name:   "rolling-restart",
	Doc:    "The nodes are stopped gracefully and started again one after the other, in the order named; the next one begins when the cluster is whole. It lasts as long as that takes.",
	Family: OnProcess, Needs: []Need{NeedProcesses}, Hits: HitsAll, Hold: Hold{20 * time.Second, 30 * time.Second}, Clean: restartClean,
	InContract: true,
	Inject:     roll,
	Watch:      watchProcess(isAnother),
}

// roll restarts the nodes one after the other.
func roll(ctx context.Context, w *World, e Event) (Heal, error) {
	heal := func(ctx context.Context) error {
		return nodesAtOnce(e.On, func(node string) error {
			if w.Processes.PID(node) != 0 {
				return nil
			}
			return w.Processes.Restart(ctx, node)
		})
	}
	for i, node := range e.On {
		if err := ctx.Err(); err != nil {
			return heal, fmt.Errorf("cancelled before %s was restarted", node)
		}
		if err := w.Processes.Stop(ctx, node); err != nil {
			return heal, fmt.Errorf("stop %s: %w", node, err)
		}
		if err := w.Processes.Restart(ctx, node); err != nil {
			return heal, fmt.Errorf("start %s again: %w", node, err)
		}
		if i < len(e.On)-1 {
			if err := w.whole(ctx, restartClean); err != nil {
				return heal, fmt.Errorf("after the restart of %s: %w", node, err)
			}
		}
	}
	return heal, nil
}

// whole waits until every partition has its leader and full ISR, where the
// cluster can be asked.
func (w *World) whole(ctx context.Context, limit time.Duration) error {
	if w.Admin == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		st, err := w.state(ctx)
		why := short(err)
		if err == nil {
			var ok bool
			if ok, why = st.Whole(); ok {
				return nil
			}
		}
		if !wait(ctx, askAgain) {
			return fmt.Errorf("the cluster is not whole: %s", why)
		}
	}
}
