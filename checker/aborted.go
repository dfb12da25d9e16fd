package checker

import "fmt"

// abortedRead is a record whose send failed and that was read all the same.
type abortedRead struct {
	rec   record
	op, n int64 // the first poll, and how many there were
}

// sawAborted notes n ok polls of a record whose send failed.
func (f *Facts) sawAborted(l *logFacts, rec record, op, n int64) {
	f.live.sees(AbortedRead, n, f.abortedAllowed())
	at := point{l.index, rec.value}
	if a := f.aborted[at]; a != nil {
		a.n += n
		return
	}
	if len(f.aborted) >= maxCases {
		f.over[AbortedRead] += n
		return
	}
	f.aborted[at] = &abortedRead{rec, op, n}
}

// abortedAllowed returns the clause under which readers may be given the
// records of transactions that are aborted.
func (f *Facts) abortedAllowed() string {
	c := &f.env.Contract
	if c.Isolation == "read_uncommitted" && (f.txns || c.Transactions != nil && *c.Transactions) {
		return "isolation=read_uncommitted"
	}
	return ""
}

// abortsAreRead tells whether readers of committed records got the records of a
// transaction that was aborted.
func (f *Facts) abortsAreRead() bool {
	for _, a := range f.aborted {
		if a.rec.has(recFailed) && a.rec.has(recTxn) && a.rec.has(recCommittedRead) {
			return true
		}
	}
	return false
}

// abortedChecker reports failed values that were read, Jepsen's G1a. As there,
// every read counts.
type abortedChecker struct {
	after
	f *Facts
	r *Report
}

func (c *abortedChecker) Finish() {
	for at, a := range c.f.aborted {
		if !a.rec.has(recFailed) { // it was sent again, with success
			continue
		}
		k := newCase(AbortedRead, c.f.logs[at.log].key)
		k.Value, k.Offset = at.n, a.rec.offset()
		k.Ops = [3]int64{a.rec.sentAt(), a.op, -1}
		k.N = a.n
		k.AllowedBy = c.f.abortedAllowed()
		k.A = a.rec.process()
		k.Why = c.why
		c.r.file(k)
	}
	c.r.overflow(AbortedRead, c.f)
}

func (c *abortedChecker) why(k *Case) string {
	if rec, ok := c.f.recs.find(c.f.log(k.Log).index, k.Value); ok && rec.has(recTxn) {
		return fmt.Sprintf("The transaction of process %d that sent record %d to %s was aborted%s, yet it was read %d times, first%s at offset %d. An application that does the transaction again now has its effect twice.",
			k.A, k.Value, c.f.env.logName(k.Log), c.f.entryText(k.Ops[0]), k.times(), c.f.entryText(k.Ops[1]), k.Offset)
	}
	return fmt.Sprintf("The send of record %d to %s by process %d failed%s: the broker said that it was not written, yet it was read %d times, first%s at offset %d. An application that sends it again now has it twice.",
		k.Value, c.f.env.logName(k.Log), k.A, c.f.entryText(k.Ops[0]), k.times(), c.f.entryText(k.Ops[1]), k.Offset)
}
