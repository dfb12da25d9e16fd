package toxic

import (
	"math/rand/v2"
	"time"

	tstream "github.com/Shopify/toxiproxy/v2/stream"
)

const (
	// window bounds the bytes of one connection and direction that wait in the
	// toxic, like the window of a TCP connection; beyond it the sender blocks.
	window = 1 << 20
	// patience is how long a connection whose sender is gone may take nothing
	// before it is given up. Without it the goroutines behind a reader that
	// vanished would never end.
	patience = 2 * time.Second
	// quantum is how often a rate-limited connection sends.
	quantum = 50 * time.Millisecond
)

// stream is one direction of one connection: what waits in it and what the
// parameters in force have made of it so far.
type stream struct {
	slot *Slot
	conn uint64 // number of the connection on its link, from 1

	queue  []item
	head   int // queue[head:] waits
	queued int // bytes in it
	eof    bool
	eofAt  time.Time
	lost   bool      // bytes were dropped: nothing may follow them
	quiet  time.Time // when the last chunk came

	// What follows belongs to the parameters in force and begins anew with each set.
	set     *setting
	rng     *rand.Rand
	lastDue time.Time // of the chunk that came last
	free    time.Time // when the rate-limited line is free
	passed  int64
	sentAt  time.Time
	piece   int       // bytes of the head to send next; 0: not chosen
	pieceAt time.Time // when to send them
	offered time.Time // since when the receiver has not taken them
}

type item struct {
	data []byte
	came time.Time
	due  time.Time
}

// step is what a stream wants next: to send, to wait until wake, to close.
type step struct {
	send  []byte
	wake  time.Time
	close bool
	peek  bool // read one chunk beyond the window: the end of the source may stand behind it
}

func newStream(slot *Slot, conn uint64, now time.Time) *stream {
	return &stream{slot: slot, conn: conn, quiet: now}
}

// adopt puts a new set of parameters in force. What waited under the old ones
// is due at once.
func (s *stream) adopt(set *setting, now time.Time) {
	s.set, s.rng = set, nil
	s.lastDue, s.free, s.sentAt, s.offered = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	s.passed, s.piece = 0, 0
	s.quiet = now
	for i := s.head; i < len(s.queue); i++ {
		s.queue[i].due = time.Time{}
	}
}

// random returns the connection's own generator under the parameters in force.
func (s *stream) random() *rand.Rand {
	if s.rng == nil {
		s.rng = rand.New(rand.NewPCG(s.set.Seed, s.conn))
	}
	return s.rng
}

// arrive takes a chunk from the source; nil is its end.
func (s *stream) arrive(c *tstream.StreamChunk, now time.Time) {
	if c == nil {
		s.eof, s.eofAt = true, now
		return
	}
	n := len(c.Data)
	s.slot.in.Add(int64(n))
	s.quiet = now
	if s.lost || s.set.Drop || s.set.Reset {
		s.lost = true
		s.slot.drop.Add(int64(n))
		return
	}
	it := item{data: c.Data, came: now}
	if d := s.delay(n); d > 0 {
		it.due = now.Add(d)
	}
	if it.due.Before(s.lastDue) {
		it.due = s.lastDue // order is kept
	}
	s.lastDue = it.due
	s.queue = append(s.queue, it)
	s.queued += n
}

// delay draws how long the next chunk, of n bytes, is under way.
func (s *stream) delay(n int) time.Duration {
	p := &s.set.Params
	d := p.Latency
	if p.Jitter > 0 {
		d += time.Duration(s.random().Int64N(int64(2*p.Jitter)+1)) - p.Jitter
	}
	if p.Loss > 0 {
		rto := p.RTO
		for i := 0; i < maxDoublings && s.random().Float64() < p.Loss; i++ {
			if i == 0 {
				s.slot.resent.Add(int64(n))
			}
			d += rto
			rto *= 2
		}
	}
	return d
}

// next decides what to do at this moment.
func (s *stream) next(now time.Time) step {
	p := &s.set.Params
	if p.Cut || p.Reset && s.lost || p.Limit > 0 && s.passed >= p.Limit {
		return step{close: true}
	}
	if s.head == len(s.queue) {
		return s.idle(now)
	}
	if p.Stall {
		return step{}
	}
	it := &s.queue[s.head]
	if now.Before(it.due) {
		return step{wake: it.due}
	}
	if s.piece == 0 {
		s.choose(it)
	}
	if now.Before(s.pieceAt) {
		return step{wake: s.pieceAt}
	}
	if s.offered.IsZero() {
		s.offered = now
	}
	st := step{send: it.data[:s.piece], wake: s.offered.Add(patience)}
	if !now.Before(st.wake) {
		if s.eof {
			return step{close: true}
		}
		st.peek, st.wake = true, time.Time{}
	}
	return st
}

// idle decides what to do when nothing waits to be sent: whether and when to close.
func (s *stream) idle(now time.Time) step {
	p := &s.set.Params
	if p.Drop && p.Timeout > 0 {
		at := s.quiet.Add(p.Timeout)
		if s.eof || !now.Before(at) {
			return step{close: true}
		}
		return step{wake: at}
	}
	if !s.eof && !s.lost || p.Stall || p.Drop {
		return step{}
	}
	if p.SlowClose > 0 && s.eof {
		if at := s.eofAt.Add(p.SlowClose); now.Before(at) {
			return step{wake: at}
		}
	}
	return step{close: true}
}

// choose says how much of the item is sent next, and when.
func (s *stream) choose(it *item) {
	p := &s.set.Params
	n := len(it.data)
	s.pieceAt = time.Time{}
	if p.Slice > 0 {
		size := p.Slice
		if p.SliceVary > 0 {
			size += s.random().IntN(2*p.SliceVary+1) - p.SliceVary
		}
		n = min(n, max(size, 1))
		if !s.sentAt.IsZero() {
			s.pieceAt = s.sentAt.Add(p.SliceDelay)
		}
	}
	if p.Limit > 0 {
		n = int(min(int64(n), p.Limit-s.passed))
	}
	if p.Rate > 0 {
		n = min(n, int(max(p.Rate*int64(quantum)/int64(time.Second), 1)))
		start := s.free
		if start.Before(it.came) {
			start = it.came
		}
		s.free = start.Add(time.Duration(float64(n) / float64(p.Rate) * float64(time.Second)))
		if s.pieceAt.Before(s.free) {
			s.pieceAt = s.free
		}
	}
	s.piece = n
}

// sent accounts for a piece that the receiver has taken.
func (s *stream) sent(n int, now time.Time) {
	s.slot.out.Add(int64(n))
	s.passed += int64(n)
	s.queued -= n
	s.piece, s.offered, s.sentAt = 0, time.Time{}, now
	it := &s.queue[s.head]
	it.data = it.data[n:]
	if len(it.data) > 0 {
		return
	}
	*it = item{}
	s.head++
	if s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
	}
}

// abandon accounts for what will never be passed on.
func (s *stream) abandon(n int) { s.slot.abandoned.Add(int64(n)) }
