package nemesis

import (
	"context"
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// adminWatch watches what an admin fault has changed, in the cluster's terms.
type adminWatch struct {
	member
	shows func(a *adminWatch, now histories.ClusterState) histories.Probe // during
	back  func(a *adminWatch, now histories.ClusterState) histories.Probe // after
}

// Before keeps the cluster's state.
func (a *adminWatch) Before(ctx context.Context) histories.Probe {
	p := a.probe(whenBefore, whatLeader)
	st, err := a.world.ask(ctx)
	a.before, a.asked = st, err == nil
	p.Error, p.Satisfies = short(err), err == nil
	return p
}

// During asks the cluster once.
func (a *adminWatch) During(ctx context.Context) ([]histories.Probe, error) {
	if !a.asked {
		return nil, fmt.Errorf("%s: the cluster could not be asked before", a.node)
	}
	return a.measure(ctx, whenDuring, since(&a.begun), a.shows)
}

// After asks the cluster once.
func (a *adminWatch) After(ctx context.Context) ([]histories.Probe, error) {
	if !a.asked {
		return nil, fmt.Errorf("%s: the cluster could not be asked before", a.node)
	}
	return a.measure(ctx, whenAfter, since(&a.healed), a.back)
}

// measure judges what the cluster says now.
func (a *adminWatch) measure(ctx context.Context, when string, took float64, judge func(*adminWatch, histories.ClusterState) histories.Probe) ([]histories.Probe, error) {
	st, err := a.world.state(ctx)
	if err != nil {
		p := a.probe(when, whatLeader)
		p.Error = short(err)
		pause(ctx)
		return []histories.Probe{p}, nil
	}
	p := judge(a, st)
	if p.Millis = took; !p.Satisfies {
		pause(ctx)
	}
	return []histories.Probe{p}, nil
}

// Close has nothing to close.
func (a *adminWatch) Close() {}
