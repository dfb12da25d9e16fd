package checker

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Case is one finding of a pass.
type Case struct {
	Kind   Kind
	Log    int64 // key
	Offset int64 // of the record, -1 where it has none
	Value  int64 // of the record, -1 where it has none
	// From and To are the offsets (both inclusive) in whose neighbourhood the
	// contradiction lies: the records skipped, or the offsets that one
	// operation says are there and the other says are not. A cause among them
	// makes the case a consequence of it. From > To: only Offset and Value count.
	From, To  int64
	Ops       [3]int64 // the entries that prove it, -1 where fewer
	N         int64    // how many times it happened; 0 means 1
	AllowedBy string   // the contract's clause that allows it
	Group     string   // the consumer group that it is about
	Window    string   // porcupine's page, relative to the run directory
	// Why makes the sentence; it is called for the examples that are kept,
	// after every pass has finished.
	Why func(*Case) string
	// A, B are numbers that Why may need.
	A, B int64
	// Others are further records, by value, without which there would be no case.
	Others []int64
	// weak marks an inconsistent offset where at most one value was polled: it
	// is explained by the loss of the others, where they are lost.
	weak bool
}

// newCase returns a case without offsets or operations, to be filled in.
func newCase(k Kind, log int64) Case {
	return Case{Kind: k, Log: log, Offset: -1, Value: -1, From: 0, To: -1, Ops: [3]int64{-1, -1, -1}}
}

// ops returns the entries that prove the case.
func (c *Case) ops() []int64 {
	out := make([]int64, 0, len(c.Ops))
	for _, i := range c.Ops {
		if i >= 0 {
			out = append(out, i)
		}
	}
	return out
}

func (c *Case) times() int64 { return max(c.N, 1) }

// maxCases bounds the cases of one kind that a report keeps one by one. What
// comes later is counted only.
const maxCases = 1 << 17

// Report is where one pass says what it found. Add may be called while
// Observe runs; a report belongs to its pass's goroutine.
type Report struct {
	checker string
	live    *liveCounts
	cases   []Case
	kept    map[Kind]int
	beyond  map[Kind]int64 // found after maxCases
	unknown []Reason
	judged  Judged
	closed  int64 // operations in closed windows, decided or not
	stale   []Staleness
	noticed map[Kind]int64 // counted by notice, and still to be added
}

func newReport(checker string, live *liveCounts) *Report {
	return &Report{checker: checker, live: live, kept: map[Kind]int{}, beyond: map[Kind]int64{}, noticed: map[Kind]int64{}}
}

// Add reports a case.
func (r *Report) Add(c Case) {
	r.live.sees(c.Kind, c.times(), c.AllowedBy)
	r.file(c)
}

// file is Add for a case that the live counts have already.
func (r *Report) file(c Case) {
	if r.kept[c.Kind] >= maxCases {
		r.beyond[c.Kind] += c.times()
		return
	}
	r.kept[c.Kind]++
	r.cases = append(r.cases, c)
}

// notice counts a case that stands already, for those who look on while the run
// lasts: it may end the run. Finish adds it, with all others of its kind.
func (r *Report) notice(k Kind, allowedBy string) {
	r.noticed[k]++
	r.live.sees(k, 1, allowedBy)
}

// unnotice takes back what notice counted, before everything is added.
func (r *Report) unnotice() {
	for k, n := range r.noticed {
		r.live.add(k, -n)
	}
	clear(r.noticed)
}

// overflow counts what the facts had no more room for.
func (r *Report) overflow(k Kind, f *Facts) { r.beyond[k] += f.over[k] }

// Unknown says why the checker cannot say more. kind is a harness kind.
func (r *Report) Unknown(kind Kind, why string) {
	r.unknown = append(r.unknown, Reason{Checker: r.checker, Kind: kind, Why: why})
}

// Windows counts what porcupine decided: windows, the operations in them, and
// the operations in all closed windows, decided or not.
func (r *Report) Windows(decided, ops, closedOps int64) {
	r.judged.Windows += decided
	r.judged.WindowOps += ops
	r.closed += closedOps
}

// Staleness says how old the oldest state was that a read of the log returned.
func (r *Report) Staleness(log int64, age time.Duration, op int64) {
	r.stale = append(r.stale, Staleness{Log: log, Millis: float64(age) / 1e6, Op: op})
}

// after is the Observe of a pass that only looks at the facts, once they are complete.
type after struct{}

// Observe does nothing.
func (after) Observe(*histories.Op) {}

func (after) observesNothing() {}
