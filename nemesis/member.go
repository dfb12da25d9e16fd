package nemesis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// What of a probe in the cluster's own terms.
const (
	whatLeader   = "leader"
	whatISR      = "isr"
	whatReplicas = "replicas"
	whatPID      = "pid"
	whatOut      = "bytes-out"
	whatIn       = "bytes-in"
	whatTail     = "log-tail"
	whatSegments = "segments"
	whatPackets  = "packets"
)

// ofCluster says whether a probe asks what the cluster has made of a fault.
func ofCluster(what string) bool { return what == whatLeader || what == whatISR }

// detection is how long a fault must be held for its cluster to notice: shorter
// ones are proven by what they do to bytes and processes alone.
const detection = 8 * time.Second

// member watches one node in the cluster's own terms: whether it is out of the
// in-sync replicas, whether leaders have moved.
type member struct {
	world *World
	event Event
	node  string

	anyone bool // what happens to any node counts
	asked  bool // the cluster can be asked, and will notice
	before histories.ClusterState
	begun  time.Time // of the fault; zero: no measurement yet
	healed time.Time // of the heal
}

// newMember begins to watch a node.
func newMember(w *World, e Event, node string) member {
	return member{world: w, event: e, node: node}
}

// look keeps the cluster's state before the fault, where it can be compared
// with a later one: a cluster that loses its majority notices nothing.
func (m *member) look(ctx context.Context) {
	away := slices.Clone(m.event.On)
	if m.world.hit != nil {
		away = append(away, m.world.hit()...)
	}
	slices.Sort(away)
	if m.world.Admin == nil || m.event.For < detection || 2*len(slices.Compact(away)) >= len(m.world.Links.links) {
		return
	}
	st, err := m.world.state(ctx)
	if err == nil && len(st.Partitions) > 0 {
		m.asked, m.before = true, st
	}
}

// probe begins a probe of the node.
func (m *member) probe(when, what string) histories.Probe {
	return histories.Probe{Node: m.node, When: when, What: what}
}

// since is the time since the first call with this clock.
func since(begun *time.Time) float64 {
	if begun.IsZero() {
		*begun = time.Now()
	}
	return millis(time.Since(*begun))
}

// noticed asks whether the cluster has noticed that something is wrong with the
// node: it is out of the ISR of a partition, others are out of one that it
// leads, or it no longer leads one that it led. No probe: it cannot be asked.
func (m *member) noticed(ctx context.Context) []histories.Probe {
	took := since(&m.begun)
	if !m.asked {
		return nil
	}
	isr, leader := m.probe(whenDuring, whatISR), m.probe(whenDuring, whatLeader)
	isr.Millis, leader.Millis = took, took
	now, err := m.world.state(ctx)
	if err != nil {
		isr.Error = short(err)
		pause(ctx)
		return []histories.Probe{isr}
	}
	var left, lost int
	for _, p := range now.Partitions {
		was, ok := m.before.Of(p.Topic, p.Partition)
		if !ok {
			continue
		}
		fewer := len(p.ISR) < len(was.ISR)
		if fewer && (m.anyone || p.Leader == m.node || slices.Contains(was.ISR, m.node) && !slices.Contains(p.ISR, m.node)) {
			left++
		}
		if (was.Leader == m.node || m.anyone) && p.Leader != was.Leader && p.Leader != "" && (p.Epoch > was.Epoch || p.Epoch < 0) {
			lost++
		}
	}
	var out []histories.Probe
	if left > 0 {
		isr.Error, isr.Satisfies = fmt.Sprintf("shrank in %d of %d partitions", left, len(now.Partitions)), true
		out = append(out, isr)
	}
	if lost > 0 {
		leader.Error, leader.Satisfies = fmt.Sprintf("changed in %d partitions", lost), true
		out = append(out, leader)
	}
	if len(out) == 0 {
		isr.Error = "the cluster has not noticed"
		out = append(out, isr)
		pause(ctx)
	}
	return out
}

// recovered asks whether the node is in sync again wherever it has a replica.
// No probe: it cannot be asked.
func (m *member) recovered(ctx context.Context) []histories.Probe {
	took := since(&m.healed)
	if m.world.Admin == nil {
		return nil
	}
	p := m.probe(whenAfter, whatISR)
	p.Millis = took
	st, err := m.world.state(ctx)
	if p.Error = short(err); err != nil {
		pause(ctx)
		return []histories.Probe{p}
	}
	var has, in int
	for _, q := range st.Partitions {
		if slices.Contains(q.Replicas, m.node) {
			has++
			if q.Leader != "" && slices.Contains(q.ISR, m.node) {
				in++
			}
		}
	}
	if p.Satisfies = in == has; !p.Satisfies {
		p.Error = fmt.Sprintf("in sync in %d of %d partitions", in, has)
		pause(ctx)
	}
	return []histories.Probe{p}
}

// pause waits before the cluster is asked again.
func pause(ctx context.Context) { wait(ctx, askAgain) }
