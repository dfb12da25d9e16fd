package toxic

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
)

// Type is the name under which the control toxic is registered with Toxiproxy.
const Type = "ackproof_control"

// Slot is the switch of one direction of one link.
type Slot struct {
	// ID is the attribute "slot" by which a control toxic finds its slot.
	ID int64

	mu        sync.Mutex // one writer of now at a time
	now       atomic.Pointer[setting]
	conns     atomic.Uint64
	in        atomic.Int64
	out       atomic.Int64
	drop      atomic.Int64
	resent    atomic.Int64
	abandoned atomic.Int64
}

// setting is a set of parameters while it is in force.
type setting struct {
	Params
	changed chan struct{} // closed when another set takes its place
}

// Counters are the bytes that one direction of a link has seen since it was made.
type Counters struct {
	Conns     uint64 // connections opened
	In        int64  // bytes that came
	Out       int64  // bytes passed on
	Dropped   int64  // bytes lost on purpose
	Resent    int64  // bytes held for a retransmission
	Abandoned int64  // bytes that could not be passed on, the connection being gone
}

// Held is how many bytes are waiting in the link.
func (c Counters) Held() int64 { return c.In - c.Out - c.Dropped - c.Abandoned }

// Sub is what was counted since before.
func (c Counters) Sub(before Counters) Counters {
	return Counters{
		Conns:     c.Conns - before.Conns,
		In:        c.In - before.In,
		Out:       c.Out - before.Out,
		Dropped:   c.Dropped - before.Dropped,
		Resent:    c.Resent - before.Resent,
		Abandoned: c.Abandoned - before.Abandoned,
	}
}

// Set puts the parameters in force and wakes every connection that waits under
// the old ones. What they held back is passed on at once, in order.
func (s *Slot) Set(p Params) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now.Swap(&setting{Params: p, changed: make(chan struct{})})
	if old != nil {
		close(old.changed)
	}
}

// Number is the attribute "slot" by which a control toxic finds its slot.
func (s *Slot) Number() int64 { return s.ID }

// Err is nil: the slot is in this process.
func (s *Slot) Err() error { return nil }

// Params returns the parameters in force.
func (s *Slot) Params() Params { return s.now.Load().Params }

// Counters returns the bytes seen so far.
func (s *Slot) Counters() Counters {
	// Out first: read later than In it could exceed it.
	c := Counters{Out: s.out.Load(), Dropped: s.drop.Load(), Resent: s.resent.Load(), Abandoned: s.abandoned.Load()}
	c.In, c.Conns = s.in.Load(), s.conns.Load()
	return c
}

// table finds slots by ID. Toxiproxy makes toxics from JSON alone, so the way
// from a toxic to its slot leads through the process.
var table = struct {
	sync.RWMutex
	slots map[int64]*Slot
	next  int64
}{slots: map[int64]*Slot{}}

var register sync.Once

// NewSlot makes a slot that passes everything on. The first call registers the
// control toxic with Toxiproxy, which is global to the process.
func NewSlot() *Slot {
	register.Do(func() { toxics.Register(Type, new(Control)) })
	table.Lock()
	defer table.Unlock()
	table.next++
	s := &Slot{ID: table.next}
	s.Set(Params{})
	table.slots[s.ID] = s
	return s
}

// Free forgets the slot. Connections that still use it keep it until they end.
func (s *Slot) Free() {
	s.Set(Params{})
	table.Lock()
	defer table.Unlock()
	delete(table.slots, s.ID)
}

func find(id int64) *Slot {
	table.RLock()
	defer table.RUnlock()
	if s := table.slots[id]; s != nil {
		return s
	}
	// A toxic that somebody else made, or one whose links are closed.
	s := &Slot{}
	s.Set(Params{})
	return s
}

// Control is the control toxic. It holds nothing but the way to its slot.
type Control struct {
	Slot int64 `json:"slot"`
}

// NewState makes the state of a connection; it outlives an interruption by
// Toxiproxy, so that nothing under way is lost.
func (c *Control) NewState() any {
	slot := find(c.Slot)
	return newStream(slot, slot.conns.Add(1), time.Now())
}

// Pipe passes one direction of one connection on until it ends or Toxiproxy
// interrupts it.
func (c *Control) Pipe(stub *toxics.ToxicStub) {
	s, ok := stub.State.(*stream)
	if !ok {
		s = c.NewState().(*stream)
		stub.State = s
	}
	s.pipe(stub)
}
