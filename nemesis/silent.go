package nemesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/nemesis/toxic"
)

// silence is how long a question must stay unanswered to count as lost, where
// the healthy answer takes less than a tenth of it.
const silence = 250 * time.Millisecond

// silent watches a fault under which no answer comes.
type silent struct {
	watched
	// lossless says that the answer comes after the heal.
	lossless bool
	// cutUp and cutDown say which way is cut; where only one is, the other
	// must be seen to flow.
	cutUp, cutDown bool

	pending *line // a connection with a question that nothing answered
	asked   time.Time
}

// During asks over a fresh connection and must hear nothing.
func (s *silent) During(ctx context.Context) ([]histories.Probe, error) {
	p := s.probe(whenDuring, whatRoundTrip)
	if s.base == 0 {
		return nil, fmt.Errorf("%s: %w", s.link.node.Name, errNoHealth)
	}
	s.drop()
	limit := max(silence, 10*s.base)
	l, err := s.link.open(ctx, limit)
	if err != nil {
		p.Error = short(err)
		return []histories.Probe{p}, nil
	}
	s.asked = time.Now()
	n, d, err := l.ask(ctx, apiVersions(1), limit)
	p.Millis, p.Bytes, p.Error = millis(d), int64(n), short(err)
	p.Satisfies = p.Error == "no answer" && d >= limit && n == 0
	s.pending = l
	if !p.Satisfies {
		return []histories.Probe{p}, nil
	}
	if s.link.up != nil {
		return append([]histories.Probe{p}, s.counted()...), nil
	}
	return s.foreign(ctx, p)
}

// counted shows by our own toxic's counters which way was cut and which flowed.
func (s *silent) counted() []histories.Probe {
	if s.lossless {
		return nil
	}
	var out []histories.Probe
	side := func(what string, cut bool, c toxic.Counters) {
		p := s.probe(whenDuring, what)
		if cut {
			p.Bytes, p.Error = c.Dropped, "lost"
		} else {
			p.Bytes = c.Out
		}
		p.Satisfies = p.Bytes > 0
		out = append(out, p)
	}
	up, down := s.link.since()
	side(whatUpstream, s.cutUp, up)
	if !(s.cutUp && s.cutDown) { // with both cut, no answer ever sets out
		side(whatDownstream, s.cutDown, down)
	}
	return out
}

// foreign shows what can be shown through a server that counts nothing for us.
func (s *silent) foreign(ctx context.Context, p histories.Probe) ([]histories.Probe, error) {
	if s.cutUp == s.cutDown {
		return []histories.Probe{p}, nil
	}
	if s.cutUp {
		return []histories.Probe{p}, errors.New("on a foreign Toxiproxy server it cannot be shown that answers still flow: a cut begins with new connections, and nothing is asked on them")
	}
	// Answers are lost. A request that ends in its middle makes a broker close
	// the connection, which is seen here: the request way flows.
	q := s.probe(whenDuring, whatUpstream)
	s.pending.SetDeadline(time.Now().Add(2 * silence))
	stop := context.AfterFunc(ctx, func() { s.pending.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	begin := time.Now()
	sent, _ := s.pending.Write(brokenRequest())
	_, err := io.Copy(io.Discard, s.pending.r)
	q.Millis, q.Bytes = millis(time.Since(begin)), int64(sent)
	if q.Satisfies = err == nil || short(err) == "reset"; !q.Satisfies {
		q.Error = "the broker did not close a connection that breaks the protocol"
	}
	return []histories.Probe{p, q}, nil
}

// After asks over a fresh connection; where nothing was lost, what was asked
// during the fault must be answered too.
func (s *silent) After(ctx context.Context) ([]histories.Probe, error) {
	out, err := s.watched.After(ctx)
	if err != nil || s.pending == nil || s.link.up == nil {
		return out, err
	}
	late := s.probe(whenAfter, whatClose)
	s.pending.SetDeadline(time.Now().Add(patience))
	n, err := s.pending.answer()
	late.Millis, late.Bytes, late.Error = millis(time.Since(s.asked)), int64(n), short(err)
	if s.lossless {
		late.What, late.Satisfies = whatRoundTrip, err == nil
	} else {
		late.Satisfies = late.Error == "closed" || late.Error == "reset"
	}
	s.drop()
	return append(out, late), nil
}

// drop ends the connection with the unanswered question.
func (s *silent) drop() {
	if s.pending != nil {
		s.pending.Close()
		s.pending = nil
	}
}

// Close ends the connections.
func (s *silent) Close() {
	s.drop()
	s.watched.Close()
}
