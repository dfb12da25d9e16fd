package checker

import (
	"cmp"
	"slices"
)

// headlines groups cases under their causes: one cause, one headline. A case
// that concerns a record, or an offset, which a case of an earlier kind (in
// the order of Kinds) is about follows from that one; it is counted there and
// not shown by itself.
type headlines struct {
	env      *Env
	byOffset map[place]int           // the headline about an offset
	byValue  map[place]int           // the headline about a value
	bySend   map[place]int           // the headline about the order of sends, by value
	byEnd    map[place]int           // the headline about a false end of a log
	byPoll   map[int64][]backward    // polls that went back, by entry
	passed   []passing               // ranges of offsets that somebody went over wrongly
	byStart  map[int64][]backward    // false starts, by log
	offsets  map[int64][]causeOffset // of each log, in order
	groups   []*group
	index    map[groupKey]*group
}

type place struct{ log, n int64 }

// causeOffset is an offset that a headline is about.
type causeOffset struct {
	offset int64
	group  int
}

// backward is a poll that went back in a log, and the offsets it went over.
type backward struct {
	log, from, to int64
	group         int
}

// passing is a range of offsets that a poll, or a commit of a group, went over
// without reason.
type passing struct {
	consumer      string // the group, empty for a poll
	log, from, to int64
	group         int
}

type groupKey struct {
	kind    Kind
	allowed string
}

// group becomes one Anomaly.
type group struct {
	groupKey
	at      int // place in headlines.groups
	count   int64
	cases   []Case
	follows map[Kind]int64
}

func newHeadlines(e *Env) *headlines {
	return &headlines{
		env: e, byOffset: map[place]int{}, byValue: map[place]int{}, bySend: map[place]int{}, byEnd: map[place]int{},
		byPoll: map[int64][]backward{}, byStart: map[int64][]backward{}, offsets: map[int64][]causeOffset{}, index: map[groupKey]*group{},
	}
}

// causal is the number of kinds, from the catalogue's first, that can be the
// cause of others: those that say what became of a record.
var causal = rank[FutureRead] + 1

// order is the order in which cases are looked at. An inconsistent offset of
// which at most one value was polled stands behind the losses, because they
// explain it.
func (c *Case) order() int {
	if c.weak {
		return 2*rank[Unseen] + 1
	}
	return 2 * rank[c.Kind]
}

func (h *headlines) assemble(cases []Case, beyond map[Kind]int64) []Anomaly {
	slices.SortStableFunc(cases, func(a, b Case) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), cmp.Compare(a.Log, b.Log), cmp.Compare(a.Offset, b.Offset),
			cmp.Compare(a.Value, b.Value), slices.Compare(a.Ops[:], b.Ops[:]))
	})
	sorted := false
	for i := range cases {
		c := &cases[i]
		if rank[c.Kind] >= causal && !sorted {
			sorted = true
			for _, o := range h.offsets {
				slices.SortFunc(o, func(a, b causeOffset) int { return cmp.Compare(a.offset, b.offset) })
			}
		}
		if g := h.cause(c); g != nil {
			g.follows[c.Kind] += c.times()
			continue
		}
		g := h.group(groupKey{c.Kind, c.AllowedBy})
		g.count += c.times()
		g.cases = append(g.cases, *c)
		switch {
		case rank[c.Kind] < causal:
			h.register(c, g.at)
		case c.Kind == NonmonotonicSend || c.Kind == IntNonmonotonicSend || c.Kind == OffsetRegression:
			for _, v := range append([]int64{c.Value}, c.Others...) {
				h.bySend[place{c.Log, v}] = g.at
			}
		case c.Kind == NonmonotonicPoll || c.Kind == IntNonmonotonicPoll:
			h.byPoll[c.Ops[1]] = append(h.byPoll[c.Ops[1]], backward{c.Log, c.From, c.To, g.at})
		case c.Kind == LogStartRegression:
			h.byStart[c.Log] = append(h.byStart[c.Log], backward{c.Log, c.From, c.To, g.at})
		case c.Kind == EndOffsetRegression:
			h.byEnd[place{c.Log, c.Offset}] = g.at
		case c.AllowedBy == "" && (c.Kind == IntPollSkip || c.Kind == PollSkip || c.Kind == CommitBeyondConsumed):
			h.passed = append(h.passed, passing{c.Group, c.Log, c.From, c.To, g.at})
		}
	}
	h.spread(beyond)
	return h.anomalies()
}

// cause returns the headline that a case follows from, nil where it is one itself.
func (h *headlines) cause(c *Case) *group {
	skip := c.Kind == PollSkip || c.Kind == IntPollSkip || c.Kind == SkippedByGroup
	if c.Group != "" && !skip {
		return nil // it is about a commit, and not about the record at its offset
	}
	if !skip {
		if at, ok := h.ofRecord(c); ok {
			return h.groups[at]
		}
	}
	if rank[c.Kind] < causal {
		return nil
	}
	if c.From <= c.To {
		if g := h.causeAmong(c, skip); g != nil {
			return g
		}
	}
	switch {
	case c.Kind == SkippedByGroup:
		for _, p := range h.passed {
			if p.log == c.Log && (p.consumer == "" || p.consumer == c.Group) && p.from <= c.To && c.From <= p.to {
				return h.groups[p.group]
			}
		}
	case skip: // what a poll passes over it may have returned out of order
		for _, op := range c.Ops[:2] {
			for _, b := range h.byPoll[op] {
				if b.log == c.Log && b.from <= c.To && c.From <= b.to {
					return h.groups[b.group]
				}
			}
		}
	case c.Kind == DeletedRecordRead: // the log was told to begin there again
		for _, b := range h.byStart[c.Log] {
			if b.from <= c.Offset && c.Offset <= b.to {
				return h.groups[b.group]
			}
		}
	case c.Kind == OffsetRegression || c.Kind == NonlinearizableLog || c.Kind == IntSendSkip:
		// What two sends prove says more than what a third operation makes of it,
		// and a producer's own order more than that of two.
		for _, v := range append([]int64{c.Value}, c.Others...) {
			if at, ok := h.bySend[place{c.Log, v}]; ok && v != -1 {
				return h.groups[at]
			}
		}
		// The same false end is told again, or a read is answered from it.
		if at, ok := h.byEnd[place{c.Log, c.Offset}]; ok && c.Kind == NonlinearizableLog {
			return h.groups[at]
		}
	}
	return nil
}

// ofRecord returns the first headline about the case's offset or records.
func (h *headlines) ofRecord(c *Case) (at int, found bool) {
	look := func(m map[place]int, n int64) {
		if g, ok := m[place{c.Log, n}]; ok && (!found || g < at) {
			at, found = g, true
		}
	}
	if c.Offset >= 0 {
		look(h.byOffset, c.Offset)
	}
	if c.Value != -1 {
		look(h.byValue, c.Value)
	}
	for _, v := range c.Others {
		look(h.byValue, v)
	}
	return at, found
}

// causeAmong looks for causes in the range of offsets that a case is about. A
// skip follows only where every record that was skipped has a cause.
func (h *headlines) causeAmong(c *Case, skip bool) *group {
	all := h.offsets[c.Log]
	lo, _ := slices.BinarySearchFunc(all, c.From, func(o causeOffset, n int64) int { return cmp.Compare(o.offset, n) })
	hi, _ := slices.BinarySearchFunc(all, c.To, func(o causeOffset, n int64) int {
		if o.offset <= n {
			return -1
		}
		return 1
	})
	if lo == hi {
		return nil
	}
	if skip && distinct(all[lo:hi]) < c.B {
		return nil
	}
	return h.groups[all[lo].group]
}

func distinct(sorted []causeOffset) int64 {
	n := int64(0)
	for i := range sorted {
		if i == 0 || sorted[i].offset != sorted[i-1].offset {
			n++
		}
	}
	return n
}

// register makes a headline the cause of what concerns its record. What a
// stranger claims to be called says nothing about our record of that value.
func (h *headlines) register(c *Case, at int) {
	if c.Offset >= 0 {
		p := place{c.Log, c.Offset}
		if _, ok := h.byOffset[p]; !ok {
			h.byOffset[p] = at
		}
		h.offsets[c.Log] = append(h.offsets[c.Log], causeOffset{c.Offset, at})
	}
	if c.Value == -1 || c.Kind == CorruptRecord || c.Kind == MisroutedRecord {
		return
	}
	p := place{c.Log, c.Value}
	if _, ok := h.byValue[p]; !ok {
		h.byValue[p] = at
	}
}

func (h *headlines) group(k groupKey) *group {
	g := h.index[k]
	if g == nil {
		g = &group{groupKey: k, at: len(h.groups), follows: map[Kind]int64{}}
		h.index[k] = g
		h.groups = append(h.groups, g)
	}
	return g
}

// spread counts what was found beyond the limit of cases, where most of its
// kind went.
func (h *headlines) spread(beyond map[Kind]int64) {
	for k, n := range beyond {
		var most *group
		found := int64(0)
		follow := false
		for _, g := range h.groups {
			if g.kind == k && g.count > found {
				most, found, follow = g, g.count, false
			}
			if g.follows[k] > found {
				most, found, follow = g, g.follows[k], true
			}
		}
		switch {
		case most == nil:
			h.group(groupKey{kind: k}).count += n
		case follow:
			most.follows[k] += n
		default:
			most.count += n
		}
	}
}

// anomalies turns the groups into the verdict's anomalies, violations first.
func (h *headlines) anomalies() []Anomaly {
	groups := slices.Clone(h.groups)
	slices.SortStableFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(btoi(a.allowed != ""), btoi(b.allowed != "")), cmp.Compare(rank[a.kind], rank[b.kind]), cmp.Compare(a.allowed, b.allowed))
	})
	out := []Anomaly{}
	for _, g := range groups {
		out = append(out, h.anomaly(g))
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (h *headlines) anomaly(g *group) Anomaly {
	a := Anomaly{Kind: g.kind, Jepsen: Kinds[rank[g.kind]].Jepsen, AllowedBy: g.allowed, Count: g.count, Examples: []Example{}, Follows: []Follow{}}
	for i := range g.cases {
		c := &g.cases[i]
		if i == 0 {
			if log := c.Log; log >= 0 { // what concerns the cluster has none
				a.Log = &log
			}
		} else if a.Log != nil && *a.Log != c.Log {
			a.Log = nil
		}
		if limit := h.env.Options.MaxExamples; limit < 0 || i < limit {
			why := ""
			if c.Why != nil {
				why = c.Why(c)
			}
			a.Examples = append(a.Examples, Example{Log: c.Log, Ops: c.ops(), Offset: c.Offset, Value: c.Value, Why: why, Group: c.Group, Window: c.Window})
		}
	}
	for _, k := range Kinds {
		if n := g.follows[k.Name]; n > 0 {
			a.Follows = append(a.Follows, Follow{k.Name, n})
		}
	}
	return a
}
