// Package toxic is the control toxic: one permanent Toxiproxy toxic per
// direction of a link, attached before the proxy is enabled and never updated
// or removed, whose parameters live in this process.
//
// Switching faults by adding and removing Toxiproxy's own toxics can freeze a
// proxy for good while clients disconnect (Toxiproxy issues 412 and 558). The
// control toxic never waits for anything without listening for a change of its
// parameters too, so a heal takes effect at once, whatever the clients do. It
// works only for a Toxiproxy server in the same process.
package toxic

import "time"

// Params is what a direction of a link does to the bytes that pass it. The
// zero value passes everything on as it comes.
type Params struct {
	// Latency delays every chunk, by up to Jitter more or less. Chunks keep
	// their order; many may be under way at once.
	Latency, Jitter time.Duration
	// Loss is the share of chunks that are held for a retransmission timeout,
	// as TCP does with a lost segment: RTO, doubled each time the
	// retransmission is lost too, with everything behind it waiting.
	Loss float64
	RTO  time.Duration
	// Rate limits each connection to this many bytes a second; 0: no limit.
	Rate int64
	// Slice cuts chunks into pieces of about this many bytes, SliceVary more
	// or less, SliceDelay apart; 0: whole.
	Slice, SliceVary int
	SliceDelay       time.Duration
	// Stall lets nothing pass and loses nothing: all of it comes after the
	// heal, even what was sent on connections that the client has closed.
	Stall bool
	// Drop loses every byte and every close. A connection that lost bytes is
	// closed on heal: passing on what follows would be corruption.
	Drop bool
	// Timeout, with Drop, closes a connection this long after its last chunk.
	Timeout time.Duration
	// SlowClose delays the close of a connection.
	SlowClose time.Duration
	// Reset closes a connection at its next chunk, which is lost.
	Reset bool
	// Cut closes every connection at once.
	Cut bool
	// Limit closes a connection after this many bytes; 0: no limit.
	Limit int64
	// Seed feeds every random draw above: the k-th chunk of the c-th
	// connection has the same fate in every run with the seed.
	Seed uint64
}

// maxDoublings bounds the retransmission timeout at 64 times its first value,
// as TCP's back-off is bounded.
const maxDoublings = 6
