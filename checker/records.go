package checker

import "math"

// What is known of a record: a value sent to a log.
const (
	recSent          = 1 << iota // its send was invoked
	recAcked                     // its send completed as ok
	recFailed                    // as fail
	recInfo                      // as info
	recProven                    // unknown, but another record of the same request was read
	recPolled                    // it was polled, by a poll of any outcome
	recRead                      // by one that completed as ok
	recFinal                     // by an ok poll of the final reads
	recPlaced                    // its offset is known
	recAckPlace                  // from its acknowledgement
	recFar                       // the offset stands in records.far
	recDup                       // it was shown at further offsets: Facts.duplicates
	recNilAck                    // acknowledged without a valid offset
	recResent                    // sent again although an earlier send of it had not failed
	recTxn                       // sent in a transaction
	recCommittedRead             // by an ok poll that reads committed records only
)

// records maps (log, value) to what is known of the record. Values that are
// unique in the whole history, as ours are, share one table, where neighbours
// in time are neighbours in memory; a value that several logs use lives in the
// first one's place of that table and in a table of its own for every other.
type records struct {
	main   recordTable
	own    map[int]*recordTable // by log
	shared bool                 // some value was sent to several logs
	arena  *arena
}

type recordTable struct {
	pages paged[recordPage]
	far   map[int64]int64 // offsets too far from their page's base, by value
}

type recordPage struct {
	offBase, opBase int64 // the page's first offset and entry
	offBegun        bool
	opBegun         bool
	off             [pageLen]int32  // distance to offBase
	sent            [pageLen]uint32 // entry of the send's completion, as a distance to opBase
	read            [pageLen]uint32 // entry of the first poll, as a distance to opBase
	process         [pageLen]uint32 // who sent it
	log             [pageLen]uint16 // index of the log + 1; 0: nothing here
	flags           [pageLen]uint16
}

// record is a place in a page.
type record struct {
	table *recordTable
	page  *recordPage
	i     int
	value int64
}

// place finds the table for (log, value): the one that has the record or, if
// none has, the one where it may be put.
func (r *records) place(log int, value int64, create bool) (record, bool) {
	id := uint16(min(log+1, math.MaxUint16))
	table := &r.main
	for {
		var p *recordPage
		if create {
			p = table.pages.make(value >> pageBits)
		} else {
			p = table.pages.get(value >> pageBits)
		}
		if p == nil {
			return record{}, false
		}
		i := int(value & pageMask)
		// Logs beyond the identifiers' range cannot share a table.
		if table != &r.main || id < math.MaxUint16 && (p.log[i] == id || p.log[i] == 0) {
			if p.log[i] == 0 {
				if !create {
					return record{}, false
				}
				p.log[i] = id
			}
			return record{table, p, i, value}, true
		}
		if table = r.own[log]; table == nil {
			if !create {
				return record{}, false
			}
			if r.own == nil {
				r.own = map[int]*recordTable{}
			}
			table = &recordTable{pages: paged[recordPage]{arena: r.arena}}
			r.own[log] = table
		}
	}
}

// at returns the value's place in the table.
func (t *recordTable) at(value int64) (record, bool) {
	p := t.pages.get(value >> pageBits)
	if p == nil {
		return record{}, false
	}
	return record{t, p, int(value & pageMask), value}, true
}

// at returns the record, made if need be.
func (r *records) at(log int, value int64) record {
	rec, _ := r.place(log, value, true)
	return rec
}

// find returns the record where something is known of it.
func (r *records) find(log int, value int64) (record, bool) { return r.place(log, value, false) }

func (r record) has(flag uint16) bool { return r.page.flags[r.i]&flag != 0 }
func (r record) mark(flag uint16)     { r.page.flags[r.i] |= flag }
func (r record) clear(flag uint16)    { r.page.flags[r.i] &^= flag }

// setOffset gives the record its first known offset.
func (r record) setOffset(offset int64) {
	if !r.page.offBegun {
		r.page.offBase, r.page.offBegun = offset, true
	}
	r.mark(recPlaced)
	d, ok := narrow(offset, r.page.offBase)
	if ok {
		r.page.off[r.i] = d
		return
	}
	if r.table.far == nil {
		r.table.far = map[int64]int64{}
	}
	r.table.far[r.value] = offset
	r.mark(recFar)
}

// offset returns the first known offset, -1 where none is known.
func (r record) offset() int64 {
	switch {
	case !r.has(recPlaced):
		return -1
	case r.has(recFar):
		return r.table.far[r.value]
	}
	return r.page.offBase + int64(r.page.off[r.i])
}

// setSent remembers who sent the record and the entry where the send completed.
func (r record) setSent(op, process int64) {
	r.page.sent[r.i] = r.page.near(op)
	r.page.process[r.i] = uint32(min(max(process, 0), math.MaxUint32))
}

func (r record) setRead(op int64) { r.page.read[r.i] = r.page.near(op) }

// sentAt returns the entry where the send completed, -1 where unknown.
func (r record) sentAt() int64 { return r.page.entry(r.page.sent[r.i]) }

// readAt returns the entry of the first poll that returned the record, -1
// where unknown.
func (r record) readAt() int64 { return r.page.entry(r.page.read[r.i]) }

func (r record) process() int64 { return int64(r.page.process[r.i]) }

// near returns an entry as 1 + its distance from half the range below the
// page's first entry; 0 is unknown, which a distance out of range becomes too.
func (p *recordPage) near(op int64) uint32 {
	if !p.opBegun {
		p.opBase, p.opBegun = op-math.MaxInt32, true
	}
	if d := op - p.opBase; d >= 0 && d < math.MaxUint32 {
		return uint32(d) + 1
	}
	return 0
}

func (p *recordPage) entry(near uint32) int64 {
	if near == 0 {
		return -1
	}
	return p.opBase + int64(near) - 1
}

// each calls f for every record, in the order of the values, the shared table
// first.
func (r *records) each(logs int, f func(log int, rec record)) {
	r.main.each(-1, f)
	for log := range logs {
		if t := r.own[log]; t != nil {
			t.each(log, f)
		}
	}
}

func (t *recordTable) each(log int, f func(int, record)) {
	for _, no := range t.pages.numbers() {
		p := t.pages.get(no)
		for i := range p.log {
			if p.log[i] == 0 {
				continue
			}
			l := log
			if l < 0 {
				l = int(p.log[i]) - 1
			}
			f(l, record{t, p, i, no<<pageBits | int64(i)})
		}
	}
}
