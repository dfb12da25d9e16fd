package checker

import (
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// jepsenRules comes to the verdict that jepsen.tests.kafka would come to, by
// its rules, from the facts of the other passes.
//
// Its rules compare neighbours by their places in the log, and the place of a
// value is known at the end only. So the pass keeps a tape of the history, a few
// bytes for each operation, and plays it back once the facts are complete.
type jepsenRules struct {
	rules   *JepsenRules
	f       *Facts
	tape    tape
	acked   int64            // ok completions so far: real time
	invoked processes[int64] // acked when the process's operation was invoked

	failed    map[point]bool            // by value: its send failed; true: and that came last
	doubted   map[point][]histories.Mop // by value: acknowledged, and sent once more with these, to an unknown outcome
	precommit int64
	named     []bool // by log: the result of an ok poll names it
	verdict   *JepsenVerdict
}

func newJepsenRules(e *Env, _ *Report) Pass {
	return &jepsenRules{rules: e.Options.Jepsen, f: e.Facts, failed: map[point]bool{}, doubted: map[point][]histories.Mop{}}
}

// Observe takes the next entry.
func (c *jepsenRules) Observe(op *histories.Op) {
	if c.rules == nil || op.Process < 0 {
		return
	}
	switch op.F {
	case histories.Assign, histories.Subscribe:
		if op.Type == histories.OK || op.Type == histories.Info {
			c.tape.assigned(c.f, op)
		}
	case histories.Send, histories.Poll, histories.Txn:
		at := c.invoked.at(op.Process)
		if op.Type == histories.Invoke {
			*at = c.acked
			return
		}
		c.completed(op)
		c.tape.completed(c.f, op, c.acked-*at, true)
		if op.Type == histories.OK {
			c.acked++
		}
	}
}

// completed notes what can be told at once.
func (c *jepsenRules) completed(op *histories.Op) {
	for i := range op.Mops {
		m := &op.Mops[i]
		if !m.Send {
			continue
		}
		at := point{c.f.log(m.Key).index, m.Value}
		c.sentAgain(op, at)
		if op.Type == histories.Fail {
			c.failed[at] = true
		} else if _, ok := c.failed[at]; ok {
			c.failed[at] = false
		}
	}
	if op.Type == histories.OK {
		for i := range op.Runs {
			log := c.f.log(op.Runs[i].Key).index
			for len(c.named) <= log {
				c.named = append(c.named, false)
			}
			c.named[log] = true
		}
	}
	if _, own := ownRecord(op); own {
		c.precommit++
	}
}

// sentAgain notes sends of unknown outcome of what was acknowledged before:
// the last send of a value is the one that counts.
func (c *jepsenRules) sentAgain(op *histories.Op, at point) {
	rec, ok := c.f.recs.find(at.log, at.n)
	if op.Type == histories.Info && ok && rec.has(recAcked) && len(c.doubted) < maxCases {
		c.doubted[at] = slices.Clone(op.Mops)
	} else if len(c.doubted) > 0 {
		delete(c.doubted, at)
	}
}

// refuted tells whether the last send of a value is not known to have written.
func (c *jepsenRules) refuted(at point) bool {
	if c.failed[at] {
		return true
	}
	mops, ok := c.doubted[at]
	return ok && !slices.ContainsFunc(mops, func(m histories.Mop) bool {
		rec, ok := c.f.recs.find(c.f.log(m.Key).index, m.Value)
		return m.Send && ok && rec.has(recRead)
	})
}

// Finish plays the tape back.
func (c *jepsenRules) Finish() {
	if c.rules == nil {
		return
	}
	counts := map[string]int64{
		jepsenInconsistent: int64(len(c.f.conflicts)) + c.f.over[InconsistentOffset],
		jepsenDuplicate:    int64(len(c.f.duplicates)) + c.f.over[Duplicate],
		jepsenPrecommitted: c.precommit,
	}
	crash := c.content(counts)
	walk := newJepsenWalk(c, counts)
	c.tape.play(c.f, walk.op)
	counts[jepsenG1a] += c.aborted()
	newJepsenGraph(c, walk.alone).judge(c.rules.NoWW, counts)
	c.verdict = c.rules.judge(counts, crash)
}

// aborted counts the ok polls of values that were sent once, and failed. The
// walk counts those of values that were sent several times.
func (c *jepsenRules) aborted() int64 {
	n := c.f.over[AbortedRead]
	for _, a := range c.f.aborted {
		if a.rec.has(recFailed) && !a.rec.has(recAcked|recInfo) {
			n += a.n
		}
	}
	return n
}

// content counts lost and unseen records, and tells why Jepsen's checker would
// throw.
func (c *jepsenRules) content(counts map[string]int64) (crash string) {
	loss := &loss{env: c.f.env, f: c.f}
	rules := make([]lossRule, len(c.f.logs))
	for i, l := range c.f.logs {
		if i >= len(c.named) || !c.named[i] {
			continue
		}
		if rules[i] = loss.bound(l); rules[i].bound < 0 {
			crash = fmt.Sprintf("IndexOutOfBounds: polls name %s and no record that they returned of it has a known offset", c.f.env.logName(l.key))
		}
	}
	c.f.recs.each(len(rules), func(log int, rec record) {
		if rec.has(recPolled) && !rec.has(recAcked|recFailed|recInfo) {
			crash = fmt.Sprintf("no-writer-of-value: value %d of %s was polled, and no send of it completed", rec.value, c.f.env.logName(c.f.logs[log].key))
		}
		if rec.has(recRead) {
			return
		}
		if rec.has(recAcked) {
			counts[jepsenUnseen]++
		}
		if !rec.has(recAcked|recProven) || !rules[log].judged || c.refuted(point{log, rec.value}) {
			return
		}
		offsets := c.f.offsetsOf(c.f.logs[log], rec)
		if len(offsets) > 0 && offsets[len(offsets)-1] <= rules[log].bound {
			counts[jepsenLostWrite]++
		}
	})
	return crash
}
