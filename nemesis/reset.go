package nemesis

import (
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"
)

var reset = Fault{
	Name:       "reset",
	Doc:        "A connection opened during the fault is reset (RST) at its first chunk in the direction; older ones are closed at their next. Upstream the request is lost, downstream the answer.",
	Directions: anyDirection,
	InContract: true,
	Cut:        true,
	Inject: onLinks(func(e Event) shape {
		var s shape
		// Only Toxiproxy's own toxic can reach the sockets. Adding it and taking
		// it away is safe behind the control toxic, which never blocks.
		s.stockOwn = true
		up, down := e.sides()
		if up {
			s.stock = append(s.stock, stock{"reset_peer", Upstream, tc.Attributes{"timeout": 0}})
		}
		if down {
			s.stock = append(s.stock, stock{"reset_peer", Downstream, tc.Attributes{"timeout": 0}})
		}
		return s
	}),
	Watch: func(w *World, e Event, node string) Watch {
		return &closing{watched: watchLink(w, e, node), request: apiVersions(1), limit: patience,
			shows: func(n int, _ time.Duration, err string) bool { return err == "reset" && n == 0 }}
	},
}
