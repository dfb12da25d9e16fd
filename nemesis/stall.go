package nemesis

import (
	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var stall = Fault{
	Name:       "stall",
	Doc:        "Nothing passes in the direction and nothing is lost: connecting works, and on heal every held byte is delivered late, in order, even from sockets that the client has closed. A foreign server can be healed only by cutting the connections, which loses what they hold.",
	Directions: anyDirection,
	InContract: true,
	Cut:        true,
	Inject: onLinks(func(e Event) shape {
		return sided(e, toxic.Params{Stall: true}, "bandwidth", tc.Attributes{"rate": 0})
	}),
	Watch: func(w *World, e Event, node string) Watch {
		s := &silent{watched: watchLink(w, e, node), lossless: true}
		s.cutUp, s.cutDown = true, true // no way is shown to flow: the held bytes show themselves later
		return s
	},
}
