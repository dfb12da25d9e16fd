package nemesis

import (
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var timeout = Fault{
	Name: "timeout",
	Doc:  "Every byte in the direction is lost, and a connection is closed timeout_ms after its last chunk.",
	Args: []Arg{
		{Name: "timeout_ms", Unit: "ms", Doc: "time from the last chunk to the close", Min: 100, Max: 600, Floor: 1, Ceil: 600_000, Step: 50},
	},
	Directions: anyDirection,
	InContract: true,
	Cut:        true,
	Inject: onLinks(func(e Event) shape {
		return sided(e, toxic.Params{Drop: true, Timeout: e.millis("timeout_ms")}, "timeout",
			tc.Attributes{"timeout": int64(e.Args["timeout_ms"])})
	}),
	Watch: func(w *World, e Event, node string) Watch {
		after := e.millis("timeout_ms")
		return &closing{watched: watchLink(w, e, node), request: apiVersions(1), limit: after + patience,
			shows: func(n int, d time.Duration, err string) bool { return ended(err) && n == 0 && d >= after*9/10 }}
	},
}
