package histtest

import (
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// commitEntry is the commit of one log by its entries.
type commitEntry struct {
	sent
	id, offset int64
}

// answer is what was told of a group's committed offset: Offsets[at] of an entry.
type answer struct {
	entry, at int
	id        int64
}

// groupLogKey is a log in a group.
type groupLogKey struct {
	group string
	log   int64
}

// registers lists what the groups committed, acknowledged commits in the order
// of their invocations, and what operations were told.
func (v *view) registers() (commits map[groupLogKey][]commitEntry, answers map[groupLogKey][]answer) {
	commits, answers = map[groupLogKey][]commitEntry{}, map[groupLogKey][]answer{}
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.Type == histories.Invoke {
			if done := v.pair[i]; op.F == histories.Commit && done >= 0 && v.Ops[done].Type == histories.OK {
				for _, o := range v.Ops[done].Offsets {
					k := groupLogKey{op.Group, o.Key}
					commits[k] = append(commits[k], commitEntry{sent{i, done}, op.IDs[0], o.Offset})
				}
			}
			continue
		}
		if len(op.IDs) == 0 || op.F == histories.Commit {
			continue
		}
		for at, o := range op.Offsets {
			k := groupLogKey{op.Group, o.Key}
			answers[k] = append(answers[k], answer{i, at, op.IDs[at]})
		}
	}
	return commits, answers
}

// older is an answer of an operation, and a commit below what it told that had
// been followed by another one before the operation was invoked.
type older struct {
	groupLogKey
	answer
	old, newer commitEntry
	first      bool // nobody had been told the newer one before
	told       int  // the answers that tell the newer one
}

// olders lists them.
func (v *view) olders() []older {
	commits, answers := v.registers()
	var out []older
	for key, all := range commits {
		for _, a := range answers[key] {
			if v.Ops[a.entry].F != histories.Committed {
				continue // when a member asked nobody knows
			}
			i := slices.IndexFunc(all, func(c commitEntry) bool { return c.id == a.id })
			if i < 1 {
				continue
			}
			o := older{groupLogKey: key, answer: a, old: all[i-1], newer: all[i], first: true}
			if o.old.offset >= o.newer.offset || o.old.done > o.newer.invoke || o.newer.done > v.pair[a.entry] {
				continue
			}
			for _, b := range answers[key] {
				if b.id == a.id {
					o.told++
					if b.entry < v.pair[a.entry] {
						o.first = false
					}
				}
			}
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b older) int { return a.entry - b.entry })
	return out
}

// tell replaces what an operation was told.
func (v *view) tell(a answer, c commitEntry) {
	op := &v.Ops[a.entry]
	op.Offsets[a.at].Offset, op.IDs[a.at] = c.offset, c.id
}

// tellOlder tells an older commit after the newer one had been told.
func tellOlder(v *view) (Evidence, bool) {
	o, ok := pick(v.r, where(v.olders(), func(o older) bool { return !o.first && o.told > 1 }))
	if !ok {
		return Evidence{}, false
	}
	v.tell(o.answer, o.old)
	return Evidence{o.log, o.old.offset, -1, []int64{v.index(o.newer.done), v.index(o.entry)}}, true
}

// loseCommit tells the commit before to the only one who was told of a commit.
func loseCommit(v *view) (Evidence, bool) {
	o, ok := pick(v.r, where(v.olders(), func(o older) bool { return o.told == 1 }))
	if !ok {
		return Evidence{}, false
	}
	v.tell(o.answer, o.old)
	return Evidence{o.log, o.old.offset, -1, []int64{v.index(o.newer.done), v.index(o.entry)}}, true
}

// refuseTold makes a commit that was told a refused one.
func refuseTold(v *view) (Evidence, bool) {
	commits, answers := v.registers()
	type candidate struct {
		groupLogKey
		commitEntry
		answer
	}
	var all []candidate
	for key, list := range commits {
		for _, a := range answers[key] {
			for _, c := range list {
				if c.id == a.id {
					all = append(all, candidate{key, c, a})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return a.entry - b.entry })
	c, ok := pick(v.r, all)
	if !ok {
		return Evidence{}, false
	}
	op := &v.Ops[c.done]
	op.Type, op.Error, op.Offsets, op.Keys = histories.Fail, "another generation", nil, nil
	return Evidence{c.log, c.offset, -1, []int64{v.index(c.entry)}}, true
}

// tellBeyond tells an offset beyond the end of the log.
func tellBeyond(v *view) (Evidence, bool) {
	var all []answer
	_, answers := v.registers()
	for _, list := range answers {
		all = append(all, where(list, func(a answer) bool { return a.id >= 0 && v.Ops[a.entry].F == histories.Committed })...)
	}
	slices.SortFunc(all, func(a, b answer) int { return a.entry - b.entry })
	a, ok := pick(v.r, all)
	if !ok {
		return Evidence{}, false
	}
	o := &v.Ops[a.entry].Offsets[a.at]
	o.Offset = v.ends[o.Key] + 1 + v.r.Int64N(10)
	return Evidence{o.Key, o.Offset, -1, []int64{v.index(a.entry)}}, true
}

// skipOver takes a record out of every poll of a group that goes on to commit
// over it.
func skipOver(v *view) (Evidence, bool) {
	commits, _ := v.registers()
	var all []groupRecord
	for key, list := range commits {
		top := int64(0)
		for _, c := range list {
			top = max(top, c.offset)
		}
		for at := range v.readers {
			if at.log == key.log && at.offset < top-1 && v.atFront(key.group, at) {
				all = append(all, groupRecord{key.group, at})
			}
		}
	}
	slices.SortFunc(all, func(a, b groupRecord) int {
		return int(a.log-b.log)*1_000_000 + int(a.offset-b.offset)
	})
	c, ok := pick(v.r, all)
	if !ok {
		return Evidence{}, false
	}
	v.drop(c.record, func(entry int) bool { return v.Ops[entry].Group == c.group })
	return Evidence{c.log, c.offset, -1, nil}, true
}

type groupRecord struct {
	group string
	record
}

// atFront tells whether a group's polls of a record begin with it and return
// more, and others polled it too.
func (v *view) atFront(group string, at record) bool {
	mine, others := 0, 0
	for _, s := range v.readers[at] {
		op := &v.Ops[s.op]
		if op.Group != group {
			others++
			continue
		}
		recs := runOf(op, at.log)
		if len(recs) < 2 || recs[0].Offset != at.offset {
			return false
		}
		mine++
	}
	return mine > 0 && others > 0
}

// giveTwice tells a member that it owns what another one owns in the same generation.
func giveTwice(v *view) (Evidence, bool) {
	type event struct {
		entry, at  int
		generation int64
	}
	given := map[string][]event{}
	var firsts, seconds []event
	for i := range v.Ops {
		op := &v.Ops[i]
		for at, e := range op.Rebalances {
			if e.What != histories.Assigned {
				continue
			}
			for _, f := range given[op.Group] {
				if f.generation == e.Generation && v.Ops[f.entry].Process != op.Process && v.keeps(f.entry, v.Ops[f.entry].Rebalances[f.at].Keys[0], i) && v.goesOn(i) {
					firsts, seconds = append(firsts, f), append(seconds, event{i, at, e.Generation})
				}
			}
			given[op.Group] = append(given[op.Group], event{i, at, e.Generation})
		}
	}
	if len(firsts) == 0 {
		return Evidence{}, false
	}
	n := v.r.IntN(len(firsts))
	f, s := firsts[n], seconds[n]
	key := v.Ops[f.entry].Rebalances[f.at].Keys[0]
	e := &v.Ops[s.entry].Rebalances[s.at]
	e.Keys = append(slices.Clone(e.Keys), key)
	return Evidence{key, -1, -1, []int64{v.index(f.entry), v.index(s.entry)}}, true
}

// keeps tells whether the process of an entry completes two operations behind
// another entry before it gives a log up.
func (v *view) keeps(entry int, key int64, until int) bool {
	done := 0
	for i := entry + 1; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.Process != v.Ops[entry].Process {
			continue
		}
		if op.F == histories.Subscribe || op.F == histories.Crash || op.Type == histories.Info {
			return false
		}
		if slices.ContainsFunc(op.Rebalances, func(e histories.Rebalance) bool { return slices.Contains(e.Keys, key) }) {
			return false
		}
		if op.Type != histories.Invoke && v.pair[i] > until {
			if done++; done == 2 {
				return true
			}
		}
	}
	return false
}

// goesOn tells whether the process of an entry completes another operation as a member.
func (v *view) goesOn(entry int) bool {
	for i := entry + 1; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.Process == v.Ops[entry].Process && op.Type != histories.Invoke {
			return op.Type != histories.Info && op.F != histories.Subscribe
		}
	}
	return false
}

// landLate lets a commit without an outcome that nobody saw land before the
// final answers.
func landLate(v *view) (Evidence, bool) {
	_, answers := v.registers()
	type candidate struct {
		groupLogKey
		answer
		commitEntry
	}
	var all []candidate
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.F != histories.Commit || op.Type != histories.Info {
			continue
		}
		for _, o := range op.Offsets {
			key := groupLogKey{op.Group, o.Key}
			list := answers[key]
			if len(list) > 0 && list[len(list)-1].entry >= v.final && !slices.ContainsFunc(list, func(a answer) bool { return a.id == op.IDs[0] }) {
				all = append(all, candidate{key, list[len(list)-1], commitEntry{sent{v.pair[i], i}, op.IDs[0], o.Offset}})
			}
		}
	}
	c, ok := pick(v.r, all)
	if !ok {
		return Evidence{}, false
	}
	v.tell(c.answer, c.commitEntry)
	return Evidence{c.log, c.commitEntry.offset, -1, []int64{v.index(c.entry)}}, true
}
