package checker

import (
	"fmt"
	"math"

	"github.com/ackproof/ackproof/histories"
)

// groupsChecker judges consumer groups.
//
// What a group has committed of a log is a register: commits write it, each
// under an id of its own, and whoever asks the coordinator reads it, members
// that take a log over included. What the members were given says whether a
// commit goes too far, and over which records without anybody having got them.
// Their rebalance logs say who owned what.
//
// What is no sin: that a record is delivered again after a rebalance (counted);
// that a commit without an outcome lands late, or never; that a member whose
// session ran out goes on for a while, in its old generation; that a consumer
// which commits by itself commits what it was given, whether or not anybody
// worked on it.
var groupsChecker = Checker{
	Name: "groups", Doc: "What a group has committed is a register; its members get every record that they commit over; a log has one owner.",
	Kinds: []Kind{CommittedOffsetRegression, CommittedOffsetLost, CommittedOffsetNonlinearizable, CommitBeyondConsumed, SkippedByGroup, TwoOwners},
	New:   newGroups,
}

type groups struct {
	env     *Env
	f       *Facts
	r       *Report
	crashes *crashes
	byName  map[string]*consumerGroup
	list    []*consumerGroup // in the order of their appearance
	members processes[member]
	pairs   []ownerPair
	final   bool
	looks   groupLooks
}

// consumerGroup is what is known of one group.
type consumerGroup struct {
	histories.Group
	stats   GroupStats
	logs    map[int64]*groupLog
	open    map[int64]openCommit // commits under way, by id
	refused map[int64]int64      // commits that were refused, by id: their completions
	// blind says that a poll of a member has no outcome: what it was given is
	// not known. A member that commits by operations cannot commit that, because
	// its process ends there; where the consumer commits by itself it can.
	blind bool
}

// openCommit is a commit under way.
type openCommit struct{ at, entry int64 }

// groupLog is what is known of one log in a group.
type groupLog struct {
	key       int64
	register  map[int64][]registerOp // by process under the session model, else by 0
	writes    map[int64]registerOp   // those of them that are commits, by id
	fresh     map[int64]int          // how many of them nobody has looked at yet; as register
	noticed   bool                   // a case about it was counted
	delivered spans
	ahead     []reach // commits beyond what had been delivered
	top       reach   // the furthest that was committed
	first     int64   // the first offset that is known to be committed; -1: none
	owners    []*holding
}

// reach is how far a commit went.
type reach struct {
	offset, id int64 // id -1: the consumer's own commit
	entry      int64
	told       bool  // somebody was told so; else it was acknowledged
	high       int64 // the end of what had been delivered then
}

// member is a process in a group. Its client tells of what happened in the
// background when its next operation completes, so that what a completion does
// not tell of had not happened when that operation was invoked.
type member struct {
	group *consumerGroup
	call  int64 // ns, the invocation of the operation under way
	quiet int64 // ns, the invocation of the last operation that completed
	since int64 // ns, the invocation with which it joined
	owned map[int64]*holding
	from  map[int64]int64 // by log: no earlier than this it asked where to begin with it
}

func newGroups(e *Env, r *Report) Pass {
	c := &groups{env: e, f: e.Facts, r: r, crashes: newCrashes(e), byName: map[string]*consumerGroup{}}
	for _, g := range e.Header.Groups {
		c.add(g)
	}
	return c
}

func (c *groups) add(g histories.Group) *consumerGroup {
	n := &consumerGroup{Group: g, logs: map[int64]*groupLog{}, open: map[int64]openCommit{}, refused: map[int64]int64{}}
	n.stats.Group = g.Name
	c.byName[g.Name] = n
	c.list = append(c.list, n)
	return n
}

// group returns the group of this name. One that the header does not state is
// held to what holds for every group.
func (c *groups) group(name string) *consumerGroup {
	if g := c.byName[name]; g != nil {
		return g
	}
	return c.add(histories.Group{Name: name})
}

func (g *consumerGroup) log(key int64) *groupLog {
	l := g.logs[key]
	if l == nil {
		l = &groupLog{
			key: key, register: map[int64][]registerOp{}, writes: map[int64]registerOp{}, fresh: map[int64]int{},
			top: reach{offset: -1}, first: -1,
		}
		g.logs[key] = l
	}
	return l
}

// Observe takes the next entry.
func (c *groups) Observe(op *histories.Op) {
	c.crashes.observe(op)
	if op.Process < 0 {
		if op.F == histories.Phase && op.Event != nil {
			c.final = op.Event.Phase == histories.PhaseFinal
		}
		return
	}
	if len(c.list) == 0 && op.Group == "" {
		return
	}
	if op.Type == histories.Invoke {
		c.invoke(op)
		return
	}
	c.complete(op)
	if c.looks.due(op.Time) {
		c.look()
	}
}

func (c *groups) invoke(op *histories.Op) {
	m := c.members.at(op.Process)
	m.call = int64(op.Time)
	switch op.F {
	case histories.Subscribe:
		m.end(m.quiet) // what happened since is not told yet
		if len(op.Keys) > 0 {
			*m = member{group: c.group(op.Group), call: m.call, quiet: m.call, since: m.call, from: map[int64]int64{}, owned: map[int64]*holding{}}
		}
	case histories.Crash:
		m.end(m.quiet)
		m.group = nil
	case histories.Commit:
		for _, id := range op.IDs {
			c.group(op.Group).open[id] = openCommit{m.call, op.Index}
		}
	case histories.Poll:
		if m.group != nil {
			m.group.stats.polling++
		}
	}
}

func (c *groups) complete(op *histories.Op) {
	m := c.members.at(op.Process)
	if op.Group != "" && len(op.Rebalances) > 0 {
		c.rebalanced(op, c.joined(op, m))
	}
	switch op.F {
	case histories.Subscribe:
		switch {
		case op.Type != histories.OK || op.Group == "":
		case len(op.Keys) > 0:
			c.group(op.Group).stats.Members++
		default:
			m.group = nil
		}
	case histories.Commit:
		c.committed(op, m)
	case histories.Committed:
		if op.Type == histories.OK {
			c.told(op, c.group(op.Group), func(int64) int64 { return m.call }, !c.final)
		}
	case histories.Poll:
		c.polled(op, m)
	}
	if op.Type == histories.Info {
		m.end(m.quiet)
		c.members.drop(op.Process)
		return
	}
	m.quiet = m.call
}

// joined returns the member that a completion tells of, which a history that
// begins in the middle may not have shown to join.
func (c *groups) joined(op *histories.Op, m *member) *member {
	if g := c.group(op.Group); m.group != g {
		m.end(m.call)
		*m = member{group: g, call: m.call, quiet: m.call, since: math.MinInt64, from: map[int64]int64{}, owned: map[int64]*holding{}}
	}
	return m
}

// polled notes what a member was given, and where it was told to begin.
func (c *groups) polled(op *histories.Op, m *member) {
	if m.group != nil {
		m.group.stats.polling--
		m.group.blind = m.group.blind || op.Type == histories.Info
	}
	if op.Group == "" {
		return
	}
	g := c.group(op.Group)
	for _, run := range op.Runs {
		l := g.log(run.Key)
		for _, rec := range op.Recs[run.From:run.To] {
			if rec.Offset < 0 {
				continue
			}
			g.stats.Delivered++
			if !l.delivered.add(rec.Offset) {
				g.stats.Redelivered++
			}
		}
	}
	if len(op.Offsets) > 0 {
		c.joined(op, m)
		c.told(op, g, func(key int64) int64 {
			if from, ok := m.from[key]; ok {
				return from
			}
			return m.since
		}, true)
	}
}

// committed notes how a commit ended. What was refused stands no more in it.
func (c *groups) committed(op *histories.Op, m *member) {
	g := c.group(op.Group)
	g.stats.Commits.count(op.Type, 1)
	if len(op.IDs) == 0 {
		return
	}
	id := op.IDs[0]
	delete(g.open, id)
	if op.Type == histories.Fail {
		if len(g.refused) < maxCases {
			g.refused[id] = op.Index
		}
		return
	}
	ret := int64(op.Time)
	if op.Type == histories.Info {
		ret = forever
	}
	for _, o := range op.Offsets {
		l := g.log(o.Key)
		l.reach(reach{offset: o.Offset, id: id, entry: op.Index}, op.Type == histories.OK)
		w := registerOp{offset: o.Offset}
		w.Write, w.Value, w.Call, w.Ret, w.Entry = true, id, m.call, ret, op.Index
		l.add(c.env, op.Process, w)
		if op.Type == histories.OK {
			c.r.judged.Commits++
		}
	}
}

// told notes what the coordinator said that a group has committed. call tells
// when it was asked at the earliest; free, that an older state may be told too
// where reads are Kafka's: a coordinator that was deposed and does not know it
// answers from what it has (only commits go through the replicas).
func (c *groups) told(op *histories.Op, g *consumerGroup, call func(key int64) int64, free bool) {
	for i, o := range op.Offsets {
		id := int64(-1)
		if i < len(op.IDs) {
			id = op.IDs[i]
		}
		l := g.log(o.Key)
		g.stats.Answers++
		if o.Offset >= 0 {
			l.reach(reach{offset: o.Offset, id: id, entry: op.Index, told: true}, true)
		}
		if g.Commits == histories.CommitsAuto {
			continue // what it commits has no id
		}
		r := registerOp{offset: max(o.Offset, -1), stale: free && c.env.Model == Kafka}
		r.Value, r.Call, r.Ret, r.Entry = id, call(o.Key), int64(op.Time), op.Index
		if r.offset < 0 {
			r.Value = -1
		}
		l.add(c.env, op.Process, r)
		c.r.judged.CommitReads++
	}
}

// reach notes how far a commit went; sure, that it is in force.
func (l *groupLog) reach(r reach, sure bool) {
	r.high = l.delivered.end()
	if sure && r.offset > l.top.offset {
		l.top = r
	}
	if sure && l.first < 0 {
		l.first = r.offset
	}
	if r.offset <= r.high || len(l.ahead) >= maxCases {
		return
	}
	for i := range l.ahead {
		if l.ahead[i].offset == r.offset {
			return
		}
	}
	l.ahead = append(l.ahead, r)
}

// Finish judges each log of each group.
func (c *groups) Finish() {
	c.r.unnotice()
	for _, g := range c.list {
		g.blind = g.blind || g.stats.polling > 0
		for _, key := range sortedKeys(g.logs) {
			l := g.logs[key]
			c.register(g, l)
			c.beyond(g, l)
			c.skipped(g, l)
		}
	}
	c.twoOwners()
	c.enough()
}

// enough asks for commits where the run has groups that make them.
func (c *groups) enough() {
	if !c.env.HasHeader || c.env.Options.MinAcked < 0 {
		return
	}
	asked := false
	for _, g := range c.env.Header.Groups {
		asked = asked || g.Commits != histories.CommitsAuto
	}
	if j := &c.r.judged; asked && (j.Commits == 0 || j.CommitReads == 0) {
		c.r.Unknown(TooLittleWork, fmt.Sprintf("%d committed offsets were acknowledged and %d were asked for: what the groups of this run have committed cannot be judged", j.Commits, j.CommitReads))
	}
}

// GroupStats counts what a consumer group did.
type GroupStats struct {
	Group       string   `json:"group"`
	Members     int64    `json:"members"`         // that joined
	Rebalances  int64    `json:"rebalances"`      // changes of a member's share
	Commits     Outcomes `json:"commits"`         // operations
	Answers     int64    `json:"answers"`         // committed offsets that were told
	Stale       int64    `json:"stale,omitempty"` // of them older than the question, where reads may be
	Delivered   int64    `json:"delivered"`       // records, each time that a member got one
	Redelivered int64    `json:"redelivered"`     // of them those that a member had got before

	polling int // polls of members under way
}

// results are the figures of the groups that did something.
func (c *groups) results() []GroupStats {
	var out []GroupStats
	for _, g := range c.list {
		if g.stats.Members+g.stats.Answers+g.stats.Delivered > 0 || g.stats.Commits != (Outcomes{}) {
			out = append(out, g.stats)
		}
	}
	return out
}
