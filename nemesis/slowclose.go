package nemesis

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var slowClose = Fault{
	Name: "slow-close",
	Doc:  "A closed connection stays open for delay_ms on the other side.",
	Args: []Arg{
		{Name: "delay_ms", Unit: "ms", Doc: "time from the close to its arrival", Min: 200, Max: 800, Floor: 0, Ceil: 600_000, Step: 50},
	},
	Directions: anyDirection,
	InContract: true,
	Inject: onLinks(func(e Event) shape {
		return sided(e, toxic.Params{SlowClose: e.millis("delay_ms")}, "slow_close", tc.Attributes{"delay": int64(e.Args["delay_ms"])})
	}),
	Watch: func(w *World, e Event, node string) Watch {
		t := &timed{watched: watchLink(w, e, node), what: whatClose}
		t.expect = e.millis("delay_ms") * time.Duration(sidesOf(e))
		t.measure = t.link.closeTime
		return t
	},
}

// closeTime measures how long a close takes to the broker and back: from the
// end of our half of the connection to the end of the other.
func (k *link) closeTime(ctx context.Context, limit time.Duration) (time.Duration, int, error) {
	l, err := k.open(ctx, limit)
	if err != nil {
		return 0, 0, err
	}
	defer l.Close()
	n, _, err := l.ask(ctx, apiVersions(1), limit)
	if err != nil {
		return 0, n, err
	}
	tcp, ok := l.tcp.(*net.TCPConn)
	if !ok {
		return 0, n, errors.New("not a TCP connection")
	}
	stop := context.AfterFunc(ctx, func() { l.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	begin := time.Now()
	l.SetDeadline(begin.Add(limit))
	if err := tcp.CloseWrite(); err != nil {
		return 0, n, err
	}
	_, err = io.Copy(io.Discard, l.tcp)
	if err != nil && short(err) != "reset" {
		return time.Since(begin), n, err
	}
	return time.Since(begin), n, nil
}
