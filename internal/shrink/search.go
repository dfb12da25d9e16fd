package shrink

import (
	"cmp"
	"io"
	"slices"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// search looks for the smallest history that shows a target.
type search struct {
	header    histories.Header
	hasHeader bool
	options   checker.Options
	whole     map[finding]bool // what the whole history is convicted of
	t         *target
	// known are the records whose sends were gathered. Others may be kept only
	// where they are the matter themselves.
	known  map[record]bool
	judged int // how often the checker was asked
}

// run returns the smallest history, or false where the operations do not show
// the target.
func (s *search) run(ops []operation) ([]operation, bool) {
	s.learn(ops)
	ops = s.evidenceLast(ops)
	if !s.shows(ops) {
		return nil, false
	}
	for {
		before := weight(ops)
		ops = Minimal(ops, s.shows)
		ops = s.withoutParts(ops)
		if weight(ops) == before {
			return ops, true
		}
	}
}

// learn notes whose sends there are.
func (s *search) learn(ops []operation) {
	s.known = map[record]bool{}
	for _, o := range ops {
		o.each(func(op *histories.Op) {
			for m := range op.Sends() {
				s.known[record{m.Key, m.Value}] = true
			}
		})
	}
}

// evidenceLast puts the evidence behind everything else, because what comes
// first is tried first.
func (s *search) evidenceLast(ops []operation) []operation {
	evidence := func(o operation) int {
		n := 0
		o.each(func(op *histories.Op) {
			if slices.Contains(s.t.example.Ops, op.Index) {
				n = 1
			}
		})
		return n
	}
	out := slices.Clone(ops)
	slices.SortStableFunc(out, func(a, b operation) int {
		return cmp.Or(cmp.Compare(evidence(a), evidence(b)), cmp.Compare(a.first().Index, b.first().Index))
	})
	return out
}

// weight is how much there is to take away.
func weight(ops []operation) int {
	n := len(ops)
	for i, o := range ops {
		n += len(o.parts(i))
	}
	return n
}

// withoutParts takes records and logs out of the operations.
func (s *search) withoutParts(ops []operation) []operation {
	ops = s.closed(ops)
	var all []part
	for i, o := range ops {
		if o.client() {
			all = append(all, o.parts(i)...)
		}
	}
	cutTo := func(kept []part) []operation {
		stay := map[part]bool{}
		for _, p := range kept {
			stay[p] = true
		}
		cuts := map[int]*cut{}
		for _, p := range all {
			if !stay[p] {
				if cuts[p.op] == nil {
					cuts[p.op] = &cut{}
				}
				cuts[p.op].add(p)
			}
		}
		out := slices.Clone(ops)
		for i, c := range cuts {
			out[i] = ops[i].less(c)
		}
		return out
	}
	return cutTo(Minimal(all, func(kept []part) bool { return s.shows(cutTo(kept)) }))
}

// closed returns the operations as a history that is closed under its sends: a
// polled record goes with its send, so that what is missing makes nobody a
// stranger, and nothing that was skipped is left to be missed.
func (s *search) closed(ops []operation) []operation {
	sent := map[record]bool{}
	for _, o := range ops {
		o.each(func(op *histories.Op) {
			for m := range op.Sends() {
				sent[record{m.Key, m.Value}] = true
			}
		})
	}
	out := make([]operation, len(ops))
	for i, o := range ops {
		out[i] = o
		if o.done == nil || len(o.done.Recs) == 0 {
			continue
		}
		drop := func(log int64, r histories.Rec) bool {
			n := record{log, r.Value}
			if sent[n] {
				return false
			}
			// Its send was left out; or nobody ever sent it, and then it stays
			// where it is the matter.
			return s.known[n] || log != s.t.example.Log || r.Offset != s.t.example.Offset && r.Value != s.t.example.Value
		}
		if slices.ContainsFunc(o.done.Runs, func(run histories.Run) bool {
			return slices.ContainsFunc(o.done.Recs[run.From:run.To], func(r histories.Rec) bool { return drop(run.Key, r) })
		}) {
			out[i].done = lessOf(o.done, &cut{}, drop)
		}
	}
	return out
}

// shows judges the operations by themselves.
func (s *search) shows(ops []operation) bool {
	if len(ops) == 0 {
		return false
	}
	s.judged++
	in := s.history(s.closed(ops))
	v, err := checker.Check(in, s.options)
	return err == nil && s.t.shows(&v, s.whole, in.original)
}

// history is the operations as a history of its own, with new indexes and the
// old times.
func (s *search) history(ops []operation) *memory {
	m := &memory{header: s.header, hasHeader: s.hasHeader}
	for _, o := range ops {
		o.each(func(op *histories.Op) { m.ops = append(m.ops, op) })
	}
	slices.SortFunc(m.ops, func(a, b *histories.Op) int { return cmp.Compare(a.Index, b.Index) })
	return m
}

// memory is a history in memory.
type memory struct {
	header    histories.Header
	hasHeader bool
	ops       []*histories.Op // with the indexes of the whole history
	next      int
	op        histories.Op
}

// Header returns the header.
func (m *memory) Header() (histories.Header, bool) { return m.header, m.hasHeader }

// Next lends the next entry, with its new index.
func (m *memory) Next() (*histories.Op, error) {
	if m.next == len(m.ops) {
		return nil, io.EOF
	}
	m.op = *m.ops[m.next]
	m.op.Index = int64(m.next)
	m.next++
	return &m.op, nil
}

// Close does nothing.
func (m *memory) Close() error { return nil }

// original is the index in the whole history of an entry.
func (m *memory) original(index int64) int64 {
	if index < 0 || index >= int64(len(m.ops)) {
		return index
	}
	return m.ops[index].Index
}
