package nemesis

import (
	"context"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// closing watches a fault under which a connection ends instead of answering.
type closing struct {
	watched
	request []byte
	limit   time.Duration // how long to wait for the end
	// shows judges how a question ended: bytes that came, time, error in short.
	shows func(n int, d time.Duration, err string) bool
}

// During asks over a fresh connection, which must end as the fault has it.
func (c *closing) During(ctx context.Context) ([]histories.Probe, error) {
	p := c.probe(whenDuring, whatClose)
	d, n, err := c.link.load(ctx, c.request, c.limit)
	p.Millis, p.Bytes, p.Error = millis(d), int64(n), short(err)
	p.Satisfies = err != nil && c.shows(n, d, p.Error)
	return []histories.Probe{p}, nil
}

// ended says whether an error is the end of a connection.
func ended(err string) bool { return err == "closed" || err == "reset" }

// gone watches a proxy that is down.
type gone struct{ watched }

// During dials, which must fail, and looks at a connection from before, which
// must have ended.
func (g *gone) During(ctx context.Context) ([]histories.Probe, error) {
	p := g.probe(whenDuring, whatDial)
	begin := time.Now()
	l, err := g.link.open(ctx, silence)
	p.Millis, p.Error, p.Satisfies = millis(time.Since(begin)), short(err), err != nil
	if err == nil {
		l.Close()
	}
	out := []histories.Probe{p}
	if g.kept != nil {
		q := g.probe(whenDuring, whatClose)
		n, d, err := g.kept.ask(ctx, apiVersions(1), silence)
		q.Millis, q.Bytes, q.Error = millis(d), int64(n), short(err)
		q.Satisfies = err != nil && q.Error != "no answer"
		out = append(out, q)
	}
	return out, nil
}
