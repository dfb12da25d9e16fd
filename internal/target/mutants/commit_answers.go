package mutants

import "time"

var replayOrder = Mutant{
	Name: "replay-order",
	Doc: "Tells an older commit of a group after a newer one had been told: a coordinator that replays its log in another order " +
		"than the one in which the commits were applied (Redpanda 31483: a committed offset is another one after a leader change).",
	Headline:  "committed-offset-regression",
	Followers: []string{"committed-offset-lost"},
	Offset:    "that is told",
	Workload:  groupWorkload,
	sinner:    func(b *Broker) sinner { return &replayer{b: b, seen: map[owned]*[]tellings{}} },
}

type replayer struct {
	honest
	b    *Broker
	seen map[owned]*[]tellings
}

// tellings is a commit that was told, and since when it is known to be.
type tellings struct {
	stored
	since time.Time
}

// tellingsKept bounds the commits remembered for a partition.
const tellingsKept = 32

func (s *replayer) response(x *exchange) {
	for _, t := range s.b.toldOf(x) {
		if !s.b.byOperation(t.owned, t.stored) {
			continue
		}
		seen := s.seen[t.owned]
		if seen == nil {
			seen = &[]tellings{}
			s.seen[t.owned] = seen
		}
		if old, ok := s.older(x, *seen); ok && s.b.asked(x) && s.b.due(t.place) {
			s.b.spend(1)
			s.b.toldFalsely(x, t.owned, old.offset, "told offset %d (%s); what is committed is %d (%s)", old.offset, old.metadata, t.offset, t.metadata)
			t.set(old)
			continue
		}
		now := t.stored
		x.onGot(func() {
			if n := len(*seen); n > 0 && (*seen)[n-1].stored == now {
				return
			}
			if len(*seen) == tellingsKept {
				*seen = append((*seen)[:0], (*seen)[1:]...)
			}
			*seen = append(*seen, tellings{now, time.Now()})
		})
	}
}

// older finds the commit before the newest that was told before this question
// was asked, where its offset is lower.
func (s *replayer) older(x *exchange, seen []tellings) (stored, bool) {
	for i := len(seen) - 1; i > 0; i-- {
		if !seen[i].since.After(x.since) {
			return seen[i-1].stored, seen[i-1].offset < seen[i].offset
		}
	}
	return stored{}, false
}

var rewindCommit = Mutant{
	Name: "rewind-commit",
	Doc: "Tells a committed offset some records below the one that was committed, and no leader epoch: what a group gets whose " +
		"coordinator keeps a commit without its epoch and truncates the position to it (Redpanda 17260: the leader epoch of committed offsets is lost). " +
		"A member that begins there gets records again.",
	Headline: "committed-offset-regression",
	Offset:   "that is told",
	Workload: groupWorkload,
	Doubt:    inBackground,
	sinner:   func(b *Broker) sinner { return &rewinder{b: b} },
}

type rewinder struct {
	honest
	b *Broker
}

func (s *rewinder) response(x *exchange) {
	for _, t := range s.b.toldOf(x) {
		if !s.b.byOperation(t.owned, t.stored) || t.offset < 8 || !s.b.due(t.place) {
			continue
		}
		s.b.spend(1)
		back := stored{t.offset - 1 - s.b.rnd.Int64N(6), -1, t.metadata}
		s.b.toldFalsely(x, t.owned, back.offset, "told offset %d of commit %s; it committed %d", back.offset, t.metadata, t.offset)
		t.set(back)
	}
}

var commitAhead = Mutant{
	Name: "commit-ahead",
	Doc: "Tells a committed offset far beyond the end of the log: what no member can have been given. " +
		"Only operations that ask are told so; a member that began there would be sent back to the log's start.",
	Headline:  "commit-beyond-consumed",
	Followers: []string{"skipped-by-group"},
	Offset:    "that is told",
	Workload:  groupWorkload,
	sinner:    func(b *Broker) sinner { return &hurrier{b: b} },
}

// beyondEnd is how far beyond the end a false offset lies at least, in records.
const beyondEnd = 100_000

type hurrier struct {
	honest
	b *Broker
}

func (s *hurrier) response(x *exchange) {
	for _, t := range s.b.toldOf(x) {
		if !s.b.byOperation(t.owned, t.stored) || !s.b.asked(x) || !s.b.due(t.place) {
			continue
		}
		s.b.spend(1)
		far := t.stored
		far.offset += beyondEnd + s.b.rnd.Int64N(beyondEnd)
		s.b.toldFalsely(x, t.owned, far.offset, "told offset %d of commit %s; it committed %d", far.offset, t.metadata, t.offset)
		t.set(far)
	}
}
