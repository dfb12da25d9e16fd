package nemesis

import (
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var limitData = Fault{
	Name: "limit-data",
	Doc:  "A connection is closed after limit_bytes in the direction, wherever in a message that is. The bytes before are intact.",
	Args: []Arg{
		{Name: "limit_bytes", Unit: "bytes", Doc: "bytes that a connection may pass", Min: 4000, Max: 64_000, Floor: 1, Ceil: 1 << 40, Step: 1000},
	},
	Directions: anyDirection,
	InContract: true,
	Inject: onLinks(func(e Event) shape {
		n := int64(e.Args["limit_bytes"])
		return sided(e, toxic.Params{Limit: n}, "limit_data", tc.Attributes{"bytes": n})
	}),
	Watch: func(w *World, e Event, node string) Watch {
		limit := int(e.Args["limit_bytes"])
		up, down := e.sides()
		return &closing{watched: watchLink(w, e, node), request: bulk(min(2*limit, maxLoad), 1), limit: patience,
			shows: func(n int, _ time.Duration, err string) bool {
				return ended(err) && (up && n == 0 || down && n > 0 && n <= limit)
			}}
	},
}
