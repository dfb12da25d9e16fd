package histtest

import (
	"math"

	"github.com/ackproof/ackproof/histories"
)

// twoValues shows an unknown write's value to one reader, in the place of
// what everybody else finds at the offset.
func twoValues(v *view) (Evidence, bool) {
	u, ok := pick(v.r, v.unknown)
	if !ok {
		return Evidence{}, false
	}
	m := v.mop(u)
	at, ok := pick(v.r, where(v.ackedPlaces(), func(at record) bool {
		r := v.readers[at]
		return at.log == m.Key && len(r) > 1 && r[0].op > u.invoke && r[0].op < v.final
	}))
	if !ok {
		return Evidence{}, false
	}
	s, _ := pick(v.r, where(v.readers[at], func(s seen) bool { return s.op < v.final }))
	v.Ops[s.op].Recs[s.rec].Value = m.Value
	return Evidence{at.log, at.offset, m.Value, []int64{v.index(v.writer[at].done), v.index(s.op)}}, true
}

// ackedPlaces lists the places of acknowledged records, in the order of their
// acknowledgements.
func (v *view) ackedPlaces() []record {
	var out []record
	for _, s := range v.acked {
		for _, m := range v.Ops[s.done].Mops {
			out = append(out, record{m.Key, m.Offset})
		}
	}
	return out
}

// singles lists the acknowledged sends of one record.
func (v *view) singles() []sent { return where(v.acked, v.single) }

// wrongAck acknowledges a record at the offset of its neighbour.
func wrongAck(v *view) (Evidence, bool) {
	s, ok := pick(v.r, where(v.singles(), func(s sent) bool {
		m := v.mop(s)
		next := record{m.Key, m.Offset + 1}
		return len(v.readers[next]) > 0 && len(v.readers[record{m.Key, m.Offset}]) > 0
	}))
	if !ok {
		return Evidence{}, false
	}
	m := v.mop(s)
	m.Offset++
	next := v.readers[record{m.Key, m.Offset}]
	return Evidence{m.Key, m.Offset, m.Value, []int64{v.index(s.done), v.index(next[0].op)}}, true
}

// noOffset acknowledges a record without saying where it is.
func noOffset(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.singles())
	if !ok {
		return Evidence{}, false
	}
	m := v.mop(s)
	m.Offset = histories.OffsetNil
	return Evidence{m.Key, -1, m.Value, []int64{v.index(s.done)}}, true
}

// phantom finds a value at the end of a log that nobody sent.
func phantom(v *view) (Evidence, bool) {
	log := v.r.Int64N(int64(len(v.ends)))
	value := int64(math.MaxInt32)
	poll, offset, ok := v.appendFinal(log, value)
	return Evidence{log, offset, value, []int64{int64(poll)}}, ok
}

// foreign finds a record at the end of a log that is not of this run.
func foreign(v *view) (Evidence, bool) {
	log := v.r.Int64N(int64(len(v.ends)))
	poll, offset, ok := v.appendFinal(log, histories.NoValue)
	if ok {
		bad := histories.BadRec{Key: log, Offset: offset, Why: histories.BadForeign, Detail: "run 0000000000000abc"}
		v.Ops[poll].Bad = append(v.Ops[poll].Bad, bad)
	}
	return Evidence{log, offset, histories.NoValue, []int64{int64(poll)}}, ok
}

// misroute finds a record of one log at the end of another as well.
func misroute(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.singles())
	if !ok || len(v.ends) < 2 {
		return Evidence{}, false
	}
	m := *v.mop(s)
	log := (m.Key + 1 + v.r.Int64N(int64(len(v.ends)-1))) % int64(len(v.ends))
	poll, offset, ok := v.appendFinal(log, m.Value)
	if ok {
		bad := histories.BadRec{Key: log, Offset: offset, Why: histories.BadLog, Detail: "sent to another log"}
		v.Ops[poll].Bad = append(v.Ops[poll].Bad, bad)
	}
	return Evidence{log, offset, m.Value, []int64{v.index(s.done), int64(poll)}}, ok
}

// misrouteQuietly is misroute seen by a client that cannot read the payload's log.
func misrouteQuietly(v *view) (Evidence, bool) {
	e, ok := misroute(v)
	if ok {
		v.Ops[e.Ops[1]].Bad = nil
	}
	return e, ok
}

// corrupt damages a record on its way to one reader.
func corrupt(v *view) (Evidence, bool) {
	at, ok := pick(v.r, where(v.ackedPlaces(), func(at record) bool {
		return len(v.readers[at]) > 1 && v.readers[at][0].op < v.final
	}))
	if !ok {
		return Evidence{}, false
	}
	s := v.readers[at][0]
	op := &v.Ops[s.op]
	value := op.Recs[s.rec].Value
	op.Recs[s.rec].Value = histories.NoValue
	op.Bad = append(op.Bad, histories.BadRec{Key: at.log, Offset: at.offset, Why: histories.BadChecksum, Detail: "checksum 00000001, computed 00000002"})
	return Evidence{at.log, at.offset, value, []int64{v.index(s.op)}}, true
}

// duplicate finds an acknowledged record a second time, at the end of its log.
func duplicate(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.singles())
	if !ok {
		return Evidence{}, false
	}
	m := *v.mop(s)
	poll, offset, ok := v.appendFinal(m.Key, m.Value)
	return Evidence{m.Key, offset, m.Value, []int64{v.index(s.done), int64(poll)}}, ok
}

// aborted finds the record of a failed send at the end of its log.
func aborted(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.failed)
	if !ok {
		return Evidence{}, false
	}
	m := *v.mop(s)
	poll, offset, ok := v.appendFinal(m.Key, m.Value)
	return Evidence{m.Key, offset, m.Value, []int64{v.index(s.done), int64(poll)}}, ok
}

// lateUnknown finds the record of a send without an outcome at the end of its
// log, long after its client gave up.
func lateUnknown(v *view) (Evidence, bool) {
	s, ok := pick(v.r, v.unknown)
	if !ok {
		return Evidence{}, false
	}
	m := *v.mop(s)
	poll, offset, ok := v.appendFinal(m.Key, m.Value)
	return Evidence{m.Key, offset, m.Value, []int64{v.index(s.done), int64(poll)}}, ok
}
