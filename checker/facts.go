package checker

import (
	"github.com/ackproof/ackproof/histories"
)

// Facts is what the history says of records and offsets: which value was shown
// at which offset, by an acknowledgement or by a poll; who sent it; how the
// send ended; who read it. Everything else in this package that concerns the
// content of logs is read off it.
//
// A poll of any outcome counts as evidence of what is in a log, because a
// broker has to tell the truth to a consumer whatever becomes of its
// operation; having been read is what an ok poll makes of a record.
type Facts struct {
	env     *Env
	arena   *arena // where the pages of records, slots and gaps lie
	crashes *crashes
	live    *liveCounts
	clock   clock
	recs    records
	logs    []*logFacts
	byKey   map[int64]*logFacts
	near    []*logFacts // by key, where keys are small
	final   bool        // the final reads have begun
	txns    bool        // there are transactions
	iso     isolations
	stated  processes[bool] // the assignment under way says where to begin

	conflicts  map[point][]sighting // by offset: the values beside the slot's first
	duplicates map[point][]sighting // by value: the offsets beside the record's first
	bad        map[point]*badRecord // by offset
	early      map[point]*earlyRead // by value: polled, not sent yet
	future     []futureRead         // polled, sent later
	waiting    map[point]int64      // by value: ok polls while the send was in flight
	aborted    map[point]*abortedRead
	unproven   []unprovenSend
	resent     map[point]resend // by value: sent again
	over       map[Kind]int64   // found when there was no more room
}

// point is an offset or a value of a log.
type point struct {
	log int // index into Facts.logs
	n   int64
}

// sighting is a value shown at an offset.
type sighting struct {
	offset, value int64
	op, process   int64
	polled, final bool
}

// logFacts is what is known of one log.
type logFacts struct {
	key       int64
	compacted bool
	index     int
	slots     slots
	acked     int64     // acknowledged records
	gaps      gaps      // offsets that polls passed over
	start     int64     // the highest start that was listed
	startOp   int64     // where
	read      bool      // an ok poll returned a record of it
	pages     []int64   // numbers of the slots' pages, once everything was observed
	keyed     *keyedLog // of a compacted log
	deletions
}

func newFacts(e *Env) *Facts {
	a := &arena{most: arenaHeap}
	return &Facts{
		arena: a, recs: records{arena: a, main: recordTable{pages: paged[recordPage]{arena: a}}},
		env: e, crashes: newCrashes(e), byKey: map[int64]*logFacts{},
		conflicts: map[point][]sighting{}, duplicates: map[point][]sighting{},
		bad: map[point]*badRecord{}, early: map[point]*earlyRead{}, waiting: map[point]int64{},
		aborted: map[point]*abortedRead{}, over: map[Kind]int64{},
		resent: map[point]resend{},
		iso:    newIsolations(e),
	}
}

// log returns the facts of a log.
func (f *Facts) log(key int64) *logFacts {
	if key >= 0 && key < int64(len(f.near)) && f.near[key] != nil {
		return f.near[key]
	}
	if l := f.byKey[key]; l != nil {
		return l
	}
	l := &logFacts{
		key: key, index: len(f.logs), compacted: f.env.compacted(key), deletions: deletions{topic: -1},
		slots: slots{pages: paged[slotPage]{arena: f.arena}}, gaps: gaps{byFrom: paged[gapPage]{arena: f.arena}},
	}
	f.byKey[key] = l
	f.logs = append(f.logs, l)
	f.nearby(l)
	return l
}

// nearKeys bounds the keys that are found without a map.
const nearKeys = 1 << 12

func (f *Facts) nearby(l *logFacts) {
	if l.key < 0 || l.key >= nearKeys {
		return
	}
	for int64(len(f.near)) <= l.key {
		f.near = append(f.near, nil)
	}
	f.near[l.key] = l
}

// reader returns the same facts for a goroutine of its own, once everything was
// observed: finding things remembers where they were found.
func (f *Facts) reader() *Facts {
	c := *f
	c.recs.own = make(map[int]*recordTable, len(f.recs.own))
	for log, t := range f.recs.own {
		own := *t
		c.recs.own[log] = &own
	}
	c.logs, c.near, c.byKey = nil, nil, make(map[int64]*logFacts, len(f.logs))
	for _, l := range f.logs {
		own := *l
		c.logs = append(c.logs, &own)
		c.byKey[l.key] = &own
		c.nearby(&own)
	}
	return &c
}

// Observe takes the next entry.
func (f *Facts) Observe(op *histories.Op) {
	f.clock.observe(op.Index, op.Time)
	f.crashes.observe(op)
	f.iso.observe(op)
	switch {
	case op.F == histories.Phase:
		if op.Event != nil && op.Process == histories.Nemesis {
			f.final = op.Event.Phase == histories.PhaseFinal
		}
	case op.Process < 0:
	case op.F == histories.Send || op.F == histories.Poll || op.F == histories.Txn:
		f.observeMops(op)
	default:
		f.observeDeletions(op)
	}
}

func (f *Facts) observeMops(op *histories.Op) {
	f.txns = f.txns || op.F == histories.Txn
	if op.Type == histories.Invoke {
		sends := 0
		for i := range op.Mops {
			m := &op.Mops[i]
			if !m.Send {
				continue
			}
			f.invoked(op, m)
			if key, ok := op.KeyOfSend(sends); ok {
				if l := f.log(m.Key); l.compacted {
					l.sentKeyed(op, m.Value, key)
				}
			}
			sends++
		}
		return
	}
	for i := range op.Bad {
		f.sawBad(op, &op.Bad[i])
	}
	unproven := false
	for i := range op.Mops {
		m := &op.Mops[i]
		if m.Send {
			f.sent(op, m)
			unproven = unproven || op.Type == histories.Info && (m.Offset >= 0 || len(op.Mops) > 1)
			continue
		}
		for j := m.From; j < m.To; j++ {
			run := op.Runs[j]
			f.polled(op, f.log(run.Key), op.Recs[run.From:run.To])
		}
	}
	if unproven {
		f.keepUnproven(op)
	}
}

// invoked notes that a record is about to be sent.
func (f *Facts) invoked(op *histories.Op, m *histories.Mop) {
	l := f.log(m.Key)
	rec := f.recs.at(l.index, m.Value)
	if rec.has(recPolled) && !rec.has(recSent) {
		f.sawFuture(op, l, m.Value)
	}
	if rec.has(recSent) && (!rec.has(recFailed) || rec.has(recAcked|recInfo)) {
		f.sawResent(op, l, m.Value)
		rec.mark(recResent)
	}
	rec.mark(recSent)
	if op.F == histories.Txn {
		rec.mark(recTxn)
	}
	if rec.table != &f.recs.main {
		if other, ok := f.recs.main.at(m.Value); ok && other.has(recSent) {
			f.recs.shared = true
		}
	}
}

// sent notes how the send of a record ended.
func (f *Facts) sent(op *histories.Op, m *histories.Mop) {
	l := f.log(m.Key)
	rec := f.recs.at(l.index, m.Value)
	if !rec.has(recSent) { // a completion without invocation is told elsewhere
		f.invoked(op, m)
	}
	switch op.Type {
	case histories.OK:
		if !rec.has(recAcked) {
			l.acked++
		}
		rec.mark(recAcked)
		rec.clear(recFailed) // a value that was sent again is not a failed one
		rec.setSent(op.Index, op.Process)
		if m.Offset >= 0 {
			f.evidence(l, rec, sighting{offset: m.Offset, value: m.Value, op: op.Index, process: op.Process})
		} else if m.Offset == histories.OffsetNil {
			rec.mark(recNilAck)
		}
	case histories.Fail:
		if rec.has(recResent) && f.resendFailed(l, m.Value) {
			rec.clear(recResent)
		}
		if rec.has(recAcked | recInfo) {
			return
		}
		rec.mark(recFailed)
		rec.setSent(op.Index, op.Process)
		if n := f.waiting[point{l.index, m.Value}]; n > 0 {
			f.sawAborted(l, rec, rec.readAt(), n)
		}
	case histories.Info:
		rec.mark(recInfo)
		if !rec.has(recAcked) {
			rec.setSent(op.Index, op.Process)
		}
	}
	if rec.has(recPolled) {
		delete(f.waiting, point{l.index, m.Value})
	}
}

// polled notes what a poll returned of one log. Most polled records have been
// polled before; for them there is nothing to do but compare.
func (f *Facts) polled(op *histories.Op, l *logFacts, recs []histories.Rec) {
	need := uint8(slotQuick)
	if f.final {
		need |= slotFinal
	}
	ok := op.Type == histories.OK
	var page *slotPage
	no := int64(-1)
	for i := range recs {
		r := &recs[i]
		if r.Offset < 0 {
			f.read(op, l, r)
			continue
		}
		if r.Offset>>pageBits != no {
			no = r.Offset >> pageBits
			page = l.slots.pages.make(no)
		}
		j := r.Offset & pageMask
		if ok && page.flags[j]&(need|slotFar|slotConflict|slotBad) == need && page.base+int64(page.value[j]) == r.Value {
			continue
		}
		f.read(op, l, r)
	}
}

// read notes one polled record.
func (f *Facts) read(op *histories.Op, l *logFacts, r *histories.Rec) {
	if r.Offset >= 0 && len(op.Bad) > 0 && f.isBad(op, l, r) {
		return
	}
	ok := op.Type == histories.OK
	rec := f.recs.at(l.index, r.Value)
	if r.Value == histories.NoValue && !rec.has(recSent) { // no value is sent as this one
		f.sawBad(op, &histories.BadRec{Key: l.key, Offset: r.Offset, Why: histories.BadChecksum, Detail: "no value could be read"})
		return
	}
	if !rec.has(recPolled) {
		rec.mark(recPolled)
		rec.setRead(op.Index)
	}
	if !rec.has(recSent) {
		f.sawEarly(op, l, r)
	}
	settled := rec.has(recAcked | recInfo)
	// Whoever reads everything learns nothing of a transaction's outcome.
	committed := f.iso.committed(op.Process)
	dirty := f.iso.of(op.Process) == histories.ReadUncommitted && rec.has(recTxn)
	if ok {
		l.read = true
		rec.mark(recRead)
		if committed {
			rec.mark(recCommittedRead)
		}
		if f.final {
			rec.mark(recFinal)
		}
		switch {
		case dirty:
		case rec.has(recFailed):
			f.sawAborted(l, rec, op.Index, 1)
		case !settled:
			f.waiting[point{l.index, r.Value}]++
		}
	}
	if r.Offset < 0 {
		return
	}
	t := f.evidence(l, rec, sighting{offset: r.Offset, value: r.Value, op: op.Index, process: op.Process, polled: true, final: ok && f.final})
	if t.has(slotConflict) {
		return
	}
	t.mark(slotPolled)
	if !ok {
		return
	}
	t.mark(slotRead)
	if settled && !dirty {
		t.mark(slotQuick)
	}
	if f.final {
		t.mark(slotFinal)
	}
}

// evidence notes that a value was shown at an offset.
func (f *Facts) evidence(l *logFacts, rec record, s sighting) slot {
	t := l.slots.at(s.offset)
	switch {
	case !t.has(slotHas):
		l.slots.set(t, s.offset, s.value)
	case t.has(slotConflict) || l.slots.value(t, s.offset) != s.value:
		f.sawConflict(l, t, s)
	}
	switch {
	case !rec.has(recPlaced):
		rec.setOffset(s.offset)
		if !s.polled {
			rec.mark(recAckPlace)
		}
	case rec.has(recDup) || rec.offset() != s.offset:
		f.sawDuplicate(l, rec, s)
	}
	return t
}

// unprovenSend is a send of unknown outcome that names offsets. They count
// once one of its records was read by an ok poll: then all of it happened.
type unprovenSend struct {
	op, process int64
	sends       []histories.Mop
}

func (f *Facts) keepUnproven(op *histories.Op) {
	if len(f.unproven) >= maxCases {
		return
	}
	u := unprovenSend{op: op.Index, process: op.Process}
	for _, m := range op.Mops {
		if m.Send {
			u.sends = append(u.sends, m)
		}
	}
	f.unproven = append(f.unproven, u)
}

// Finish settles what only the whole history can tell.
func (f *Facts) Finish() {
	for _, u := range f.unproven {
		if !f.proven(u) {
			continue
		}
		for _, m := range u.sends {
			l := f.log(m.Key)
			rec := f.recs.at(l.index, m.Value)
			rec.mark(recProven)
			if m.Offset >= 0 {
				f.evidence(l, rec, sighting{offset: m.Offset, value: m.Value, op: u.op, process: u.process})
			}
		}
	}
	for _, l := range f.logs {
		l.pages = l.slots.pages.numbers()
	}
	f.chain()
}

func (f *Facts) proven(u unprovenSend) bool {
	for _, m := range u.sends {
		// A record of a transaction that a reader of committed records got proves it all.
		if rec, ok := f.recs.find(f.log(m.Key).index, m.Value); ok && rec.has(recRead) && (!rec.has(recTxn) || rec.has(recCommittedRead)) {
			return true
		}
	}
	return false
}
