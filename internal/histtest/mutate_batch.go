package histtest

import (
	"github.com/ackproof/ackproof/histories"
)

// unknownBatches lists the sends of several records without an outcome of which
// nobody saw a record.
func (v *view) unknownBatches() []sent {
	seen := map[int64]bool{}
	for i := range v.Ops {
		for _, r := range v.Ops[i].Recs {
			seen[r.Value] = true
		}
	}
	var out []sent
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.F == histories.Send && op.Type == histories.Info && len(op.Mops) > 1 && !seen[op.Mops[0].Value] {
			out = append(out, sent{v.pair[i], i})
		}
	}
	return out
}

// tearBatch finds the first record of a batch at the end of its log.
func tearBatch(v *view) (Evidence, bool) { return v.appendBatch(1) }

// wholeBatch finds all of them.
func wholeBatch(v *view) (Evidence, bool) { return v.appendBatch(1 << 20) }

// appendBatch makes the final reads find the first n records of a batch that
// nobody had seen.
func (v *view) appendBatch(n int) (Evidence, bool) {
	s, ok := pick(v.r, v.unknownBatches())
	if !ok {
		return Evidence{}, false
	}
	e := Evidence{Offset: -1}
	mops := v.Ops[s.done].Mops
	for i, m := range mops {
		if i == n {
			e.Value = m.Value // the first that is missing
			break
		}
		poll, offset, ok := v.appendFinal(m.Key, m.Value)
		if !ok {
			return Evidence{}, false
		}
		e = Evidence{m.Key, offset, m.Value, []int64{v.index(s.done), int64(poll)}}
	}
	return e, true
}

// cutIn makes two records of an acknowledged operation that stand apart, under
// a contract that does not say that an operation is one batch.
func cutIn(v *view) (Evidence, bool) {
	s, ok := pick(v.r, where(v.acked, func(s sent) bool {
		m := v.Ops[s.done].Mops
		last := m[len(m)-1]
		next, ok := v.writer[record{last.Key, last.Offset + 1}]
		return len(m) > 1 && ok && v.single(next) && next.invoke < s.done && s.invoke < next.done
	}))
	if !ok {
		return Evidence{}, false
	}
	mops := v.Ops[s.done].Mops
	last := mops[len(mops)-1]
	v.swap(last.Key, last.Offset, last.Offset+1)
	v.Header.Contract.Attempts = "retried"
	return Evidence{last.Key, last.Offset + 1, last.Value, []int64{v.index(s.done)}}, true
}

// deleteEarly begins a log behind its first records in the final reads.
func deleteEarly(v *view) (Evidence, bool) {
	log := v.r.Int64N(int64(len(v.ends)))
	n := 1 + v.r.Int64N(3)
	if v.ends[log] <= 2*n {
		return Evidence{}, false
	}
	first := int64(-1)
	for offset := range n {
		at := record{log, offset}
		if _, ok := v.writer[at]; ok && first < 0 {
			first = offset
		}
		v.drop(at, v.isFinal)
	}
	if first < 0 {
		return Evidence{}, false // nobody was promised those records
	}
	listed := false
	for i := v.final; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.F != histories.StartOffsets || op.Type != histories.OK {
			continue
		}
		for j := range op.Offsets {
			if op.Offsets[j].Key == log {
				op.Offsets[j].Offset, listed = n, true
			}
		}
	}
	return Evidence{log, first, -1, []int64{v.index(v.writer[record{log, first}].done)}}, listed
}

// retainedOut is deleteEarly under a contract that keeps records for a moment.
func retainedOut(v *view) (Evidence, bool) {
	v.Header.Contract.Retention = "1ms"
	return deleteEarly(v)
}

// epochsRise lets the leader change now and then.
func epochsRise(v *view) (Evidence, bool) {
	e := Evidence{-1, -1, -1, nil}
	step := 20 + v.r.Int64N(50)
	for i := range v.Ops {
		op := &v.Ops[i]
		for j := range op.Fetched {
			f := &op.Fetched[j]
			if recs := runOf(op, f.Key); len(recs) > 0 {
				f.Epoch = recs[len(recs)-1].Offset / step
				e.Ops = append(e.Ops, v.index(i))
			}
		}
	}
	return e, len(e.Ops) > 0
}

// epochBack lets one fetch say a higher epoch than those behind its records.
func epochBack(v *view) (Evidence, bool) {
	epochsRise(v)
	type shown struct {
		op  int
		f   *histories.Fetched
		rec histories.Rec
	}
	var all []shown
	for i := range v.Ops[:v.final] {
		op := &v.Ops[i]
		for j := range op.Fetched {
			if recs := runOf(op, op.Fetched[j].Key); len(recs) > 0 {
				all = append(all, shown{i, &op.Fetched[j], recs[len(recs)-1]})
			}
		}
	}
	s, ok := pick(v.r, where(all, func(s shown) bool { return s.rec.Offset < v.ends[s.f.Key]/2 }))
	if !ok {
		return Evidence{}, false
	}
	s.f.Epoch += 1000
	return Evidence{s.f.Key, s.rec.Offset, -1, []int64{v.index(s.op)}}, true
}

func readsUncommitted(c *histories.Contract) {
	yes := true
	c.Isolation, c.Transactions = "read_uncommitted", &yes
}
