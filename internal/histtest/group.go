package histtest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// simGroups are the consumer groups of a simulated run.
var simGroups = []histories.Group{
	{Name: "ga", Protocol: histories.ProtocolClassic, Commits: histories.CommitsByOp, Reset: histories.ResetEarliest},
	{Name: "gb", Protocol: histories.ProtocolConsumer, Commits: histories.CommitsByOp, Reset: histories.ResetEarliest},
}

// coordinator keeps the groups. Whoever joins or leaves has the logs dealt
// anew, in a generation of its own, at that instant; a member hears of it with
// its next completion, as a client tells what happened in the background.
type coordinator struct {
	groups map[string]*simGroup
}

// simGroup is a consumer group.
type simGroup struct {
	generation int64
	members    []*agent
	committed  map[int64]simCommit // by log
}

// simCommit is what a group has committed of a log.
type simCommit struct{ offset, id int64 }

// membership is an agent's place in a group.
type membership struct {
	group     *simGroup
	name      string
	events    []histories.Rebalance // not told yet
	found     []simFound            // where it began, not told yet
	delivered map[int64]bool        // the logs of which it got a record since it owns them
}

type simFound struct {
	key int64
	simCommit
}

func (w *world) group(name string) *simGroup {
	if w.coordinator.groups == nil {
		w.coordinator.groups = map[string]*simGroup{}
	}
	g := w.coordinator.groups[name]
	if g == nil {
		g = &simGroup{committed: map[int64]simCommit{}}
		w.coordinator.groups[name] = g
	}
	return g
}

// deal gives the logs to the members in turn.
func (w *world) deal(g *simGroup) {
	g.generation++
	slices.SortFunc(g.members, func(a, b *agent) int { return a.id - b.id })
	for i, m := range g.members {
		var lost, got []int64
		var keep []assigned
		for key := range w.logs {
			mine := key%len(g.members) == i
			at := slices.IndexFunc(m.assigned, func(a assigned) bool { return a.key == int64(key) })
			switch {
			case mine && at >= 0:
				keep = append(keep, m.assigned[at])
			case mine:
				got = append(got, int64(key))
			case at >= 0:
				lost = append(lost, int64(key))
			}
		}
		m.assigned = keep
		m.member.tell(histories.Revoked, g.generation, lost)
		m.member.tell(histories.Assigned, g.generation, got)
		for _, key := range got {
			c, ok := g.committed[key]
			if !ok {
				c = simCommit{-1, -1}
			}
			m.member.found = append(m.member.found, simFound{key, c})
			m.assigned = append(m.assigned, assigned{key, max(c.offset, 0)})
		}
	}
}

// tell notes what happened to the share.
func (m *membership) tell(what string, generation int64, keys []int64) {
	for _, k := range keys {
		delete(m.delivered, k)
	}
	if len(keys) > 0 {
		m.events = append(m.events, histories.Rebalance{What: what, Generation: generation, Keys: keys})
	}
}

// subscribe joins a group, or leaves it where no log is named.
func (w *world) subscribe(a *agent) {
	if len(a.op.Keys) == 0 {
		w.leave(a)
		return
	}
	g := w.group(a.op.Group)
	a.member = &membership{group: g, name: a.op.Group, delivered: map[int64]bool{}}
	a.assigned = a.assigned[:0]
	g.members = append(g.members, a)
	w.deal(g)
}

// leave takes the agent out of its group, where it is in one.
func (w *world) leave(a *agent) {
	if a.member == nil {
		return
	}
	g := a.member.group
	g.members = slices.DeleteFunc(g.members, func(m *agent) bool { return m == a })
	a.member = nil
	a.assigned = a.assigned[:0]
	w.deal(g)
}

// commit stores the agent's positions.
func (w *world) commit(a *agent) {
	op := &a.op
	op.Keys, op.Offsets = op.Keys[:0], op.Offsets[:0]
	if a.member == nil || w.chance(w.opts.FailRate) {
		op.Type, op.Error = histories.Fail, "not the coordinator"
		return
	}
	for _, at := range a.assigned {
		if a.member.delivered[at.key] {
			op.Keys = append(op.Keys, at.key)
			op.Offsets = append(op.Offsets, histories.KeyOffset{Key: at.key, Offset: at.position})
		}
	}
	if len(op.Keys) == 0 {
		op.Type, op.Error = histories.Fail, "there is nothing to commit"
		return
	}
	if w.chance(w.opts.InfoRate) {
		op.Type, op.Error = histories.Info, "timed out"
		if w.rand.Uint64()%2 == 0 {
			return
		}
	}
	for _, o := range op.Offsets {
		a.member.group.committed[o.Key] = simCommit{o.Offset, op.IDs[0]}
	}
}

// committed answers what a group has committed.
func (w *world) committed(op *histories.Op) {
	g := w.group(op.Group)
	op.Offsets, op.IDs = op.Offsets[:0], op.IDs[:0]
	for _, key := range op.Keys {
		c, ok := g.committed[key]
		if !ok {
			c = simCommit{-1, -1}
		}
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: key, Offset: c.offset})
		op.IDs = append(op.IDs, c.id)
	}
}

// memberPoll polls what the member owns.
func (w *world) memberPoll(a *agent) {
	op := &a.op
	w.pollInto(a, 0, int64(w.opts.PollMax))
	op.Fetched = op.Fetched[:0] // a consumer does not tell
	for _, run := range op.Runs {
		a.member.delivered[run.Key] = true
	}
}

// told moves what the member has not told yet into its completion.
func (a *agent) told() {
	m, op := a.member, &a.op
	op.Group = m.name
	op.Rebalances = append(op.Rebalances[:0], m.events...)
	m.events = nil
	if op.F != histories.Poll {
		return
	}
	op.Offsets, op.IDs = op.Offsets[:0], op.IDs[:0]
	for _, f := range m.found {
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: f.key, Offset: f.offset})
		op.IDs = append(op.IDs, f.id)
	}
	m.found = nil
}

// groupMix is the built-in workload with every second client in a group.
type groupMix struct {
	*mix
	joined  []bool
	commits []int64
}

func newGroupMix(o Options) *groupMix {
	return &groupMix{mix: newMix(o), joined: make([]bool, o.workers()), commits: make([]int64, o.workers())}
}

func (m *groupMix) source() source { return source{m.next, m.saw} }

func (m *groupMix) next(now time.Duration, worker int, op *histories.Op) uint8 {
	if worker >= m.opts.Clients || worker%2 == 0 {
		return m.mix.next(now, worker, op)
	}
	r := rand.New(m.rand)
	op.Group = simGroups[worker/2%len(simGroups)].Name
	switch n := r.IntN(100); {
	case !m.joined[worker]:
		op.F = histories.Subscribe
		for k := range m.opts.Logs {
			op.Keys = append(op.Keys, int64(k))
		}
	case n < 20:
		op.F = histories.Commit
		op.IDs = append(op.IDs, m.commits[worker]*int64(m.opts.Clients)+int64(worker))
		m.commits[worker]++
	case n < 35:
		op.F = histories.Committed
		op.Keys = append(op.Keys, r.Int64N(int64(m.opts.Logs)))
	case n < 37:
		op.F = histories.Subscribe // of nothing
	case n < 38:
		op.F, op.Group = histories.Crash, ""
	default:
		op.F = histories.Poll
		op.Mops = append(op.Mops, histories.Mop{})
	}
	return turnGo
}

func (m *groupMix) saw(worker int, op *histories.Op) {
	m.mix.saw(worker, op)
	switch {
	case op.Type == histories.Info:
		m.joined[worker] = false
	case op.F == histories.Subscribe && op.Type == histories.OK:
		m.joined[worker] = len(op.Keys) > 0
	}
}

// groupFinals are the final reads, after which worker i asks what each group has
// committed of log i.
type groupFinals struct{ *finals }

func newGroupFinals(o Options) *groupFinals {
	f := newFinals(o)
	f.stages = slices.Clone(finalStages)
	for range simGroups {
		f.stages = append(f.stages, histories.Committed)
	}
	return &groupFinals{f}
}

func (f *groupFinals) source() source { return source{f.next, f.saw} }

func (f *groupFinals) next(now time.Duration, worker int, op *histories.Op) uint8 {
	turn := f.finals.next(now, worker, op)
	if turn == turnGo && op.F == histories.Committed {
		op.Group = simGroups[f.logs[worker].stage-len(finalStages)].Name
	}
	return turn
}
