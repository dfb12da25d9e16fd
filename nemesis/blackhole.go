package nemesis

import (
	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var blackhole = Fault{
	Name:       "blackhole",
	Doc:        "Every byte is lost in both directions: connecting works and nothing answers. Connections that lost bytes are closed on heal; nothing is delivered late.",
	InContract: true,
	Cut:        true,
	Inject:     onLinks(lost(Both)),
	Watch: func(w *World, e Event, node string) Watch {
		return &silent{watched: watchLink(w, e, node), cutUp: true, cutDown: true}
	},
}

// lost makes the Inject of a fault that loses every byte of a direction.
func lost(direction string) func(e Event) shape {
	return func(e Event) shape {
		e.Direction = direction
		return sided(e, toxic.Params{Drop: true}, "timeout", tc.Attributes{"timeout": 0})
	}
}
