package histtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/ackproof/ackproof/histories"
)

// Mutation changes a valid history so that it tells of a broker that sinned
// once, and as little else as possible.
type Mutation struct {
	Name, Doc string
	Kind      string   // the anomaly's headline kind; empty: an innocent look-alike
	Follows   []string // kinds that the same sin may show as well
	AllowedBy string   // the contract's clause that allows it
	Txns      bool     // it wants a history of transactions: Options.Txns
	Groups    bool     // it wants one of consumer groups: Options.Groups
	Beyond    bool     // it is about administration or progress, which this package's naive judge does not know
	apply     func(v *view) (Evidence, bool)
}

// Evidence is where the sin is: the record, where it concerns one, and the
// entries that prove it, by index in the mutated history.
type Evidence struct {
	Log, Offset, Value int64 // -1 where it has none
	Ops                []int64
}

// Apply returns a mutated copy of a history that Simulate made. The error says
// that the history holds no opportunity: take a longer one.
func (m Mutation) Apply(r *rand.Rand, h History) (History, Evidence, error) {
	h = h.Clone()
	v := newView(r, &h)
	e, ok := m.apply(v)
	if !ok {
		return History{}, Evidence{}, fmt.Errorf("mutation %s: no opportunity in %d entries", m.Name, len(h.Ops))
	}
	// What was inserted or removed moves the entries behind it.
	moved := make(map[int64]int64, len(e.Ops))
	for i := range h.Ops {
		moved[h.Ops[i].Index] = int64(i)
		h.Ops[i].Index = int64(i)
	}
	for i, op := range e.Ops {
		e.Ops[i] = moved[op]
	}
	return h, e, nil
}

// view is a history with the indexes that mutations look things up in. They
// describe the history as it was.
type view struct {
	*History
	r       *rand.Rand
	pair    []int             // the other entry of an entry's operation, -1 where none
	final   int               // the entry where the final reads begin
	acked   []sent            // acknowledged sends, in the order of their completions
	writer  map[record]sent   // by log and offset: who was acknowledged there
	readers map[record][]seen // by log and offset: who polled it, in order
	unknown []sent            // sends of one record without an outcome, that nobody saw
	failed  []sent            // failed sends of one record
	ends    []int64           // by log
	inside  map[record]bool   // lengths of logs that cut a batch in two
	nextID  int64             // a process and index that nobody has
}

// record is a place in a log.
type record struct{ log, offset int64 }

// sent is a send by its entries.
type sent struct{ invoke, done int }

// seen is a record of a poll: Op.Recs[rec] of an entry.
type seen struct{ op, rec int }

func newView(r *rand.Rand, h *History) *view {
	v := &view{
		History: h, r: r, pair: make([]int, len(h.Ops)), final: len(h.Ops),
		writer: map[record]sent{}, readers: map[record][]seen{}, ends: make([]int64, len(h.Header.Logs)),
	}
	open := map[int64]int{}    // by process: its invocation
	values := map[int64]bool{} // that were polled
	var info []sent
	for i := range h.Ops {
		op := &h.Ops[i]
		v.pair[i] = -1
		v.nextID = max(v.nextID, op.Process+1, op.Index+1)
		switch {
		case op.Process == histories.Nemesis:
			if op.F == histories.Phase && op.Event.Phase == histories.PhaseFinal {
				v.final = i
			}
			continue
		case op.Type == histories.Invoke:
			open[op.Process] = i
			continue
		}
		v.pair[i], v.pair[open[op.Process]] = open[op.Process], i
		s := sent{open[op.Process], i}
		switch {
		case op.F == histories.Poll:
			v.polled(i, values)
		case op.F != histories.Send:
		case op.Type == histories.OK:
			v.acked = append(v.acked, s)
			for _, m := range op.Mops {
				v.writer[record{m.Key, m.Offset}] = s
				v.ends[m.Key] = max(v.ends[m.Key], m.Offset+1)
			}
		case len(op.Mops) == 1 && op.Type == histories.Info:
			info = append(info, s)
		case len(op.Mops) == 1:
			v.failed = append(v.failed, s)
		}
	}
	v.findBatches()
	for _, s := range info {
		if !values[v.mop(s).Value] {
			v.unknown = append(v.unknown, s)
		}
	}
	return v
}

// polled indexes the records of a poll.
func (v *view) polled(i int, values map[int64]bool) {
	op := &v.Ops[i]
	for _, run := range op.Runs {
		for rec := run.From; rec < run.To; rec++ {
			offset := op.Recs[rec].Offset
			at := record{run.Key, offset}
			v.readers[at] = append(v.readers[at], seen{i, int(rec)})
			values[op.Recs[rec].Value] = true
			v.ends[run.Key] = max(v.ends[run.Key], offset+1)
		}
	}
}

// findBatches finds the lengths that no log ever had, because batches are
// appended whole.
func (v *view) findBatches() {
	v.inside = map[record]bool{}
	batch := map[int64]int{} // by value: the entry of its send
	for i := range v.Ops {
		if op := &v.Ops[i]; op.F == histories.Send && len(op.Mops) > 1 {
			for _, m := range op.Mops {
				batch[m.Value] = i
			}
		}
	}
	for at, s := range v.readers {
		next, ok := v.readers[record{at.log, at.offset + 1}]
		if !ok {
			continue
		}
		a, inBatch := batch[v.Ops[s[0].op].Recs[s[0].rec].Value]
		b, too := batch[v.Ops[next[0].op].Recs[next[0].rec].Value]
		if inBatch && too && a == b {
			v.inside[record{at.log, at.offset + 1}] = true
		}
	}
}

// length returns a length that the log had, from low on and below high; false
// where it had none.
func (v *view) length(log, low, high int64) (int64, bool) {
	var had []int64
	for n := low; n < high; n++ {
		if !v.inside[record{log, n}] {
			had = append(had, n)
		}
	}
	return pick(v.r, had)
}

// mop is the first record of a send as completed.
func (v *view) mop(s sent) *histories.Mop { return &v.Ops[s.done].Mops[0] }

// single tells whether the send has one record.
func (v *view) single(s sent) bool { return len(v.Ops[s.done].Mops) == 1 }

// index is the entry's index, as evidence names it.
func (v *view) index(i int) int64 { return v.Ops[i].Index }

// pick chooses one of the candidates.
func pick[T any](r *rand.Rand, candidates []T) (T, bool) {
	if len(candidates) == 0 {
		var none T
		return none, false
	}
	return candidates[r.IntN(len(candidates))], true
}

// where keeps the candidates for which ok holds.
func where[T any](all []T, ok func(T) bool) []T {
	var out []T
	for _, c := range all {
		if ok(c) {
			out = append(out, c)
		}
	}
	return out
}

// under applies a mutation to a history whose contract allows it.
func under(allow func(*histories.Contract), apply func(*view) (Evidence, bool)) func(*view) (Evidence, bool) {
	return func(v *view) (Evidence, bool) {
		allow(&v.Header.Contract)
		return apply(v)
	}
}

func acksOne(c *histories.Contract) { c.Acks = "1" }

func retriesBlindly(c *histories.Contract) {
	no := false
	c.Idempotence, c.Attempts = &no, "retried"
}
