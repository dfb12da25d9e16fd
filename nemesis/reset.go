package nemesis

import (
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var reset = Fault{
	Name:       "reset",
	Doc:        "A connection opened during the fault is reset (RST) at its first chunk in the direction; older ones are closed at their next. Upstream the request is lost, downstream the answer.",
	Directions: anyDirection,
	InContract: true,
	Cut:        true,
	Inject: onLinks(func(e Event) shape {
		s := sided(e, toxic.Params{Reset: true}, "reset_peer", tc.Attributes{"timeout": 0})
		s.resets = true
		return s
	}),
	Watch: func(w *World, e Event, node string) Watch {
		return &closing{watched: watchLink(w, e, node), request: apiVersions(1), limit: patience,
			shows: func(n int, _ time.Duration, err string) bool { return err == "reset" && n == 0 }}
	},
}
