package checker

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// naiveGroup judges a tiny history of one group and one log in the plainest
// way: every order of the register's operations, every offset, every pair of
// owners. It shares nothing with the pass but the history.
type naiveGroup struct {
	ops       []naiveOp
	delivered map[int64]bool
	others    map[int64]bool // polled outside of the group
	top       int64          // the furthest commit in force
	beyond    bool
	owners    []naiveOwner
}

type naiveOp struct {
	write, open bool // open: a commit without an outcome
	id, offset  int64
	call, ret   time.Duration
}

type naiveOwner struct {
	process, generation int64
	since, until        time.Duration
}

func naiveGroupOf(h histtest.History) *naiveGroup {
	n := &naiveGroup{delivered: map[int64]bool{}, others: map[int64]bool{}, top: -1}
	call := map[int64]time.Duration{}
	quiet := map[int64]time.Duration{}
	owns := map[int64]int{} // by process: its owner + 1
	end := func(process int64, at time.Duration) {
		if i := owns[process]; i > 0 {
			n.owners[i-1].until = at
		}
		delete(owns, process)
	}
	high := func() int64 {
		end := int64(0)
		for o := range n.delivered {
			end = max(end, o+1)
		}
		return end
	}
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Type == histories.Invoke {
			call[op.Process] = op.Time
			continue
		}
		for _, e := range op.Rebalances {
			end(op.Process, quiet[op.Process])
			if e.What == histories.Assigned {
				n.owners = append(n.owners, naiveOwner{op.Process, e.Generation, op.Time, math.MaxInt64})
				owns[op.Process] = len(n.owners)
			}
		}
		switch op.F {
		case histories.Poll:
			for _, r := range op.Recs {
				if op.Group == "g" {
					n.delivered[r.Offset] = true
				} else {
					n.others[r.Offset] = true
				}
			}
		case histories.Commit:
			for _, o := range op.Offsets {
				n.ops = append(n.ops, naiveOp{true, op.Type == histories.Info, op.IDs[0], o.Offset, call[op.Process], op.Time})
				n.beyond = n.beyond || o.Offset > high()
				if op.Type == histories.OK {
					n.top = max(n.top, o.Offset)
				}
			}
		case histories.Committed:
			n.ops = append(n.ops, naiveOp{false, false, op.IDs[0], op.Offsets[0].Offset, call[op.Process], op.Time})
			n.beyond = n.beyond || op.Offsets[0].Offset > high()
			n.top = max(n.top, op.Offsets[0].Offset)
		}
		quiet[op.Process] = call[op.Process]
	}
	for p := range owns {
		end(p, quiet[p])
	}
	return n
}

// register tells whether some order explains every commit and answer.
func (n *naiveGroup) register() bool {
	left := make([]int, len(n.ops))
	for i := range left {
		left[i] = i
	}
	return n.explains(left, -1, -1)
}

func (n *naiveGroup) explains(left []int, id, offset int64) bool {
	done := true
	for _, i := range left {
		done = done && n.ops[i].write && n.ops[i].open
	}
	if done {
		return true
	}
	for at, i := range left {
		o := n.ops[i]
		first := true // no other operation ended before it began
		for _, j := range left {
			b := n.ops[j]
			first = first && !(b.ret < o.call && !(b.write && b.open))
		}
		if !first || !o.write && (o.id != id || o.offset != offset) {
			continue
		}
		rest := slices.Delete(slices.Clone(left), at, at+1)
		if o.write && n.explains(rest, o.id, o.offset) || !o.write && n.explains(rest, id, offset) {
			return true
		}
	}
	return false
}

func (n *naiveGroup) skipped() bool {
	for o := range n.others {
		if o < n.top && !n.delivered[o] {
			return true
		}
	}
	return false
}

func (n *naiveGroup) twoOwners() bool {
	for i, a := range n.owners {
		for _, b := range n.owners[:i] {
			if a.process != b.process && a.generation == b.generation && max(a.since, b.since) <= min(a.until, b.until) {
				return true
			}
		}
	}
	return false
}

// tinyGroup draws a history of a few clients, honest or not.
func tinyGroup(t *rapid.T) histtest.History {
	var h histtest.History
	h.Header = grouped(Strict)
	now := time.Duration(0)
	put := func(op histories.Op, ty histories.Type) {
		if rapid.IntRange(0, 3).Draw(t, "tick") > 0 {
			now++
		}
		op.Type, op.Time, op.Index = ty, now, int64(len(h.Ops))
		h.Ops = append(h.Ops, op)
	}
	const records = 4
	send := histories.Op{Process: 0, F: histories.Send}
	poll := histories.Op{Process: 1, F: histories.Poll, Mops: []histories.Mop{{Polled: true, To: 1}}, Runs: []histories.Run{{Key: 0, To: records}}}
	for o := range int64(records) {
		send.Mops = append(send.Mops, histories.Mop{Send: true, Value: 10 + o, Offset: o})
		poll.Recs = append(poll.Recs, histories.Rec{Offset: o, Value: 10 + o})
	}
	put(send, histories.Invoke)
	put(send, histories.OK)
	put(poll, histories.Invoke)
	put(poll, histories.OK)
	open := map[int64]histories.Op{}
	commits := []histories.KeyOffset{{Key: -1, Offset: -1}} // by id: Key is the id here
	next := int64(2)
	for range rapid.IntRange(4, 14).Draw(t, "steps") {
		p := rapid.Int64Range(0, 2).Draw(t, "client")
		if op, busy := open[p]; busy {
			delete(open, p)
			if op.F != histories.Commit {
				put(op, histories.OK)
				continue
			}
			ty := rapid.SampledFrom([]histories.Type{histories.OK, histories.OK, histories.Info}).Draw(t, "outcome")
			put(op, ty)
			continue
		}
		op := histories.Op{Process: next + p, Group: "g"}
		switch rapid.SampledFrom([]int{0, 0, 0, 1, 1, 1, 2, 3}).Draw(t, "what") {
		case 0:
			op.F, op.IDs = histories.Commit, []int64{int64(len(commits))}
			at := histories.KeyOffset{Offset: rapid.Int64Range(0, records+1).Draw(t, "offset")}
			commits = append(commits, histories.KeyOffset{Key: op.IDs[0], Offset: at.Offset})
			op.Keys, op.Offsets = []int64{0}, []histories.KeyOffset{at}
		case 1:
			c := rapid.SampledFrom(commits).Draw(t, "told")
			op.F, op.Keys, op.IDs, op.Offsets = histories.Committed, []int64{0}, []int64{c.Key}, []histories.KeyOffset{{Offset: c.Offset}}
		case 2:
			from := rapid.Int64Range(0, records-1).Draw(t, "from")
			to := rapid.Int64Range(from+1, records).Draw(t, "to")
			op.F, op.Mops, op.Runs = histories.Poll, []histories.Mop{{Polled: true, To: 1}}, []histories.Run{{Key: 0, To: int32(to - from)}}
			for o := from; o < to; o++ {
				op.Recs = append(op.Recs, histories.Rec{Offset: o, Value: 10 + o})
			}
		case 3:
			what := rapid.SampledFrom([]string{histories.Assigned, histories.Revoked}).Draw(t, "event")
			op.F, op.Mops = histories.Poll, []histories.Mop{{Polled: true}}
			op.Rebalances = []histories.Rebalance{{What: what, Generation: rapid.Int64Range(1, 2).Draw(t, "generation"), Keys: []int64{0}}}
		}
		open[p] = op
		put(op, histories.Invoke)
		if op.F == histories.Commit { // an info ends its process
			next += 3
		}
	}
	for _, p := range []int64{0, 1, 2} {
		if op, busy := open[p]; busy {
			put(op, histories.OK)
		}
	}
	return h
}

// TestGroupsAgreeWithTheNaiveJudge compares the pass with the naive judge.
func TestGroupsAgreeWithTheNaiveJudge(t *testing.T) {
	seen := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		h := tinyGroup(t)
		n := naiveGroupOf(h)
		v := judge(h, Options{MinAcked: -1, MinOpsPerFault: -1, MaxExamples: -1})
		found := map[Kind]bool{}
		for _, a := range v.Anomalies {
			found[a.Kind] = true
			for _, f := range a.Follows {
				found[f.Kind] = true
			}
		}
		legal := n.register()
		seen[legal]++
		for _, c := range []struct {
			what string
			want bool
			got  bool
		}{
			{"the register is contradicted", !legal, found[CommittedOffsetLost] || found[CommittedOffsetRegression] || found[CommittedOffsetNonlinearizable]},
			{"a commit goes beyond", n.beyond, found[CommitBeyondConsumed]},
			{"a record is skipped", n.skipped(), found[SkippedByGroup]},
			{"a log has two owners", n.twoOwners(), found[TwoOwners]},
		} {
			if c.got != c.want {
				t.Fatalf("%s: the pass says %v, the naive judge %v\n%s", c.what, c.got, c.want, text(v))
			}
		}
		for _, u := range v.Unknown {
			if u.Kind == CheckerDisagreement || u.Kind == MalformedHistory {
				t.Fatalf("%s: %s", u.Checker, u.Why)
			}
		}
		early, whole := guilty(h.Header, true, h.Ops)
		if early != "" && whole.Valid != Invalid {
			t.Fatalf("%s was certain before the end, and the verdict is %v\n%s", early, whole.Valid, text(whole))
		}
		if early == "" && (!legal || n.twoOwners()) {
			t.Fatalf("nothing was seen before the end\n%s", text(whole))
		}
	})
	if seen[true] < 5 || seen[false] < 5 {
		t.Errorf("%d legal registers and %d others: too few to compare", seen[true], seen[false])
	}
}
