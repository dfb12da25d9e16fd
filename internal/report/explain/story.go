package explain

import (
	"slices"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// story is what a history says of one record, or of one place in a log.
type story struct {
	header  histories.Header
	anomaly *checker.Anomaly
	example *checker.Example
	log     int64
	offset  int64 // -1: none
	value   int64 // -1: none

	open   map[int64]*operation // by process
	lines  []*operation         // the timeline, in the order of completions
	recent []*operation         // the last ones near the place
	after  int                  // how many more of them are wanted

	send    *operation // that of the record; the acknowledged one where there are several
	sends   int
	seen    sightings
	other   *sighting // another record at the offset
	ends    extent    // what was said of the log's end
	start   int64     // the highest start that was listed
	startAt *operation
	final   bool // the final reads have begun
	kept    bool // the final reads returned the record
	passed  *operation
	asked   *operation // of the evidence: a fetch from beyond the record

	faults []*fault
	states []leader // who led the log, where it changed
	epoch  fetched  // the leader epoch under which the record was fetched
}

// operation is an invocation with its completion, so far as they are known.
type operation struct {
	process     int64
	f           string
	first, last int64 // entries; last is -1 where it never completed
	call, ret   time.Duration
	outcome     histories.Type // Invoke where it never completed
	entry       *histories.Op  // the completion, or else the invocation; nil where not kept
	isEvidence  bool
}

// sighting is a record that an entry returned.
type sighting struct {
	value, offset int64
	by            *operation
}

// sightings are the reads of the record.
type sightings struct {
	n           int64
	first, last sighting
}

// extent is what was said of a log's end: by lists of ends and by the high
// watermarks of fetches.
type extent struct {
	top, last     int64 // -1: nothing
	topBy, lastBy *operation
}

// fault is a fault with its time; until is -1 while it lasts.
type fault struct {
	id          int
	name        string
	on          []string
	from, until time.Duration
}

// leader is who led the log from a time on.
type leader struct {
	at    time.Duration
	node  string
	epoch int32
}

// fetched is the leader epoch that a fetch told of the record.
type fetched struct {
	epoch int64
	by    *operation
}

func newStory(h histories.Header, a *checker.Anomaly, e *checker.Example) *story {
	return &story{
		header: h, anomaly: a, example: e, log: e.Log, offset: e.Offset, value: e.Value,
		open: map[int64]*operation{}, ends: extent{top: -1, last: -1}, start: -1, epoch: fetched{epoch: -1},
	}
}

func (s *story) isEvidence(index int64) bool { return slices.Contains(s.example.Ops, index) }

func (s *story) observe(op *histories.Op) {
	if op.Process == histories.Nemesis {
		s.nemesis(op)
		return
	}
	if op.Type == histories.Invoke {
		o := &operation{process: op.Process, f: op.FName(), first: op.Index, last: -1, call: op.Time, ret: -1, outcome: histories.Invoke}
		if s.isEvidence(op.Index) {
			o.isEvidence, o.entry = true, op.Clone()
		} else if s.sendsIt(op) {
			o.entry = op.Clone()
		}
		s.open[op.Process] = o
		return
	}
	o := s.open[op.Process]
	delete(s.open, op.Process)
	if o == nil {
		o = &operation{process: op.Process, f: op.FName(), first: op.Index, call: op.Time}
	}
	o.last, o.ret, o.outcome = op.Index, op.Time, op.Type
	s.complete(o, op)
}

// sendsIt tells whether an entry sends the record.
func (s *story) sendsIt(op *histories.Op) bool {
	for m := range op.Sends() {
		if m.Key == s.log && m.Value == s.value && s.value >= 0 {
			return true
		}
	}
	return false
}

// complete takes a completed operation; its entry is lent.
func (s *story) complete(o *operation, op *histories.Op) {
	o.isEvidence = o.isEvidence || s.isEvidence(op.Index)
	s.adopt(op)
	near := s.near(op)
	if o.isEvidence || near {
		o.entry = op.Clone()
	}
	if s.sendsIt(op) {
		s.sends++
		if s.send == nil || s.send.outcome != histories.OK {
			o.entry, s.send = op.Clone(), o
		}
	}
	s.reads(o, op)
	s.extents(o, op)
	s.line(o, near)
}

// adopt learns which record is the matter where the anomaly only names its
// place: the first that was acknowledged or read there.
func (s *story) adopt(op *histories.Op) {
	if s.value >= 0 || s.offset < 0 {
		return
	}
	for m := range op.Sends() {
		if m.Key == s.log && m.Offset == s.offset {
			s.value = m.Value
			return
		}
	}
	for key, r := range op.Polled() {
		if key == s.log && r.Offset == s.offset && r.Value >= 0 {
			s.value = r.Value
			return
		}
	}
}

// reads notes who got the record, and who stands where it should.
func (s *story) reads(o *operation, op *histories.Op) {
	for key, r := range op.Polled() {
		if key != s.log {
			continue
		}
		switch {
		case r.Value == s.value && s.value >= 0:
			at := sighting{r.Value, r.Offset, o}
			if s.seen.n == 0 {
				s.seen.first = at
			}
			s.seen.n, s.seen.last = s.seen.n+1, at
			s.kept = s.kept || s.final
		case r.Offset == s.offset && s.offset >= 0 && r.Value >= 0:
			s.other = &sighting{r.Value, r.Offset, o}
		}
	}
	if s.final && s.offset >= 0 && lastOffset(op, s.log) > s.offset && s.passed == nil {
		s.passed = o
	}
}

// extents notes what was said of where the log ends and starts.
func (s *story) extents(o *operation, op *histories.Op) {
	if op.Type != histories.OK {
		return
	}
	end := func(n int64) {
		if n < 0 {
			return
		}
		if n > s.ends.top {
			s.ends.top, s.ends.topBy = n, o
		}
		s.ends.last, s.ends.lastBy = n, o
	}
	for _, k := range op.Offsets {
		switch {
		case k.Key != s.log:
		case op.F == histories.EndOffsets:
			end(k.Offset)
		case op.F == histories.StartOffsets && k.Offset > s.start:
			s.start, s.startAt = k.Offset, o
		}
	}
	for i, f := range op.Fetched {
		if f.Key != s.log {
			continue
		}
		end(f.HighWatermark)
		if s.offset >= 0 && f.Position > s.offset && s.asked == nil && o.isEvidence {
			s.asked = o
		}
		if n := op.LastOf(i); f.Epoch >= 0 && s.offset >= 0 && f.Position <= s.offset && n >= s.offset {
			s.epoch = fetched{f.Epoch, o}
		}
	}
}

func lastOffset(op *histories.Op, log int64) int64 {
	n := int64(-1)
	for _, run := range op.Runs {
		if run.Key == log && run.To > run.From {
			n = op.Recs[run.To-1].Offset
		}
	}
	return n
}

// nemesis notes phases, faults and leaders.
func (s *story) nemesis(op *histories.Op) {
	e := op.Event
	if e == nil {
		return
	}
	if s.isEvidence(op.Index) {
		s.lines = append(s.lines, &operation{
			process: op.Process, f: op.FName(), first: op.Index, last: op.Index, call: op.Time, ret: op.Time,
			outcome: op.Type, entry: op.Clone(), isEvidence: true,
		})
	}
	switch op.F {
	case histories.Phase:
		s.final = e.Phase == histories.PhaseFinal
	case histories.Inject:
		s.faults = append(s.faults, &fault{e.ID, e.Fault, e.On, op.Time, -1})
	case histories.Healed:
		for _, f := range s.faults {
			if f.id == e.ID && f.until < 0 {
				f.until = op.Time
			}
		}
	case histories.State:
		s.state(op)
	}
}

func (s *story) state(op *histories.Op) {
	if op.Event.State == nil {
		return
	}
	for _, l := range s.header.Logs {
		if l.Key != s.log {
			continue
		}
		p, ok := op.Event.State.Of(l.Topic, l.Partition)
		if n := len(s.states); ok && (n == 0 || s.states[n-1].node != p.Leader || s.states[n-1].epoch != p.Epoch) {
			s.states = append(s.states, leader{op.Time, p.Leader, p.Epoch})
		}
	}
}

// led is who led the log at a time, as far as it was recorded before.
func (s *story) led(at time.Duration) (leader, bool) {
	var out leader
	found := false
	for _, l := range s.states {
		if l.at <= at || !found {
			out, found = l, true
		}
	}
	return out, found
}

// end takes what never completed.
func (s *story) end() {
	for _, o := range s.open {
		if o.isEvidence {
			s.line(o, true)
		}
		if s.send == nil && o.entry != nil && s.sendsIt(o.entry) {
			s.send = o
		}
	}
}
