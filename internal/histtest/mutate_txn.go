package histtest

import (
	"slices"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// txn is a transaction by its entries.
type txn struct {
	sent
	isolated bool // its process reads committed records only
}

// txns lists the acknowledged transactions of the main phase, in the order of
// their completions.
func (v *view) txns() []txn {
	all := map[int64]bool{} // by process: it reads everything
	var out []txn
	for i := range v.Ops[:v.final] {
		op := &v.Ops[i]
		if op.F == histories.Assign && op.Type == histories.OK && op.Isolation != histories.IsolationContract {
			all[op.Process] = op.Isolation == histories.ReadUncommitted
		}
		if op.F == histories.Txn && op.Type == histories.OK {
			out = append(out, txn{sent{v.pair[i], i}, !all[op.Process]})
		}
	}
	return out
}

// sends lists the records that an operation sent.
func (v *view) sends(entry int) []histories.Mop {
	return where(v.Ops[entry].Mops, func(m histories.Mop) bool { return m.Send })
}

// placesOf lists where a record was polled, in single polls and in transactions.
func (v *view) placesOf(log, value int64) (entries []int, inTxn bool) {
	for i := range v.Ops {
		op := &v.Ops[i]
		for _, run := range op.Runs {
			if run.Key == log && slices.ContainsFunc(op.Recs[run.From:run.To], func(r histories.Rec) bool { return r.Value == value }) {
				entries = append(entries, i)
				inTxn = inTxn || op.F == histories.Txn
			}
		}
	}
	return entries, inTxn
}

// behind returns where a poll of an operation stopped reading a log, and how far
// the log reached then; false where it did not read it.
func behind(op *histories.Op, mop int, log int64) (next, end int64, ok bool) {
	f := fetch(op, log)
	if f == nil || len(op.Fetched) != 1 { // of several polls it does not tell which
		return 0, 0, false
	}
	next = f.Position
	for _, run := range op.Runs[op.Mops[mop].From:op.Mops[mop].To] {
		if run.Key == log && run.To > run.From {
			next = op.Recs[run.To-1].Offset + 1
		}
	}
	return next, f.HighWatermark, true
}

// addRec appends a record of a log to what a poll of an operation returned.
func addRec(op *histories.Op, mop int, log int64, r histories.Rec) {
	m := &op.Mops[mop]
	at := int(m.To)
	for i := m.From; i < m.To; i++ {
		if op.Runs[i].Key == log {
			at = int(i)
		}
	}
	if at == int(m.To) {
		from := int32(len(op.Recs))
		if at < len(op.Runs) {
			from = op.Runs[at].From
		}
		op.Runs = slices.Insert(op.Runs, at, histories.Run{Key: log, From: from, To: from})
		m.To++
		for i := mop + 1; i < len(op.Mops); i++ {
			op.Mops[i].From++
			op.Mops[i].To++
		}
	}
	op.Recs = slices.Insert(op.Recs, int(op.Runs[at].To), r)
	op.Runs[at].To++
	for i := at + 1; i < len(op.Runs); i++ {
		op.Runs[i].From++
		op.Runs[i].To++
	}
}

// committedBetween tells whether the final reads return a record of a log from
// an offset on and below another.
func (v *view) committedBetween(log, from, to int64) bool {
	for i := v.final; i < len(v.Ops); i++ {
		for _, r := range runOf(&v.Ops[i], log) {
			if r.Offset >= from && r.Offset < to {
				return true
			}
		}
	}
	return false
}

// peek is a poll of a transaction, and a record right behind what it returned.
type peek struct {
	entry, mop int
	log        int64
	rec        histories.Rec
}

// peeks lists the polls of transactions that stopped right before a record of
// another operation, as far as readers of committed records can tell.
func (v *view) peeks(t txn, sent []histories.Mop, after int) []peek {
	op := &v.Ops[t.done]
	var out []peek
	for i := after; i < len(op.Mops); i++ {
		if op.Mops[i].Send {
			continue
		}
		for _, m := range sent {
			next, _, ok := behind(op, i, m.Key)
			if ok && next <= m.Offset && !v.committedBetween(m.Key, next, m.Offset) && v.lastRead(t.done, m) {
				out = append(out, peek{t.done, i, m.Key, histories.Rec{Offset: m.Offset, Value: m.Value}})
			}
		}
	}
	return out
}

// lastRead tells whether the process of an entry does not read the log again:
// it would get the record a second time.
func (v *view) lastRead(entry int, m histories.Mop) bool {
	for i := entry + 1; i < len(v.Ops); i++ {
		op := &v.Ops[i]
		if op.Process != v.Ops[entry].Process || op.Type == histories.Invoke {
			continue
		}
		if op.F == histories.Assign {
			return op.Seek.To != histories.SeekResume
		}
		if runOf(op, m.Key) != nil {
			return false
		}
	}
	return true
}

// readOwn makes a transaction poll a record of its own.
func readOwn(v *view) (Evidence, bool) {
	var all []peek
	for _, t := range v.txns() {
		for i, m := range v.Ops[t.done].Mops {
			if m.Send && t.isolated {
				all = append(all, v.peeks(t, []histories.Mop{m}, i+1)...)
			}
		}
	}
	p, ok := pick(v.r, all)
	if !ok {
		return Evidence{}, false
	}
	addRec(&v.Ops[p.entry], p.mop, p.log, p.rec)
	return Evidence{p.log, p.rec.Offset, p.rec.Value, []int64{v.index(p.entry)}}, true
}

// tearTransaction removes one record of a transaction from every poll.
func tearTransaction(v *view) (Evidence, bool) {
	t, ok := pick(v.r, where(v.txns(), func(t txn) bool {
		sends := v.sends(t.done)
		if len(sends) < 2 {
			return false
		}
		m := sends[len(sends)-1]
		entries, inTxn := v.placesOf(m.Key, m.Value)
		return len(entries) > 0 && !inTxn
	}))
	if !ok {
		return Evidence{}, false
	}
	sends := v.sends(t.done)
	m := sends[len(sends)-1]
	entries, _ := v.placesOf(m.Key, m.Value)
	for _, i := range entries {
		op := &v.Ops[i]
		setRun(op, m.Key, where(runOf(op, m.Key), func(r histories.Rec) bool { return r.Value != m.Value }))
	}
	return Evidence{m.Key, m.Offset, m.Value, []int64{v.index(t.done)}}, true
}

// fenced are two transactions of one producer, the second one after the first.
type fenced struct{ first, second txn }

// inTurn lists them.
func (v *view) inTurn() []fenced {
	last := map[int64]txn{} // by instance
	var out []fenced
	for _, t := range v.txns() {
		by := v.Ops[t.done].Producer.Instance
		if f, ok := last[by]; ok && len(v.sends(t.done)) > 0 {
			out = append(out, fenced{f, t})
		}
		last[by] = t
	}
	return out
}

// fenceOp is an operation that takes over the transactional id of an entry.
func (v *view) fenceOp(entry int) (invoke, done histories.Op) {
	id := v.Ops[entry].Producer.Txn
	process := v.nextID
	v.nextID++
	invoke = histories.Op{Process: process, F: histories.Fence, Keys: []int64{id}}
	done = invoke
	done.Type = histories.OK
	done.Producer = histories.Producer{Txn: id, Instance: 1 << 40, Epoch: 1 << 10}
	return invoke, done
}

// commitFenced takes a transactional id over before its producer begins
// another transaction, which it commits.
func commitFenced(v *view) (Evidence, bool) {
	f, ok := pick(v.r, v.inTurn())
	if !ok {
		return Evidence{}, false
	}
	m := v.sends(f.second.done)[0]
	e := Evidence{m.Key, m.Offset, m.Value, []int64{v.index(f.second.done)}}
	invoke, done := v.fenceOp(f.second.done)
	return e, v.insert(f.first.done, invoke, done)
}

// fenceBeside takes a transactional id over while its producer commits for the
// last time.
func fenceBeside(v *view) (Evidence, bool) {
	last := map[int64]bool{}
	turns := v.inTurn()
	for _, f := range slices.Backward(turns) {
		by := v.Ops[f.second.done].Producer.Instance
		if last[by] {
			continue
		}
		last[by] = true
		if v.usedAgain(f.second.done) {
			continue
		}
		m := v.sends(f.second.done)[0]
		e := Evidence{m.Key, m.Offset, m.Value, []int64{v.index(f.second.done)}}
		invoke, done := v.fenceOp(f.second.done)
		if v.insert(f.second.invoke, invoke, done) {
			return e, true
		}
	}
	return Evidence{}, false
}

// usedAgain tells whether the producer of an entry does anything later.
func (v *view) usedAgain(entry int) bool {
	by := v.Ops[entry].Producer
	return slices.ContainsFunc(v.Ops[entry+1:], func(op histories.Op) bool {
		return op.Type == histories.OK && op.F == histories.Txn && op.Producer == by
	})
}

// takeTwice makes a group begin again at a record that it has taken in.
func takeTwice(v *view) (Evidence, bool) {
	f, ok := pick(v.r, where(v.inTurn(), func(f fenced) bool {
		a, b := &v.Ops[f.first.done], &v.Ops[f.second.done]
		if a.Group == "" || len(a.Runs) != 1 || len(b.Runs) != 1 || len(b.Fetched) != 1 {
			return false
		}
		// Nothing was read in between.
		return b.Fetched[0].Position == a.Recs[len(a.Recs)-1].Offset+1
	}))
	if !ok {
		return Evidence{}, false
	}
	a, b := &v.Ops[f.first.done], &v.Ops[f.second.done]
	key, r := a.Runs[0].Key, a.Recs[len(a.Recs)-1]
	b.Recs = slices.Insert(b.Recs, 0, r)
	b.Runs[0].To++
	b.Fetched[0].Position = r.Offset
	e := Evidence{key, r.Offset, r.Value, []int64{v.index(f.first.done), v.index(f.second.done)}}
	invoke := histories.Op{Process: a.Process, F: histories.Assign, Keys: []int64{key}, Group: a.Group, Seek: histories.Seek{To: histories.SeekCommitted}, Isolation: histories.ReadCommitted}
	done := invoke
	done.Type, done.Offsets = histories.OK, []histories.KeyOffset{{Key: key, Offset: r.Offset}}
	return e, v.insert(f.first.done, invoke, done)
}

// readEachOther makes a transaction poll a record of one that polled a record of
// it, side by side.
func readEachOther(v *view) (Evidence, bool) {
	txns := v.txns()
	by := map[int64]txn{} // by value
	for _, t := range txns {
		for _, m := range v.sends(t.done) {
			by[m.Value] = t
		}
	}
	var all []peek
	for _, t := range txns {
		if !t.isolated {
			continue
		}
		for _, r := range v.Ops[t.done].Recs {
			if u, ok := by[r.Value]; ok && u.isolated && u.done != t.done && t.invoke < u.done {
				all = append(all, v.peeks(u, v.sends(t.done), 0)...)
			}
		}
	}
	p, ok := pick(v.r, all)
	if !ok {
		return Evidence{}, false
	}
	op := &v.Ops[p.entry]
	addRec(op, p.mop, p.log, p.rec)
	fetch(op, p.log).HighWatermark = max(fetch(op, p.log).HighWatermark, p.rec.Offset+1)
	return Evidence{-1, -1, -1, []int64{v.index(p.entry)}}, true
}

// fracture asks for the last stable offset of one log right after a transaction
// was read in another, and is answered by its record.
func fracture(v *view) (Evidence, bool) {
	type crack struct {
		poll        int
		log, offset int64
		value       int64
	}
	stable := map[int64]int64{} // by log: everything below is decided
	all := map[int64]bool{}     // by process: it reads everything
	of := map[int64]int{}       // by value: its transaction
	var cracks []crack
	for i := range v.Ops[:v.final] {
		op := &v.Ops[i]
		if op.Type != histories.OK {
			continue
		}
		switch {
		case op.F == histories.Assign && op.Isolation != histories.IsolationContract:
			all[op.Process] = op.Isolation == histories.ReadUncommitted
		case op.F == histories.StableOffsets:
			for _, o := range op.Offsets {
				stable[o.Key] = max(stable[o.Key], o.Offset)
			}
		case op.F == histories.Txn:
			for _, m := range v.sends(i) {
				of[m.Value] = i
			}
		}
		if all[op.Process] {
			continue
		}
		for _, run := range op.Runs {
			for _, r := range op.Recs[run.From:run.To] {
				stable[run.Key] = max(stable[run.Key], r.Offset+1)
			}
		}
		for _, run := range op.Runs {
			for _, r := range op.Recs[run.From:run.To] {
				t, ok := of[r.Value]
				if !ok || op.F != histories.Poll {
					continue
				}
				for j, m := range v.sends(t) {
					first := !slices.ContainsFunc(v.sends(t)[:j], func(o histories.Mop) bool { return o.Key == m.Key })
					if first && m.Key != run.Key && stable[m.Key] <= m.Offset {
						cracks = append(cracks, crack{i, m.Key, m.Offset, m.Value})
					}
				}
			}
		}
	}
	c, ok := pick(v.r, cracks)
	if !ok {
		return Evidence{}, false
	}
	invoke := histories.Op{Process: v.nextID, F: histories.StableOffsets, Keys: []int64{c.log}}
	v.nextID++
	done := invoke
	done.Type, done.Offsets = histories.OK, []histories.KeyOffset{{Key: c.log, Offset: c.offset}}
	e := Evidence{c.log, c.offset, -1, []int64{v.index(c.poll)}}
	return e, v.insert(c.poll, invoke, done)
}

// lsoBack lists a last stable offset below one that was listed before.
func lsoBack(v *view) (Evidence, bool) {
	l, ok := pick(v.r, where(v.listings(histories.StableOffsets), func(l listings) bool { return *l.first > 0 }))
	if !ok {
		return Evidence{}, false
	}
	*l.second = *l.first - 1
	return Evidence{l.log, *l.second, -1, []int64{v.index(l.ops[0]), v.index(l.ops[1])}}, true
}

// hang lists a last stable offset below the end, long after the last fence.
func hang(v *view) (Evidence, bool) {
	last := -1
	for i := v.final; i < len(v.Ops); i++ {
		if v.Ops[i].F == histories.Fence {
			last = i
		}
	}
	told := map[int64]int64{} // by log
	var asked []int
	for i := range v.Ops {
		op := &v.Ops[i]
		if op.F != histories.StableOffsets || op.Type != histories.OK {
			continue
		}
		if o := op.Offsets[0]; last >= 0 && v.pair[i] > last && told[o.Key] < o.Offset && !v.readBefore(i, o.Key, o.Offset-1) {
			asked = append(asked, i)
		}
		for _, o := range op.Offsets {
			told[o.Key] = max(told[o.Key], o.Offset)
		}
	}
	i, ok := pick(v.r, asked)
	if !ok {
		return Evidence{}, false
	}
	for j := last + 1; j < len(v.Ops); j++ {
		v.Ops[j].Time += 5 * time.Second
	}
	o := &v.Ops[i].Offsets[0]
	o.Offset--
	return Evidence{o.Key, o.Offset, -1, []int64{v.index(i)}}, true
}

// readBefore tells whether an entry before this one returned what stands at the offset.
func (v *view) readBefore(entry int, log, offset int64) bool {
	return slices.ContainsFunc(v.Ops[:entry], func(op histories.Op) bool {
		return slices.ContainsFunc(runOf(&op, log), func(r histories.Rec) bool { return r.Offset == offset })
	})
}

// interleave exchanges the records of two transactions side by side in one of
// the logs that both wrote to.
func interleave(v *view) (Evidence, bool) {
	type pair struct {
		log, a, b int64 // offsets
		txns      [2]int
	}
	var all []pair
	txns := v.txns()
	for i, t := range txns {
		for _, u := range txns[i+1 : min(i+8, len(txns))] {
			if u.invoke > t.done {
				continue
			}
			for _, m := range v.sends(t.done) {
				for _, n := range v.sends(u.done) {
					if m.Key == n.Key && v.canSwap(m, n, u.done) && v.shareAnother(t.done, u.done, m.Key) {
						all = append(all, pair{m.Key, m.Offset, n.Offset, [2]int{t.done, u.done}})
					}
				}
			}
		}
	}
	p, ok := pick(v.r, all)
	if !ok {
		return Evidence{}, false
	}
	for i := range v.Ops {
		op := &v.Ops[i]
		for j := range op.Mops {
			if m := &op.Mops[j]; m.Send && m.Key == p.log {
				switch m.Offset {
				case p.a:
					m.Offset = p.b
				case p.b:
					m.Offset = p.a
				}
			}
		}
		recs := runOf(op, p.log)
		at := func(o int64) int {
			return slices.IndexFunc(recs, func(r histories.Rec) bool { return r.Offset == o })
		}
		if x, y := at(p.a), at(p.b); x >= 0 && y >= 0 {
			recs[x].Value, recs[y].Value = recs[y].Value, recs[x].Value
		}
	}
	return Evidence{-1, -1, -1, []int64{v.index(p.txns[0]), v.index(p.txns[1])}}, true
}

// canSwap tells whether nobody saw one of two records without the other, or
// before both transactions were done.
func (v *view) canSwap(m, n histories.Mop, done int) bool {
	a, _ := v.placesOf(m.Key, m.Value)
	b, _ := v.placesOf(n.Key, n.Value)
	return n.Offset-m.Offset == 2 && len(a) > 0 && slices.Equal(a, b) && v.pair[a[0]] > done // a marker is between them
}

// shareAnother tells whether two transactions wrote one record each to another
// log, or to this one, so that exchanging a pair turns their order round.
func (v *view) shareAnother(a, b int, log int64) bool {
	count := func(entry int, key int64) int {
		return len(where(v.sends(entry), func(m histories.Mop) bool { return m.Key == key }))
	}
	if count(a, log) != 1 || count(b, log) != 1 {
		return false
	}
	return slices.ContainsFunc(v.sends(a), func(m histories.Mop) bool { return m.Key != log && count(b, m.Key) > 0 })
}

func readsKafka(c *histories.Contract) { c.Reads = "kafka" }
