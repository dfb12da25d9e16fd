package nemesis

import (
	"fmt"
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var slicer = Fault{
	Name: "slicer",
	Doc:  "Chunks are cut into pieces of about average_bytes, variation_bytes more or less, delay_us apart: a stream as it comes over a bad line, split anywhere.",
	Args: []Arg{
		{Name: "average_bytes", Unit: "bytes", Doc: "size of a piece", Min: 64, Max: 1024, Floor: 1, Ceil: 1 << 20, Step: 16},
		{Name: "variation_bytes", Unit: "bytes", Doc: "how much the size varies either way", Min: 0, Max: 48, Floor: 0, Ceil: 1 << 20, Step: 8, Optional: true},
		{Name: "delay_us", Unit: "µs", Doc: "time between pieces", Min: 500, Max: 5000, Floor: 0, Ceil: 10_000_000, Step: 100},
	},
	Directions: anyDirection,
	InContract: true,
	Check: func(e Event) error {
		if e.Args["variation_bytes"] >= e.Args["average_bytes"] {
			return fmt.Errorf("variation_bytes %v must be less than average_bytes %v", e.Args["variation_bytes"], e.Args["average_bytes"])
		}
		return nil
	},
	Inject: onLinks(func(e Event) shape {
		return sided(e,
			toxic.Params{Slice: int(e.Args["average_bytes"]), SliceVary: int(e.Args["variation_bytes"]), SliceDelay: e.micros("delay_us")},
			"slicer",
			tc.Attributes{"average_size": int64(e.Args["average_bytes"]), "size_variation": int64(e.Args["variation_bytes"]), "delay": int64(e.Args["delay_us"])})
	}),
	Watch: func(w *World, e Event, node string) Watch {
		delay := e.micros("delay_us")
		largest := int(e.Args["average_bytes"] + e.Args["variation_bytes"])
		pieces := maxLoad / largest
		if delay > 0 {
			pieces = min(pieces, int(loadTime/delay)/sidesOf(e)+1)
		}
		t := &timed{watched: watchLink(w, e, node), what: whatThroughput}
		t.expect = time.Duration(pieces-1) * delay * time.Duration(sidesOf(e))
		t.measure = t.loaded(pieces * largest)
		return t
	},
}
