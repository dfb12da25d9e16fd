package generator

import (
	"math/rand/v2"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/seed"
)

var groupWorkload = Workload{
	Name: "group",
	Doc: "Consumer groups beside single attempts on every log: members of a classic group and of a broker-assigned one (KIP-848) join, poll, " +
		"commit under ids of their own, ask for what is committed, leave and crash; those of a third group leave the commits to the consumer. " +
		"One reader for each log reads every offset.",
	Client:  "group",
	Workers: workers,
	New:     newGroups,
	Final:   newGroupFinal,
	Groups: []histories.Group{
		{Name: "classic", Protocol: histories.ProtocolClassic, Commits: histories.CommitsByOp, Reset: histories.ResetEarliest},
		{Name: "auto", Protocol: histories.ProtocolClassic, Commits: histories.CommitsAuto, Reset: histories.ResetEarliest},
		{Name: "consumer", Protocol: histories.ProtocolConsumer, Commits: histories.CommitsByOp, Reset: histories.ResetEarliest},
	},
	Contract: func(c *histories.Contract) bool {
		idempotent := false
		c.Idempotence, c.Attempts = &idempotent, "single"
		return true
	},
}

// rolesCycle is how the client workers share the work: of each five, the first
// two do what workload log does, and the others are a member of a group each.
const rolesCycle = 5

// newGroups makes the client workers and the tailing readers.
func newGroups(cfg Config) Generator {
	c := make(crowd, 0, workers(cfg))
	for w := range cfg.Concurrency {
		if i := w%rolesCycle - (rolesCycle - len(cfg.Groups)); i >= 0 && len(cfg.Groups) <= rolesCycle {
			c = append(c, newMember(cfg, w, cfg.Groups[i]))
		} else {
			c = append(c, newClient(cfg, w, logMix))
		}
	}
	for _, log := range cfg.Logs {
		c = append(c, &tail{reader{key: log.Key}})
	}
	return c
}

// member is a client worker in a group. Its n-th operation is drawn from its
// own stream; what a commit stores is up to what was polled. A process that is
// in no group joins before anything else, which is not one of the n.
type member struct {
	cfg     Config
	group   histories.Group
	worker  int
	rand    *rand.Rand
	keys    []int64
	ahead   histories.Op
	drawn   bool
	joined  bool
	commits int64 // so far, for their ids
	pause   pause
}

func newMember(cfg Config, worker int, g histories.Group) *member {
	m := &member{cfg: cfg, group: g, worker: worker, rand: seed.Seed(cfg.Seed).Worker("workload", worker)}
	for _, log := range cfg.Logs {
		m.keys = append(m.keys, log.Key)
	}
	return m
}

// Shares of a member's operations, in 1000; the rest are polls.
const (
	memberCommits   = 150
	memberCommitted = 60
	memberLeaves    = 3
	memberCrashes   = 2
)

// draw draws the next operation.
func (m *member) draw(op *histories.Op) {
	op.Group = m.group.Name
	n := m.rand.IntN(1000)
	take := func(share int) bool { n -= share; return n < 0 }
	switch {
	case take(memberCommits):
		if m.group.Commits == histories.CommitsAuto {
			m.poll(op)
			return
		}
		op.F = histories.Commit
		op.IDs = append(op.IDs, m.cfg.Value(m.worker, m.commits))
		m.commits++
	case take(memberCommitted):
		op.F = histories.Committed
		op.Keys = append(op.Keys, m.keys[m.rand.IntN(len(m.keys))])
	case take(memberLeaves):
		op.F = histories.Subscribe // of nothing
	case take(memberCrashes):
		op.F, op.Group = histories.Crash, ""
	default:
		m.poll(op)
	}
}

func (m *member) poll(op *histories.Op) {
	op.F = histories.Poll
	op.Mops = append(op.Mops, histories.Mop{})
}

func (m *member) next(now time.Duration, op *histories.Op) Turn {
	if !m.pause.over(now) {
		return Wait
	}
	if !m.joined {
		op.F, op.Group = histories.Subscribe, m.group.Name
		op.Keys = append(op.Keys[:0], m.keys...)
		return Go
	}
	if !m.drawn {
		m.ahead.Reset()
		m.draw(&m.ahead)
		m.drawn = true
	}
	m.ahead.CopyTo(op)
	m.drawn = false
	return Go
}

func (m *member) saw(op *histories.Op) {
	m.pause.saw(op.Type)
	switch {
	case op.Type == histories.Info:
		m.joined = false
	case op.F == histories.Subscribe && op.Type == histories.OK:
		m.joined = len(op.Keys) > 0
	}
}

// newGroupFinal makes the final reads, after which worker i asks what each group
// has committed of log i.
func newGroupFinal(cfg Config) Generator {
	c := make(crowd, 0, len(cfg.Logs))
	for _, log := range cfg.Logs {
		c = append(c, &finalGroups{final: final{reader: reader{key: log.Key}}, groups: cfg.Groups})
	}
	return c
}

// finalGroups asks until it is told.
type finalGroups struct {
	final
	groups []histories.Group // not told yet
}

func (f *finalGroups) next(now time.Duration, op *histories.Op) Turn {
	if f.stage != finished || len(f.groups) == 0 {
		return f.final.next(now, op)
	}
	if !f.pause.over(now) {
		return Wait
	}
	op.F, op.Group = histories.Committed, f.groups[0].Name
	op.Keys = append(op.Keys[:0], f.key)
	return Go
}

func (f *finalGroups) saw(op *histories.Op) {
	if op.F != histories.Committed {
		f.final.saw(op)
		return
	}
	f.pause.saw(op.Type)
	if op.Type == histories.OK {
		f.groups = f.groups[1:]
	}
}
