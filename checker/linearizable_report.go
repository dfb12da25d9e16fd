package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ackproof/ackproof/checker/linear"
)

// convict reports an operation that contradicts an earlier one.
func (c *linearizable) convict(l *orderedLog, v linear.Violation) {
	c.found(kindOf(&v), l, v)
}

// kindOf names the contradiction by its two operations.
func kindOf(v *linear.Violation) Kind {
	switch {
	case v.Torn:
		return NonlinearizableLog
	case v.A.Kind == linear.End && v.B.Kind == linear.End:
		return EndOffsetRegression
	case isAck(&v.A) && isAck(&v.B):
		return OffsetRegression
	}
	return NonlinearizableLog
}

func isAck(op *linear.Op) bool { return op.Kind == linear.Produce && !op.Unknown }

// found reports a violation of a log once for each operation that violates.
func (c *linearizable) found(k Kind, l *orderedLog, v linear.Violation) {
	id := logEntry{l.key, v.A.Index}
	if c.windows.reported[id] {
		return
	}
	if len(c.windows.reported) < maxCases {
		c.windows.reported[id] = true
	}
	n := newCase(k, l.key)
	n.Offset, n.From, n.To = v.A.Hi, v.A.Hi, v.B.Lo-1
	if v.Torn {
		n.Offset, n.From, n.To = v.A.Lo, v.B.Hi, v.B.Lo-1
	}
	if v.A.Kind == linear.Produce {
		n.Value = v.A.Value
	}
	if v.B.Kind == linear.Produce && v.B.Value >= 0 {
		n.Others = []int64{v.B.Value}
	}
	n.Ops = [3]int64{v.B.Index, v.A.Index, -1}
	if n.AllowedBy = c.allowed(l.key, &v); n.AllowedBy == byDeposed && k == StaleRead {
		n.AllowedBy = "" // the contract bounds what reads=kafka allows
	}
	n.Why = func(k *Case) string { return c.why(k, &v) }
	if n.AllowedBy == "" {
		n.Window = c.pages.want(k, l, v)
	}
	c.report.Add(n)
}

// allowed returns the clause of the contract under which the log may have
// shrunk between the two operations: without acks=all only records that were
// merely acknowledged may go, with unclean elections also what was read. Under
// Kafka's reads it need not have shrunk where only an old leader says so.
func (c *linearizable) allowed(log int64, v *linear.Violation) string {
	clause := c.env.LossAllowed()
	unclean := c.env.Contract.UncleanElection
	if crash := c.crashes.clause(log, v.B.Index, v.A.Index); crash != "" && !v.Torn {
		return crash
	}
	switch {
	case v.Torn:
		return ""
	case c.env.Model == Kafka && v.A.Kind == linear.End && (clause == "" || !isAck(&v.B)):
		return byDeposed
	case clause == "":
		return ""
	case isAck(&v.B):
		return clause
	case unclean != nil && *unclean:
		return "unclean_election=true"
	}
	return ""
}

// why says what contradicts what.
func (c *linearizable) why(k *Case, v *linear.Violation) string {
	a, b := &v.A, &v.B
	log := c.env.logName(k.Log)
	if v.Torn {
		return fmt.Sprintf("The log %s ends at %d according to %s. That is in the middle of %s: a batch is appended as a whole.",
			log, a.Lo, c.did(a), c.did(b))
	}
	order := fmt.Sprintf("began %v after that was over", time.Duration(a.Call-b.Ret).Round(10*time.Microsecond))
	if k.Kind == NonlinearizableLog && c.env.Model != Strict && a.Kind == linear.Fetch || c.env.Model == Session {
		order = "came later in the same session"
	}
	if k.Kind == StaleRead {
		order += fmt.Sprintf(", though at most %d ms are allowed", c.env.Contract.StalenessMillis)
	}
	return fmt.Sprintf("The log %s had reached its end %d by %s. But %s, which %s, says that it ends at %d or before.",
		log, b.Lo, c.did(b), c.did(a), order, a.Hi)
}

// did names an operation with its result.
func (c *linearizable) did(op *linear.Op) string {
	what := "an operation outside of the window"
	switch {
	case op.Kind == linear.Produce && op.Unknown:
		what = fmt.Sprintf("the send of record %d by process %d, whose outcome is unknown and whose record stands at %d,", op.Value, op.Process, op.Hi)
	case op.Kind == linear.Produce && op.Lo-op.Hi > 1:
		what = fmt.Sprintf("the batch of process %d, acknowledged at offsets %d to %d", op.Process, op.Hi, op.Lo-1)
	case op.Kind == linear.Produce:
		what = fmt.Sprintf("the send of record %d by process %d, acknowledged at offset %d", op.Value, op.Process, op.Hi)
	case op.Kind == linear.End:
		what = fmt.Sprintf("the end-offsets of process %d, answered with %d", op.Process, op.Lo)
	case op.Kind == linear.Fetch && op.Hi < linear.Inf:
		what = fmt.Sprintf("the poll of process %d, answered from a log that ends at %d", op.Process, op.Hi)
	case op.Kind == linear.Fetch:
		what = fmt.Sprintf("the poll of process %d, which read up to offset %d", op.Process, op.Lo-1)
	}
	return what + c.env.Facts.entryText(op.Index)
}

// summary reports what the windows say and how much was judged.
func (c *linearizable) summary() {
	t := &c.windows
	slices.SortFunc(t.results, func(a, b linear.Result) int {
		return cmp.Or(cmp.Compare(a.Window.Log, b.Window.Log), cmp.Compare(a.Window.Start, b.Window.Start))
	})
	disagree := 0
	for i := range t.results {
		res := &t.results[i]
		if res.Panic != nil {
			panic(fmt.Sprintf("window [%d, %d) of log %d: %v", res.Window.Start, res.Window.End, res.Window.Log, res.Panic))
		}
		for _, v := range res.Violations {
			if v.A.Real() {
				c.convict(c.logs[res.Window.Log], v)
			}
		}
		if res.Disagree {
			disagree++
			c.disagreement(res, disagree)
		}
	}
	if t.undecided > 0 && !c.env.HasHeader { // with a header, valid asks for a share of them
		c.report.Unknown(CheckerTimeout, fmt.Sprintf("porcupine did not decide %d of %d windows within %v each; the sweep's verdict on them stands",
			t.undecided, t.undecided+t.decided, c.env.Options.WindowTimeout))
	}
	shrinks := c.env.LossAllowed() != "" || len(c.crashes.at) > 0
	if shrinks { // what came in below a log's old end is nothing that porcupine can be asked
		t.closed -= t.left + t.excluded
	}
	if t.excluded > 0 && !shrinks {
		c.report.Unknown("", fmt.Sprintf("%d sends claim offsets that another send holds: porcupine was not asked about them, and one of each pair must be wrong", t.excluded))
	}
	c.report.Windows(t.decided, t.ops, t.closed)
	for _, key := range c.keys {
		if l := c.logs[key]; l.oldestOp >= 0 {
			c.report.Staleness(key, time.Duration(l.oldest), l.oldestOp)
		}
	}
	c.pages.draw(c)
}

// disagreement reports a window on which the two judges differ, and keeps it.
func (c *linearizable) disagreement(res *linear.Result, n int) {
	w := &res.Window
	where := "set a directory for windows to keep it"
	if name, err := c.pages.save(n, w); err != nil {
		where = err.Error()
	} else if name != "" {
		where = "it is kept as " + name
	}
	c.report.Unknown(CheckerDisagreement, fmt.Sprintf("porcupine says linearizable=%v of the operations on %s from offset %d on, the sweep finds %d violations; please report it, %s",
		res.Legal, c.env.logName(w.Log), w.Start, len(res.Violations), where))
}
