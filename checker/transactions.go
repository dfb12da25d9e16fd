package checker

import (
	"cmp"
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// transactions judges each transaction as a whole: what became of its records
// (torn-transaction), who read them too early (precommitted-read), who made it
// (fenced-producer-committed), and what it took in (eos-duplicate-effect).
//
// A transaction is certain where its commit was acknowledged, or where a reader
// of committed records got a record of it. An abort that answers well after a
// commit whose answer was lost proves nothing: such a transaction completes as
// info, and is undecided until somebody reads it.
type transactions struct {
	env   *Env
	f     *Facts
	r     *Report
	iso   isolations
	final finalReads

	invoked   processes[int64] // the entry of the process's invocation
	rows      []txnRow
	sends     []txnSend
	producers producers
	effects   effects
	count     Judged
}

// txnRow is a transaction that is looked at again once the facts are complete:
// one that was not acknowledged, or has several records.
type txnRow struct {
	done   int64  // the entry of its completion
	sends  uint32 // index of its first send; the next row's is the end
	info   bool   // the commit was not acknowledged
	fenced int32  // index + 1 into producers.late
	group  int32  // index + 1 into effects.late
}

// txnSend is a record of a transaction.
type txnSend struct {
	log   int32
	value int64
}

func newTransactions(e *Env, r *Report) Pass {
	return &transactions{
		env: e, f: e.Facts, r: r, iso: newIsolations(e),
		final:     newFinalReads(),
		producers: producers{ids: map[int64]*txnID{}},
		effects:   effects{groups: map[string]*groupEffects{}},
	}
}

// promised tells whether the final reads decide what is there.
func (c *transactions) promised() bool { return c.env.HasHeader && c.env.Header.FinalReads }

// Observe takes the next entry.
func (c *transactions) Observe(op *histories.Op) {
	c.final.observe(op)
	if op.Process >= 0 {
		switch {
		case op.Type == histories.Invoke:
			if op.F == histories.Txn || op.F == histories.Fence {
				*c.invoked.at(op.Process) = op.Index
			}
		case op.F == histories.Txn:
			c.completed(op)
		case op.F == histories.Fence:
			c.producers.completed(op, *c.invoked.at(op.Process), op.Type == histories.OK)
		case op.F == histories.Assign && op.Type == histories.OK:
			c.effects.assigned(op)
		}
	}
	c.iso.observe(op)
	if op.Process >= 0 && c.env.retires(op) {
		c.invoked.drop(op.Process)
		c.effects.procs.drop(op.Process)
	}
}

func (c *transactions) completed(op *histories.Op) {
	c.count.Txns++
	switch op.Type {
	case histories.OK:
		c.count.Committed++
	case histories.Fail:
		c.count.Aborted++
	}
	c.ownRead(op)
	n := 0
	for i := range op.Mops {
		if op.Mops[i].Send {
			n++
		}
	}
	effect := n > 0 || op.Group != ""
	since := *c.invoked.at(op.Process)
	by := c.producers.completed(op, since, op.Type == histories.OK && effect)
	if op.Type == histories.Fail {
		return
	}
	row := txnRow{done: op.Index, sends: uint32(len(c.sends)), info: op.Type == histories.Info}
	if by != nil && n > 0 {
		if k := c.fenced(op, by); row.info {
			row.fenced = c.producers.keep(k)
		} else {
			c.r.Add(k)
		}
	}
	if op.Group != "" {
		if row.info {
			row.group = c.effects.keep(op)
		} else {
			c.taken(op.Group, op.Index, c.effects.causes(op))
		}
	}
	if !row.info && (n < 2 || !c.promised()) || len(c.sends) > maxTxnSends {
		return
	}
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send {
			c.sends = append(c.sends, txnSend{int32(c.f.log(m.Key).index), m.Value})
		}
	}
	c.rows = append(c.rows, row)
}

// maxTxnSends bounds the records of transactions that are kept, 16 bytes each.
const maxTxnSends = 1 << 26

// ownRead reports a transaction that polled a record of its own: the commit
// comes after every poll, so nobody had decided on the record.
func (c *transactions) ownRead(op *histories.Op) {
	own, ok := ownRecord(op)
	if !ok || c.iso.of(op.Process) == histories.ReadUncommitted {
		return
	}
	k := newCase(PrecommittedRead, own.Key)
	k.Offset, k.Value, k.A = own.Offset, own.Value, op.Process
	k.Ops[0] = op.Index
	if !c.iso.committed(op.Process) {
		k.AllowedBy = "isolation=read_uncommitted"
	}
	k.Why = c.whyOwn
	c.r.Add(k)
}

func (c *transactions) whyOwn(k *Case) string {
	return fmt.Sprintf("A transaction of process %d%s polled record %d at offset %d of %s, which it had sent itself and not committed yet: whoever reads committed records gets it after the commit, or never.",
		k.A, c.f.entryText(k.Ops[0]), k.Value, k.Offset, c.env.logName(k.Log))
}

// ownRecord finds a record that an operation polled and sent itself.
func ownRecord(op *histories.Op) (own histories.Mop, found bool) {
	if len(op.Recs) == 0 {
		return own, false
	}
	for i := range op.Mops {
		m := &op.Mops[i]
		if !m.Send {
			continue
		}
		for _, run := range op.Runs {
			if run.Key != m.Key {
				continue
			}
			for _, r := range op.Recs[run.From:run.To] {
				if r.Value == m.Value {
					return histories.Mop{Send: true, Key: m.Key, Offset: r.Offset, Value: r.Value}, true
				}
			}
		}
	}
	return own, false
}

// Finish judges what only the whole history can tell.
func (c *transactions) Finish() {
	undecided := int64(0)
	for i := range c.rows {
		row := &c.rows[i]
		end := uint32(len(c.sends))
		if i+1 < len(c.rows) {
			end = c.rows[i+1].sends
		}
		sends := c.sends[row.sends:end]
		if row.info {
			if !c.proven(sends) {
				undecided++
				continue
			}
			c.count.Committed++
			if row.fenced > 0 {
				c.r.Add(c.producers.late[row.fenced-1])
			}
			if row.group > 0 {
				late := &c.effects.late[row.group-1]
				c.taken(late.group, row.done, late.causes)
			}
		}
		c.torn(row, sends)
	}
	c.count.Undecided = c.count.Txns - c.count.Committed - c.count.Aborted
	c.count.Effects = c.effects.count()
	c.r.judged.add(c.count)
	c.enough()
}

// proven tells whether a reader of committed records got one of the records:
// then all of them are committed. Where such readers get the records of aborted
// transactions as well, what they get proves nothing.
func (c *transactions) proven(sends []txnSend) bool {
	if c.f.abortsAreRead() {
		return false
	}
	for _, s := range sends {
		if rec, ok := c.f.recs.find(int(s.log), s.value); ok && rec.has(recCommittedRead) {
			return true
		}
	}
	return false
}

// torn reports the records of a certain transaction that the final reads do not
// return, where they return others of it.
func (c *transactions) torn(row *txnRow, sends []txnSend) {
	if len(sends) < 2 || !c.promised() || !c.final.ended {
		return
	}
	var there record
	found := false
	for _, s := range sends {
		if rec, ok := c.f.recs.find(int(s.log), s.value); ok && rec.has(recFinal) {
			there, found = rec, true
			break
		}
	}
	if !found {
		return
	}
	for _, s := range sends {
		l := c.f.logs[s.log]
		rec, ok := c.f.recs.find(int(s.log), s.value)
		final := c.final.logs[l.key]
		if !ok || rec.has(recFinal) || !final.complete() || l.compacted || l.topic >= 0 || l.mayBeDeleted(max(rec.offset(), 0), final.lastOp) {
			continue // it is there, or may be deleted, or nobody looked
		}
		k := newCase(TornTransaction, l.key)
		k.Offset, k.Value = rec.offset(), s.value
		k.Ops = [3]int64{row.done, there.readAt(), final.lastOp}
		k.A, k.B = there.value, int64(len(sends))
		k.AllowedBy = cmp.Or(c.env.LossAllowed(), c.f.crashes.clause(l.key, row.done, final.lastOp))
		k.Why = c.whyTorn
		c.r.Add(k)
	}
}

func (c *transactions) whyTorn(k *Case) string {
	at := "whose offset is not known"
	if k.Offset >= 0 {
		at = fmt.Sprintf("at offset %d", k.Offset)
	}
	return fmt.Sprintf("A transaction of %d records%s is committed: record %d of it was read%s. Record %d to %s, %s, is not there, although everything up to the end was read at last%s: a transaction is visible whole or not at all.",
		k.B, c.f.entryText(k.Ops[0]), k.A, c.f.entryText(k.Ops[1]), k.Value, c.env.logName(k.Log), at, c.f.entryText(k.Ops[2]))
}

// enough says so where a run of transactions judged none.
func (c *transactions) enough() {
	wanted := c.env.HasHeader && (c.env.Header.Workload == "txn" || c.count.Txns > 0) && c.env.Options.MinAcked > 0
	if wanted && c.count.Committed == 0 {
		c.r.Unknown(TooLittleWork, fmt.Sprintf("none of %d transactions is known to be committed: what the broker promises of transactions cannot be judged", c.count.Txns))
	}
}
