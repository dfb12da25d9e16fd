package checker

import (
	"math"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// crashClause allows the loss of what was acknowledged before a crash of every
// in-sync replica at once. Kafka promises that an acknowledged record is
// replicated, not that it is on a disk (Kafka documentation, 4.7 Replication).
const crashClause = "durability=replicated"

// crashFaults end the processes of their nodes at once.
var crashFaults = []string{"kill", "kill-all", "power-loss"}

// crashes follows which nodes are down, and keeps the moments at which every
// in-sync replica of a log was. Each pass that needs it before the facts are
// complete has its own.
type crashes struct {
	env  *Env
	byID map[int][]string         // faults that keep nodes down, by their event
	isr  map[string]map[int32]isr // by topic and partition, as the brokers said last
	at   map[int64][]crash        // by log
}

// crash is that of every in-sync replica. The last of them ends at some moment
// after the fault was begun, and before its bite was proven: what was
// acknowledged in between may be lost with it.
type crash struct {
	fault       int   // its event
	from, until int64 // entries
}

// offsetsLog stands for the log in which the brokers keep what groups have
// committed; it has as many replicas as the run's own.
const offsetsLog = math.MinInt64

type isr []string

func newCrashes(e *Env) *crashes {
	return &crashes{env: e, byID: map[int][]string{}, isr: map[string]map[int32]isr{}, at: map[int64][]crash{}}
}

// observe takes the next entry.
func (c *crashes) observe(op *histories.Op) {
	if op.Process >= 0 || op.Event == nil || c.env.Contract.Durability != "replicated" {
		return
	}
	switch op.F {
	case histories.State:
		c.state(op.Event.State)
	case histories.Inject:
		if slices.Contains(crashFaults, op.Event.Fault) {
			c.byID[op.Event.ID] = slices.Clone(op.Event.On)
			c.crashed(op.Event.ID, op.Index)
		}
	case histories.Bite:
		if proof(op.Event) == Valid {
			c.over(op.Event.ID, op.Index)
		}
	case histories.Healed:
		c.over(op.Event.ID, op.Index)
		delete(c.byID, op.Event.ID)
	}
}

func (c *crashes) state(s *histories.ClusterState) {
	if s == nil {
		return
	}
	for _, p := range s.Partitions {
		if c.isr[p.Topic] == nil {
			c.isr[p.Topic] = map[int32]isr{}
		}
		c.isr[p.Topic][p.Partition] = slices.Clone(p.ISR)
	}
}

// crashed notes the logs of which no in-sync replica is up. Where the brokers
// never said which those are, as many nodes as there are replicas must be down.
func (c *crashes) crashed(fault int, entry int64) {
	var down []string
	for _, on := range c.byID {
		down = append(down, on...)
	}
	slices.Sort(down)
	down = slices.Compact(down)
	rf := c.env.Contract.ReplicationFactor
	if rf > 0 && len(down) >= rf {
		c.at[offsetsLog] = append(c.at[offsetsLog], crash{fault, entry, math.MaxInt64})
	}
	for _, l := range c.env.Header.Logs {
		in := c.isr[l.Topic][l.Partition]
		all := len(in) > 0 && !slices.ContainsFunc(in, func(n string) bool { return !slices.Contains(down, n) })
		if all || len(in) == 0 && rf > 0 && len(down) >= rf {
			c.at[l.Key] = append(c.at[l.Key], crash{fault, entry, math.MaxInt64})
			c.env.Facts.live.mayAllow()
		}
	}
}

// over notes that what the fault was to end has ended.
func (c *crashes) over(fault int, entry int64) {
	for _, all := range c.at {
		for i := range all {
			if all[i].fault == fault {
				all[i].until = min(all[i].until, entry)
			}
		}
	}
}

// groupsClause is the one that allows what groups had committed at entry from to be
// gone at entry to. Their log is replicated as the others are.
func (c *crashes) groupsClause(from, to int64) string {
	if u := c.env.Contract.UncleanElection; u != nil && *u {
		return "unclean_election=true"
	}
	return c.clause(offsetsLog, from, to)
}

// clause is the one that allows what was there at entry from to be gone at entry
// to; below 0: at the end.
func (c *crashes) clause(log, from, to int64) string {
	for _, at := range c.at[log] {
		if at.until > from && (to < 0 || at.from < to) {
			return crashClause
		}
	}
	return ""
}
