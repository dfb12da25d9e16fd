package nemesis

import (
	"context"
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

// loadTime is how long a load probe should take under a fault that slows it.
const loadTime = 250 * time.Millisecond

// maxLoad bounds what a load probe sends in one question.
const maxLoad = 512 << 10

var bandwidth = Fault{
	Name: "bandwidth",
	Doc:  "Each connection passes at most rate_kBps kilobytes (1000 bytes) a second in the direction. A rate of 1024 is about 1 MB/s, not 1 kB/s; for a rate of 0 use stall.",
	Args: []Arg{
		{Name: "rate_kBps", Unit: "kB/s", Doc: "rate of each connection", Min: 20, Max: 500, Floor: 1, Ceil: 10_000_000, Step: 10},
	},
	Directions: anyDirection,
	InContract: true,
	Inject: onLinks(func(e Event) shape {
		rate := int64(e.Args["rate_kBps"])
		return sided(e, toxic.Params{Rate: rate * 1000}, "bandwidth", tc.Attributes{"rate": rate})
	}),
	Watch: func(w *World, e Event, node string) Watch {
		rate := e.Args["rate_kBps"] * 1000
		n := min(int(rate*loadTime.Seconds())/sidesOf(e), maxLoad)
		t := &timed{watched: watchLink(w, e, node), what: whatThroughput}
		t.expect = time.Duration(float64(n)/rate*float64(time.Second)) * time.Duration(sidesOf(e))
		t.measure = t.loaded(n)
		return t
	},
}

// loaded measures a question of n bytes with an answer of at least as many.
func (t *timed) loaded(n int) func(context.Context, time.Duration) (time.Duration, int, error) {
	request := bulk(n, 1)
	return func(ctx context.Context, limit time.Duration) (time.Duration, int, error) {
		return t.link.load(ctx, request, limit)
	}
}
