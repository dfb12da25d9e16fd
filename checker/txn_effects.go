package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// effects follows what the transactions of consumer groups took in. A group that
// commits its positions in its transactions, and whose members begin where it has
// committed, takes each record into one committed transaction.
type effects struct {
	groups map[string]*groupEffects
	procs  processes[string] // the group at whose positions the process began
	late   []lateEffects
}

// groupEffects are the records that a group took in, by log.
type groupEffects struct{ logs map[int64][]effect }

// effect is a record that a certain transaction took in. They are kept in the
// order of offsets, which is nearly that of their coming.
type effect struct{ offset, op int64 }

// lateEffects are those of a transaction whose commit was not acknowledged.
type lateEffects struct {
	group  string
	causes []cause
}

// cause is a record that a transaction polled.
type cause struct{ log, offset, value int64 }

// assigned notes whether a process reads from where its group has committed.
func (e *effects) assigned(op *histories.Op) {
	group := ""
	if op.Seek.To == histories.SeekCommitted {
		group = op.Group
	}
	*e.procs.at(op.Process) = group
}

// causes lists what a transaction of a group took in; none where its process
// began elsewhere, because then it repeats what it is told to.
func (e *effects) causes(op *histories.Op) []cause {
	if *e.procs.at(op.Process) != op.Group {
		return nil
	}
	var out []cause
	for i := range op.Mops {
		m := &op.Mops[i]
		for j := m.From; j < m.To && !m.Send; j++ {
			run := op.Runs[j]
			for _, r := range op.Recs[run.From:run.To] {
				if r.Offset >= 0 {
					out = append(out, cause{run.Key, r.Offset, r.Value})
				}
			}
		}
	}
	return out
}

func (e *effects) keep(op *histories.Op) int32 {
	causes := e.causes(op)
	if len(causes) == 0 || len(e.late) >= maxCases {
		return 0
	}
	e.late = append(e.late, lateEffects{op.Group, causes})
	return int32(len(e.late))
}

// take notes that a certain transaction took a record in, and returns the entry
// of the one that did before; -1: none.
func (e *effects) take(group string, log, offset, op int64) int64 {
	g := e.groups[group]
	if g == nil {
		g = &groupEffects{logs: map[int64][]effect{}}
		e.groups[group] = g
	}
	l := g.logs[log]
	if n := len(l); n == 0 || l[n-1].offset < offset {
		g.logs[log] = append(l, effect{offset, op})
		return -1
	}
	i, had := slices.BinarySearchFunc(l, offset, func(a effect, offset int64) int { return cmp.Compare(a.offset, offset) })
	if had {
		return l[i].op
	}
	g.logs[log] = slices.Insert(l, i, effect{offset, op})
	return -1
}

func (e *effects) count() int64 {
	n := int64(0)
	for _, g := range e.groups {
		for _, l := range g.logs {
			n += int64(len(l))
		}
	}
	return n
}

// taken notes what a certain transaction took in.
func (c *transactions) taken(group string, op int64, causes []cause) {
	for _, r := range causes {
		before := c.effects.take(group, r.log, r.offset, op)
		if before < 0 || before == op {
			continue
		}
		k := newCase(EOSDuplicateEffect, r.log)
		k.Offset, k.Value = r.offset, r.value
		k.Ops = [3]int64{min(before, op), max(before, op), -1}
		k.AllowedBy = c.f.crashes.groupsClause(k.Ops[0], k.Ops[1])
		k.Why = func(k *Case) string {
			return fmt.Sprintf("Two committed transactions of group %s took record %d at offset %d of %s in%s%s: its effect is there twice, although the group commits its positions in the same transactions.",
				group, k.Value, k.Offset, c.env.logName(k.Log), c.f.entryText(k.Ops[0]), c.f.entryText(k.Ops[1]))
		}
		c.r.Add(k)
	}
}
