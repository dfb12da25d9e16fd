package checker

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ackproof/ackproof/checker/linear"
)

const forever = linear.Forever

// registerOp is a commit of one log, or an answer to what was committed of it.
type registerOp struct {
	linear.RegisterOp
	offset int64
	stale  bool // an answer that may be older than its question
}

// add keeps an operation on the register.
func (l *groupLog) add(e *Env, process int64, o registerOp) {
	if e.Model != Session {
		process = 0
	}
	l.register[process] = append(l.register[process], o)
	l.fresh[process]++
	if o.Write {
		l.writes[o.Value] = o
	}
}

// register judges what was said of a group's committed offset.
func (c *groups) register(g *consumerGroup, l *groupLog) {
	for _, p := range sortedKeys(l.register) {
		ops := l.register[p]
		// Under the session model the write may be another process's.
		r := registerJudge{c: c, g: g, l: l, add: c.r.Add, writes: maps.Clone(l.writes), read: map[int64]bool{}, own: map[int64]bool{}}
		r.judge(ops)
	}
}

// registerJudge judges one register.
type registerJudge struct {
	c      *groups
	g      *consumerGroup
	l      *groupLog
	add    func(Case)           // takes what is found
	writes map[int64]registerOp // by id
	read   map[int64]bool       // ids that somebody was told
	own    map[int64]bool       // ids of the operations that are judged together
}

func (r *registerJudge) judge(ops []registerOp) {
	sound, stale := r.answers(ops)
	held := sound
	if stale {
		r.g.stats.Stale += int64(len(linear.Zones(sound)))
		held = r.relaxed(ops, sound)
	}
	found := linear.Zones(held)
	for _, v := range found {
		r.pair(v)
	}
	r.windows(held, len(found) == 0)
}

// answers reports the answers that the register cannot have given, and returns
// the operations without them; stale, that some answers may be old.
func (r *registerJudge) answers(ops []registerOp) (sound []linear.RegisterOp, stale bool) {
	for _, o := range ops {
		if o.Write {
			r.own[o.Value] = true
		}
	}
	for _, o := range ops {
		if !o.Write && !r.answer(&o, &sound) {
			continue
		}
		stale = stale || o.stale
		sound = append(sound, o.RegisterOp)
	}
	return sound, stale
}

// answer tells whether an answer is one that the register can have given; what
// it cannot is a case by itself. A commit that never completed is added.
func (r *registerJudge) answer(o *registerOp, sound *[]linear.RegisterOp) bool {
	if o.Value < 0 {
		if o.offset < 0 {
			return true
		}
		r.told(o, nil, "under no id of a commit of this run")
		return false
	}
	w, known := r.writes[o.Value]
	if !known {
		call, open := r.g.open[o.Value]
		if !open {
			how := "which nobody made"
			if entry, refused := r.g.refused[o.Value]; refused {
				how = "which was refused" + r.c.f.entryText(entry)
			}
			r.told(o, nil, fmt.Sprintf("as commit %d, %s", o.Value, how))
			return false
		}
		w = registerOp{offset: o.offset}
		w.Write, w.Value, w.Call, w.Ret, w.Entry = true, o.Value, call.at, forever, call.entry
		r.writes[o.Value] = w
		r.own[o.Value] = true
		*sound = append(*sound, w.RegisterOp)
	}
	if w.offset != o.offset {
		r.changed(o, &w)
		return false
	}
	r.read[o.Value] = true
	if r.c.env.Model == Session && !r.own[o.Value] {
		r.own[o.Value] = true // another process's, of which nothing is known in time
		*sound = append(*sound, linear.RegisterOp{Write: true, Value: o.Value, Call: math.MinInt64, Ret: forever, Entry: w.Entry})
	}
	if r.c.env.Model != Session && o.Ret < w.Call {
		r.told(o, &w, fmt.Sprintf("as commit %d, which had not been begun", o.Value))
		return false
	}
	return true
}

// relaxed lets answers that may be stale begin before everything: they prove
// that their commit had happened by then, and nothing about what came after it.
func (r *registerJudge) relaxed(ops []registerOp, sound []linear.RegisterOp) []linear.RegisterOp {
	free := map[int64]bool{} // by entry
	bound := r.c.env.Contract.StalenessMillis * 1e6
	for _, o := range ops {
		if o.stale {
			free[o.Entry] = true
		}
	}
	out := slices.Clone(sound)
	for i := range out {
		if o := &out[i]; !o.Write && free[o.Entry] {
			if bound > 0 {
				o.Call -= bound
			} else {
				o.Call = math.MinInt64
			}
		}
	}
	return out
}

// pair names a pair: what was current again, and what was committed between.
func (r *registerJudge) pair(v linear.RegisterViolation) {
	old, now := r.offsetOf(v.Again.Value), r.offsetOf(v.Between.Value)
	kind := CommittedOffsetNonlinearizable
	switch {
	case v.Again.Value < 0:
		kind = CommittedOffsetLost
	case old >= now:
	case v.Read:
		kind = CommittedOffsetRegression
	default:
		kind = CommittedOffsetLost
	}
	k := r.newCase(kind, old)
	k.Ops = [3]int64{v.Between.Entry, v.Again.Entry, -1}
	k.AllowedBy = r.c.crashes.groupsClause(v.Between.Entry, v.Again.Entry)
	k.Why = func(k *Case) string {
		return fmt.Sprintf("Group %s %s of %s%s, after %s%s, and nobody committed the former again: what a group has committed is what it committed last.",
			r.g.Name, r.wasTold(v.Again), r.c.env.logName(k.Log), r.c.f.entryText(k.Ops[1]), r.cameBetween(v.Between), r.c.f.entryText(k.Ops[0]))
	}
	r.add(k)
}

func (r *registerJudge) wasTold(o linear.RegisterOp) string {
	if o.Value < 0 {
		return "was told that it has committed nothing"
	}
	what := "was told"
	if o.Write {
		what = "committed"
	}
	return fmt.Sprintf("%s offset %d (commit %d)", what, r.offsetOf(o.Value), o.Value)
}

func (r *registerJudge) cameBetween(o linear.RegisterOp) string {
	switch {
	case o.Value < 0:
		return "it was told that it has committed nothing"
	case o.Write && !r.read[o.Value]:
		return fmt.Sprintf("the commit of offset %d (commit %d), which nobody was ever told, was acknowledged", r.offsetOf(o.Value), o.Value)
	case o.Write:
		return fmt.Sprintf("the commit of offset %d (commit %d) was acknowledged", r.offsetOf(o.Value), o.Value)
	}
	return fmt.Sprintf("it was told offset %d (commit %d)", r.offsetOf(o.Value), o.Value)
}

// offsetOf is the offset of a commit, -1 for none.
func (r *registerJudge) offsetOf(id int64) int64 {
	if w, ok := r.writes[id]; ok {
		return w.offset
	}
	return -1
}

// newCase returns a case about what the group has committed.
func (r *registerJudge) newCase(kind Kind, offset int64) Case {
	k := newCase(kind, r.l.key)
	k.Offset, k.Group = offset, r.g.Name
	return k
}

// told reports an answer that no order of the commits explains.
func (r *registerJudge) told(o *registerOp, w *registerOp, how string) {
	k := r.newCase(CommittedOffsetNonlinearizable, o.offset)
	k.Ops[0] = o.Entry
	if w != nil {
		k.Ops[1] = w.Entry
	}
	k.Why = func(k *Case) string {
		return fmt.Sprintf("Group %s was told that it has committed offset %d of %s%s %s.",
			r.g.Name, k.Offset, r.c.env.logName(k.Log), r.c.f.entryText(k.Ops[0]), how)
	}
	r.add(k)
}

// changed reports an answer whose offset is not the one that was committed
// under its id. One that is beyond everything that was delivered is found as
// such; any other that is too high can only skip what had been delivered.
func (r *registerJudge) changed(o, w *registerOp) {
	kind := CommittedOffsetRegression
	if o.offset > w.offset {
		if slices.ContainsFunc(r.l.ahead, func(a reach) bool { return a.offset == o.offset }) {
			return
		}
		kind = CommittedOffsetNonlinearizable
	}
	k := r.newCase(kind, o.offset)
	k.Ops = [3]int64{w.Entry, o.Entry, -1}
	k.A, k.B = w.offset, o.Value
	k.Why = func(k *Case) string {
		return fmt.Sprintf("Group %s was told offset %d of %s%s for commit %d, which committed offset %d%s: what is told is what was committed.",
			r.g.Name, k.Offset, r.c.env.logName(k.Log), r.c.f.entryText(k.Ops[1]), k.B, k.A, r.c.f.entryText(k.Ops[0]))
	}
	r.add(k)
}

// registerWindow is the most operations of a window that porcupine is asked
// about: it decides a register of that size at once, whatever the concurrency.
const registerWindow = 512

// windows asks porcupine about the same operations, window by window. Zones
// judge all of them; where the two disagree nothing is said.
func (r *registerJudge) windows(ops []linear.RegisterOp, legal bool) {
	var bounded []linear.RegisterOp
	first := map[int64]int64{} // by id: when an answer that may be older proves it
	for _, o := range ops {
		if o.Write || o.Call != math.MinInt64 {
			bounded = append(bounded, o)
		} else if t, ok := first[o.Value]; !ok || o.Ret < t {
			first[o.Value] = o.Ret
		}
	}
	for i := range bounded {
		if o := &bounded[i]; o.Write {
			if t, ok := first[o.Value]; ok && t < o.Ret {
				o.Ret = max(t, o.Call)
			}
		}
	}
	all, undecided := true, false
	for _, w := range linear.RegisterWindows(bounded, registerWindow) {
		if len(w.Ops) > 2*registerWindow {
			undecided = true
			continue
		}
		ok, decided := w.Check(context.Background(), r.c.env.Options.WindowTimeout)
		all, undecided = all && (ok || !decided), undecided || !decided
		if decided {
			r.c.r.judged.CommitWindows++
		}
	}
	if all != legal && (legal || !undecided) {
		r.c.r.Unknown(CheckerDisagreement, fmt.Sprintf("zones say %t and porcupine %t of what group %s has committed of %s: please report this history",
			legal, all, r.g.Name, r.c.env.logName(r.l.key)))
	}
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }
