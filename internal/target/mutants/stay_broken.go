package mutants

import "github.com/twmb/franz-go/pkg/kmsg"

var stayBroken = Mutant{
	Name: "stay-broken",
	Doc: "Once a client was cut off, one partition never gets all its in-sync replicas back: " +
		"a follower whose fetcher died with an error.",
	Headline: "no-recovery",
	Offset:   "none, and no topic: the cluster is what is not whole",
	sinner:   func(b *Broker) sinner { return &invalid{b: b} },
}

// overseen is implemented by sinners that care for what clients, the harness
// among them, are told of the cluster.
type overseen interface {
	metadata(resp *kmsg.MetadataResponse) (changed bool)
}

type invalid struct {
	honest
	b       *Broker
	cut     bool  // a connection ended after the broker began to sin
	partial place // the partition whose replicas are not in sync; zero: none yet
}

func (s *invalid) accepted(int) {}

func (s *invalid) lost(*conn) {
	s.cut = s.cut || !s.b.nextTime.IsZero() && s.b.requests >= s.b.nextReq
}

func (s *invalid) metadata(resp *kmsg.MetadataResponse) (changed bool) {
	if !s.cut {
		return false
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if t.Topic == nil || len(p.ISR) < 2 || s.partial != (place{}) && s.partial != (place{*t.Topic, p.Partition}) {
				continue
			}
			if s.partial == (place{}) {
				s.partial = place{*t.Topic, p.Partition}
				s.b.sin(place{}, -1, -1, true, "one of the %d replicas of %s/%d is never in sync again", len(p.Replicas), *t.Topic, p.Partition)
			}
			p.ISR, changed = without(p.ISR, p.Leader), true
		}
	}
	return changed
}

// without returns the replicas without one that is not the leader.
func without(isr []int32, leader int32) []int32 {
	for i, r := range isr {
		if r != leader {
			return append(append([]int32(nil), isr[:i]...), isr[i+1:]...)
		}
	}
	return isr
}
