package nemesis

import (
	"context"

	"github.com/ackproof/ackproof/histories"
)

// processWatch watches the process of a node.
type processWatch struct {
	member
	shows func(p *processWatch, ctx context.Context) histories.Probe
	link  *link // the clients' way to the node
	pid   int   // before the fault; 0: nobody tells
	gone  bool  // the fault ends the process
}

// watchProcess makes the Watch of a fault on processes; shows measures whether
// it acts.
func watchProcess(shows func(p *processWatch, ctx context.Context) histories.Probe) func(w *World, e Event, node string) Watch {
	return func(w *World, e Event, node string) Watch {
		k, err := w.Links.link(node)
		if err != nil { // the runner has looked it up already
			panic("nemesis: " + err.Error())
		}
		return &processWatch{member: newMember(w, e, node), shows: shows, link: k}
	}
}

// Before notes the process and the cluster's state.
func (p *processWatch) Before(ctx context.Context) histories.Probe {
	p.look(ctx)
	p.pid = p.world.Processes.PID(p.node)
	q := p.probe(whenBefore, whatPID)
	if q.Satisfies = p.pid != 0; !q.Satisfies {
		q.Error = "it does not run, or nobody tells its pid"
	}
	return q
}

// During looks at the process, and at what the cluster makes of it.
func (p *processWatch) During(ctx context.Context) ([]histories.Probe, error) {
	took := since(&p.begun)
	q := p.shows(p, ctx)
	if q.Millis == 0 {
		q.Millis = took
	}
	if !q.Satisfies {
		return []histories.Probe{q}, nil
	}
	return append([]histories.Probe{q}, p.noticed(ctx)...), nil
}

// isGone: the process has ended, or, where nobody tells pids, nothing answers.
func isGone(p *processWatch, ctx context.Context) histories.Probe {
	if p.pid == 0 {
		return p.silent(ctx)
	}
	q := p.probe(whenDuring, whatPID)
	if q.Satisfies = p.world.Processes.PID(p.node) == 0; q.Satisfies {
		q.Error, p.gone = "gone", true
	} else {
		q.Error = "it still runs"
	}
	return q
}

// isStill: the process is there and does not answer.
func isStill(p *processWatch, ctx context.Context) histories.Probe {
	if p.pid != 0 && p.world.Processes.PID(p.node) != p.pid {
		q := p.probe(whenDuring, whatPID)
		q.Error = "it is gone, not paused"
		return q
	}
	return p.silent(ctx)
}

// isAnother: another process has taken the place of the first.
func isAnother(p *processWatch, ctx context.Context) histories.Probe {
	q := p.probe(whenDuring, whatPID)
	now := p.world.Processes.PID(p.node)
	switch {
	case p.pid == 0:
		q.Error = "nobody told its pid"
	case now == p.pid:
		q.Error = "it is the same process"
	default:
		q.Error, q.Satisfies, p.gone = "restarted", true, true
	}
	return q
}

// silent asks the node through the clients' link and must hear nothing.
func (p *processWatch) silent(ctx context.Context) histories.Probe {
	q := p.probe(whenDuring, whatRoundTrip)
	d, n, err := p.link.roundTrip(ctx, silence)
	q.Millis, q.Bytes, q.Error = millis(d), int64(n), short(err)
	// A question that the end of the measurement cuts short proves nothing.
	if q.Satisfies = err != nil && (q.Error != "no answer" || d >= silence); err == nil {
		q.Error = "it answers"
	}
	return q
}

// After looks for the process, an answer through the clients' link, and the
// node's return into the ISR.
func (p *processWatch) After(ctx context.Context) ([]histories.Probe, error) {
	took := since(&p.healed)
	var out []histories.Probe
	if p.pid != 0 {
		q := p.probe(whenAfter, whatPID)
		q.Millis = took
		switch now := p.world.Processes.PID(p.node); {
		case now == 0:
			q.Error = "it does not run"
		case p.gone && now == p.pid:
			q.Error = "it is the process that was ended"
		case !p.gone && now != p.pid:
			q.Error = "it is another process"
		default:
			q.Satisfies = true
		}
		out = append(out, q)
	}
	r := p.probe(whenAfter, whatRoundTrip)
	d, n, err := p.link.roundTrip(ctx, patience)
	r.Millis, r.Bytes, r.Error, r.Satisfies = millis(d), int64(n), short(err), err == nil
	if out = append(out, r); !satisfied(out) {
		pause(ctx)
		return out, nil
	}
	return append(out, p.recovered(ctx)...), nil
}

// Close has nothing to close.
func (p *processWatch) Close() {}
