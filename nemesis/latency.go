package nemesis

import (
	"fmt"
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var latency = Fault{
	Name: "latency",
	Doc:  "Every chunk takes latency_ms longer, up to jitter_ms more or less. Order is kept, many chunks may be under way, and on heal what is held comes at once.",
	Args: []Arg{
		{Name: "latency_ms", Unit: "ms", Doc: "delay of each chunk in each direction", Min: 40, Max: 200, Floor: 0, Ceil: 600_000, Step: 5},
		{Name: "jitter_ms", Unit: "ms", Doc: "how much the delay varies either way", Min: 0, Max: 30, Floor: 0, Ceil: 600_000, Step: 5, Optional: true},
	},
	Directions: anyDirection,
	InContract: true,
	Check: func(e Event) error {
		if e.Args["jitter_ms"] > e.Args["latency_ms"] {
			return fmt.Errorf("jitter_ms %v is more than latency_ms %v: a chunk cannot come before it was sent", e.Args["jitter_ms"], e.Args["latency_ms"])
		}
		return nil
	},
	Inject: onLinks(func(e Event) shape {
		return sided(e, toxic.Params{Latency: e.millis("latency_ms"), Jitter: e.millis("jitter_ms")}, "latency",
			tc.Attributes{"latency": int64(e.Args["latency_ms"]), "jitter": int64(e.Args["jitter_ms"])})
	}),
	Watch: func(w *World, e Event, node string) Watch {
		t := &timed{watched: watchLink(w, e, node), what: whatRoundTrip}
		t.expect = (e.millis("latency_ms") - e.millis("jitter_ms")) * time.Duration(sidesOf(e))
		t.measure = t.link.roundTrip
		return t
	},
}
