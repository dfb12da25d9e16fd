package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var forgetCommit = Mutant{
	Name: "forget-commit",
	Doc: "Acknowledges commits of a partition and goes on to tell the one before them, until somebody has asked: " +
		"a coordinator that answers before its log is replicated, and is deposed.",
	Headline: "committed-offset-lost",
	Offset:   "that is told instead",
	Workload: groupWorkload,
	Doubt:    "who is told may have asked before the commit was acknowledged; " + inBackground,
	sinner: func(b *Broker) sinner {
		return &commitForgetter{b: b, last: map[owned]stored{}, stuck: map[owned]*stuckAt{}}
	},
}

type commitForgetter struct {
	b     *Broker
	last  map[owned]stored   // what is stored, by operations
	stuck map[owned]*stuckAt // the partitions whose commits are forgotten
}

// stuckAt is what goes on to be told.
type stuckAt struct {
	stored
	newer    stored    // the last commit that was forgotten
	answered bool      // one was acknowledged
	since    time.Time // when its client had got that; zero: not yet
}

// forgotten commits are the memo of a request.
type forgottenCommits []commit

func (s *commitForgetter) request(x *exchange) {
	req, ok := x.req.(*kmsg.OffsetCommitRequest)
	if !ok {
		return
	}
	var gone forgottenCommits
	changed := copyOf(req)
	for _, c := range s.b.commitsOf(changed) {
		st := s.stuck[c.owned]
		if was, ok := s.last[c.owned]; st == nil && ok && was.offset < c.offset && s.b.byOperation(c.owned, c.stored) && len(s.stuck) < stuckAtOnce && s.b.due(c.place) {
			s.b.spend(stuckFor)
			st = &stuckAt{stored: was}
			s.stuck[c.owned] = st
		}
		if st == nil || c.offset <= st.offset {
			continue
		}
		gone = append(gone, c)
		was := st.metadata
		c.part.Offset, c.part.LeaderEpoch, c.part.Metadata = st.offset, st.epoch, &was
	}
	if len(gone) > 0 {
		x.sent, x.memo = changed, gone
	}
}

// stuckAtOnce is how many partitions are stuck at the same time.
const stuckAtOnce = 3

// stuckFor is about how many commits of a partition are forgotten until
// somebody asks.
const stuckFor = 4

func (s *commitForgetter) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.OffsetCommitResponse:
		s.committed(x, resp)
	case *kmsg.OffsetFetchResponse:
		for _, t := range s.b.toldOf(x) {
			st := s.stuck[t.owned]
			if st == nil || !st.answered || t.stored != st.stored {
				continue
			}
			sin := s.b.sin(t.place, st.offset, -1, false, "group %s: told offset %d (%s), after the commit of %d (%s) had been acknowledged", t.group, st.offset, st.metadata, st.newer.offset, st.newer.metadata)
			if s.b.asked(x) && !st.since.IsZero() && !st.since.After(x.since) {
				x.onGot(prove(sin))
				delete(s.stuck, t.owned)
			}
		}
	}
}

func (s *commitForgetter) committed(x *exchange, resp *kmsg.OffsetCommitResponse) {
	gone, _ := x.memo.(forgottenCommits)
	lost := map[owned]bool{}
	for _, c := range gone {
		lost[c.owned] = true
		if st := s.stuck[c.owned]; st != nil && s.b.acknowledges(resp, c.place) {
			st.newer, st.answered = c.stored, true
			x.onGot(func() {
				if st.since.IsZero() {
					st.since = time.Now()
				}
			})
		}
	}
	for _, c := range s.b.commitsOf(x.req.(*kmsg.OffsetCommitRequest)) {
		if !lost[c.owned] && s.b.byOperation(c.owned, c.stored) && s.b.acknowledges(resp, c.place) {
			s.last[c.owned] = c.stored
			delete(s.stuck, c.owned) // it went back by itself
		}
	}
}

var refuseAndCommit = Mutant{
	Name: "refuse-and-commit",
	Doc: "Stores commits and refuses them (ILLEGAL_GENERATION, which says that nothing was stored), until somebody has been told one: " +
		"a coordinator that checks the generation after it has applied the commit.",
	Headline: "committed-offset-nonlinearizable",
	Offset:   "that is told although it was refused",
	Workload: groupWorkload,
	Doubt:    inBackground,
	sinner:   func(b *Broker) sinner { return &commitRefuser{b: b, refused: map[owned]map[string]bool{}} },
}

type commitRefuser struct {
	honest
	b *Broker
	// refusing is the group whose commits are refused now; empty: none.
	refusing string
	refused  map[owned]map[string]bool // by metadata
}

func (s *commitRefuser) response(x *exchange) {
	switch resp := x.resp.(type) {
	case *kmsg.OffsetCommitResponse:
		s.refuse(x, resp)
	case *kmsg.OffsetFetchResponse:
		for _, t := range s.b.toldOf(x) {
			if s.refused[t.owned][t.metadata] {
				s.b.toldFalsely(x, t.owned, t.offset, "told offset %d (%s), which was refused", t.offset, t.metadata)
				if s.b.asked(x) {
					s.refusing = ""
				}
			}
		}
	}
}

func (s *commitRefuser) refuse(x *exchange, resp *kmsg.OffsetCommitResponse) {
	commits := s.b.commitsOf(x.req.(*kmsg.OffsetCommitRequest))
	for _, c := range commits {
		if s.refusing == "" && s.b.byOperation(c.owned, c.stored) && s.b.due(c.place) {
			s.b.spend(stuckFor)
			s.refusing = c.group
		}
		if c.group != s.refusing || !s.b.byOperation(c.owned, c.stored) || !s.b.acknowledges(resp, c.place) {
			return
		}
	}
	for _, c := range commits {
		if s.refused[c.owned] == nil {
			s.refused[c.owned] = map[string]bool{}
		}
		s.refused[c.owned][c.metadata] = true
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			resp.Topics[i].Partitions[j].ErrorCode = kerr.IllegalGeneration.Code
		}
	}
	x.answer = resp
}
