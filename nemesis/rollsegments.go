package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Segmenter is an Admin who can count the segments of logs.
type Segmenter interface {
	// Segments counts the log segments of these topics' partitions on a node.
	Segments(ctx context.Context, node string, topics ...string) (int, error)
}

var rollSegments = Fault{
	Name:   "roll-segments",
	Doc:    "The brokers are made to begin new log segments of the run's topics. It concerns every node that has them.",
	Family: OnCluster, Needs: []Need{NeedAdmin}, Hits: HitsAll, Hold: Hold{2 * time.Second, 4 * time.Second}, Clean: rejoin,
	InContract: true,
	Inject: func(ctx context.Context, w *World, _ Event) (Heal, error) {
		if err := w.Admin.RollSegments(ctx, w.Topics...); err != nil {
			return noHeal, fmt.Errorf("roll segments: %w", err)
		}
		return noHeal, nil // a segment stays begun
	},
	Watch: func(w *World, e Event, node string) Watch {
		return &segmentWatch{member: newMember(w, e, node)}
	},
}

// segmentWatch counts the segments on a node.
type segmentWatch struct {
	member
	had int
	err error
}

// count counts the node's segments.
func (s *segmentWatch) count(ctx context.Context) (int, error) {
	a, ok := s.world.Admin.(Segmenter)
	if !ok {
		return 0, fmt.Errorf("%s: nobody can count its segments on this target", s.node)
	}
	return a.Segments(ctx, s.node, s.world.Topics...)
}

// Before counts the segments.
func (s *segmentWatch) Before(ctx context.Context) histories.Probe {
	p := s.probe(whenBefore, whatSegments)
	s.had, s.err = s.count(ctx)
	p.Error, p.Satisfies = short(s.err), s.err == nil
	return p
}

// During counts them again: there must be more.
func (s *segmentWatch) During(ctx context.Context) ([]histories.Probe, error) {
	if s.err != nil {
		return nil, s.err
	}
	p := s.probe(whenDuring, whatSegments)
	p.Millis = since(&s.begun)
	n, err := s.count(ctx)
	p.Error, p.Satisfies = fmt.Sprintf("%d, %d before", n, s.had), n > s.had
	if err != nil {
		p.Error, p.Satisfies = short(err), false
	}
	if !p.Satisfies {
		pause(ctx)
	}
	return []histories.Probe{p}, nil
}

// After has nothing to take away: the node must be in sync.
func (s *segmentWatch) After(ctx context.Context) ([]histories.Probe, error) {
	return s.recovered(ctx), nil
}

// Close has nothing to close.
func (s *segmentWatch) Close() {}
