package mutants

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var lateSlot = Mutant{
	Name: "late-slot",
	Doc: "Keeps an offset free in front of a record that it acknowledges, and gives it to a record that another producer " +
		"sends afterwards: a log that is put together from several queues.",
	Headline:  "offset-regression",
	Followers: []string{"nonlinearizable-log", "nonmonotonic-send"},
	Offset:    "that was free",
	sinner: func(b *Broker) sinner {
		return &keeper{b: b, slots: map[place]*slot{}, filled: map[place]map[int64]batch{}}
	},
}

var ownLateSlot = Mutant{
	Name: "late-slot-own",
	Doc: "Keeps an offset free in front of a record that it acknowledges, and gives it to the next record of the same " +
		"producer: requests of one connection that overtake each other.",
	Headline:  "nonmonotonic-send",
	Followers: []string{"offset-regression", "nonlinearizable-log"},
	Offset:    "that was free",
	sinner: func(b *Broker) sinner {
		return &keeper{b: b, own: true, slots: map[place]*slot{}, filled: map[place]map[int64]batch{}}
	},
}

// slotOpen is how long an offset is kept free. Meanwhile nobody reads it.
const slotOpen = 300 * time.Millisecond

// keeper appends a record twice and acknowledges the second copy. The first one
// is nobody's until another record comes for its place; if none does in time,
// readers find it empty, as a transaction marker would be.
type keeper struct {
	b      *Broker
	own    bool // only for the producer whose record stands behind it
	slots  map[place]*slot
	filled map[place]map[int64]batch // what stands at an offset instead; nil: nothing
}

// slot is an offset that is kept free.
type slot struct {
	offset int64 // -1: the cluster has not said it yet
	mark   trace // of both copies
	owner  *conn
	until  time.Time
	got    time.Time // when the owner had its acknowledgement; zero: not yet
	taken  bool      // somebody is on the way into it
}

// open tells whether nobody may read past the slot yet.
func (o *slot) open() bool {
	until := o.until
	if o.taken {
		until = until.Add(slotOpen)
	}
	return time.Now().Before(until)
}

// kept is the memo of a record that gets a slot before it.
type kept struct {
	produce
	slot *slot
}

// late is the memo of a record that is put into a slot.
type late struct {
	forgotten
	slot *slot
}

func (s *keeper) request(x *exchange) {
	p, ok := s.b.produceOf(x)
	if !ok {
		return
	}
	o := s.slots[p.at]
	switch {
	case o != nil && s.mayFill(x, o) && s.b.forget(x, p):
		o.taken = true
		x.memo = late{x.memo.(forgotten), o}
	case o == nil && s.b.due(p.at) && p.batch.count() == 1 && !p.batch.idempotent() && len(p.topic.Partitions) == 1:
		s.b.spend(1)
		o = &slot{offset: -1, mark: trace{p.at, p.batch.crc(), len(p.batch)}, owner: x.conn, until: time.Now().Add(slotOpen)}
		s.slots[p.at] = o
		x.sent, x.memo = p.with(p.at.partition, p.batch.unowned()), kept{p, o}
	}
}

// mayFill tells whether the record is known to have been sent after the owner
// had its acknowledgement.
func (s *keeper) mayFill(x *exchange, o *slot) bool {
	if o.taken || o.got.IsZero() || time.Now().After(o.until) {
		return false
	}
	if s.own {
		return x.conn == o.owner
	}
	return x.conn != o.owner && x.since.After(o.got)
}

func (s *keeper) response(x *exchange) {
	switch memo := x.memo.(type) {
	case kept:
		s.keep(x, memo)
	case late:
		s.fill(x, memo)
	default:
		if _, ok := x.resp.(*kmsg.FetchResponse); ok {
			s.show(x)
		}
	}
}

// keep acknowledges the record behind the slot.
func (s *keeper) keep(x *exchange, k kept) {
	a := k.answered(x.resp, k.at.partition)
	if a == nil {
		delete(s.slots, k.at)
		return
	}
	k.slot.offset = a.BaseOffset - 1
	s.put(k.at, k.slot.offset, nil)
	x.answer = singleAnswer(x.resp.(*kmsg.ProduceResponse))
	x.onGot(func() { k.slot.got = time.Now() })
}

// singleAnswer drops the second answer for a partition that was sent twice.
func singleAnswer(resp *kmsg.ProduceResponse) *kmsg.ProduceResponse {
	for i := range resp.Topics {
		t := &resp.Topics[i]
		t.Partitions = t.Partitions[:min(len(t.Partitions), 1)]
	}
	return resp
}

func (s *keeper) put(at place, offset int64, b batch) {
	if s.filled[at] == nil {
		s.filled[at] = map[int64]batch{}
	}
	s.filled[at][offset] = b
}

// fill puts the record into the slot and acknowledges it there.
func (s *keeper) fill(x *exchange, l late) {
	_, h := s.b.acknowledge(x, l.forgotten)
	if h == nil || !l.slot.open() { // too late: without an answer, and without a record
		l.slot.taken = false
		return
	}
	s.b.release(h)
	delete(s.slots, l.at)
	x.answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].BaseOffset = l.slot.offset
	s.put(l.at, l.slot.offset, l.batch)
	x.onGot(prove(s.b.sin(l.at, l.slot.offset, s.b.values(l.batch)[0], false,
		"put at offset %d, in front of a record that had been acknowledged", l.slot.offset)))
}

// show shows what stands in the slots. While one is open nobody gets past it:
// the leader is not available.
func (s *keeper) show(x *exchange) {
	for _, f := range s.b.fetchedOf(x) {
		batches, rest := split(f.part.RecordBatches)
		if o := s.slots[f.at]; o != nil && len(batches) > 0 && !s.pass(o, f, batches) {
			f.part.ErrorCode, f.part.RecordBatches = kerr.NotLeaderForPartition.Code, []byte{}
			x.answer = x.resp
			continue
		}
		changed := false
		for i, b := range batches {
			other, ok := s.filled[f.at][b.base()]
			switch {
			case !ok || b.count() != 1:
			case other == nil:
				batches[i], changed = b.emptied(), true
			default:
				batches[i], changed = other.rebased(b), true
			}
		}
		if changed {
			f.part.RecordBatches, x.answer = join(batches, rest), x.resp
		}
	}
}

// pass tells whether a fetch may be answered beside this slot, and closes the
// slot when its time is over. Where the cluster's answer was lost, the slot is
// the first of two equal batches.
func (s *keeper) pass(o *slot, f fetched, batches []batch) bool {
	if o.open() {
		return o.offset >= 0 && (f.position > o.offset || f.part.HighWatermark <= o.offset)
	}
	for i := 0; o.offset < 0 && i+1 < len(batches); i++ {
		if a, b := batches[i], batches[i+1]; o.mark == (trace{f.at, a.crc(), len(a)}) && o.mark == (trace{f.at, b.crc(), len(b)}) {
			o.offset = a.base()
			s.put(f.at, o.offset, nil)
		}
	}
	if o.offset >= 0 {
		delete(s.slots, f.at)
		s.b.nextReq = s.b.requests // nothing was done: the next one may come at once
	}
	return true
}
