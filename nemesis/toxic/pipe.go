package toxic

import (
	"time"

	tstream "github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// pipe is the loop of a stream. Every wait in it ends when the parameters
// change, when Toxiproxy interrupts, and, while there is room, when the source
// has more: that is what keeps a heal from ever freezing.
func (s *stream) pipe(stub *toxics.ToxicStub) {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	for {
		now := time.Now()
		if set := s.slot.now.Load(); set != s.set {
			s.adopt(set, now)
		}
		st := s.next(now)
		if st.close {
			s.end(stub)
			return
		}
		var out chan<- *tstream.StreamChunk
		var chunk *tstream.StreamChunk
		if st.send != nil {
			out, chunk = stub.Output, &tstream.StreamChunk{Data: st.send, Timestamp: now}
			select { // most of the time the receiver is ready: no timer needed
			case out <- chunk:
				s.sent(len(st.send), now)
				continue
			default:
			}
		}
		var tick <-chan time.Time
		if !st.wake.IsZero() {
			timer.Reset(st.wake.Sub(now))
			tick = timer.C
		}
		in := stub.Input
		if s.eof || s.queued >= window && !st.peek {
			in = nil
		}
		select {
		case <-stub.Interrupt:
			return
		case <-s.set.changed:
		case out <- chunk:
			s.sent(len(st.send), time.Now())
		case c := <-in:
			s.arrive(c, time.Now())
			if st.peek { // one look each time the patience runs out
				s.offered = now
			}
		case <-tick:
		}
	}
}

// end closes the stream towards the receiver and reads the source to its end,
// so that the goroutines in front of this one end as well.
func (s *stream) end(stub *toxics.ToxicStub) {
	s.abandon(s.queued)
	s.queue, s.head, s.queued = nil, 0, 0
	stub.Close()
	if s.eof {
		return
	}
	for c := range stub.Input {
		s.slot.in.Add(int64(len(c.Data)))
		if s.lost {
			s.slot.drop.Add(int64(len(c.Data)))
		} else {
			s.abandon(len(c.Data))
		}
	}
}
