package nemesis

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// The probes speak just enough Kafka to be answered by any broker: ApiVersions
// for a round trip, and Metadata for topics that do not exist, which answers
// with the names it was asked for, for a load in both directions.

const (
	// maxFrame bounds an answer that a probe reads.
	maxFrame = 64 << 20
	// nameLength is the longest topic name that Kafka allows.
	nameLength = 249
)

// apiVersions is an ApiVersions request, version 0, which every broker answers.
func apiVersions(correlation int32) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("ackproof-probe")).AppendRequest(nil, &kmsg.ApiVersionsRequest{}, correlation)
}

// bulk is a Metadata request of at least n bytes; its answer is larger. Nothing
// is created, and no metric of the broker keeps the names.
func bulk(n int, correlation int32) []byte {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 7 // the last before flexible versions; brokers since 2.1 know it
	for i := 0; i*(nameLength+2) < n; i++ {
		t := kmsg.NewMetadataRequestTopic()
		name := fmt.Sprintf("ackproof-probe-%06d-%s", i, strings.Repeat("x", nameLength-22))
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("ackproof-probe")).AppendRequest(nil, req, correlation)
}

// brokenRequest is a Metadata request whose body ends too early. Brokers close
// the connection it comes on.
func brokenRequest() []byte {
	b := bulk(2*nameLength, 1)
	b = b[:len(b)-nameLength/2]
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// line is one connection of a probe.
type line struct {
	net.Conn
	r *bufio.Reader
	// tcp is the connection itself, below whatever secures Conn.
	tcp net.Conn
	// greet secures the connection before the first question, under that
	// question's limit: a fault may swallow the greeting already. nil: done.
	greet func(ctx context.Context) (net.Conn, error)
}

// newLine begins a line to the node on a connection.
func (k *link) newLine(c net.Conn) *line {
	l := &line{Conn: c, r: bufio.NewReader(c), tcp: c}
	if greet := k.owner.cfg.Greet; greet != nil {
		l.greet = func(ctx context.Context) (net.Conn, error) { return greet(ctx, c, k.node.Addr) }
	}
	return l
}

// welcome greets, where that is still to be done.
func (l *line) welcome(ctx context.Context) error {
	if l.greet == nil {
		return nil
	}
	c, err := l.greet(ctx)
	if err != nil {
		return err
	}
	l.greet, l.Conn, l.r = nil, c, bufio.NewReader(c)
	return nil
}

// open dials the proxy, not the broker.
func (k *link) open(ctx context.Context, limit time.Duration) (*line, error) {
	d := net.Dialer{Timeout: limit}
	c, err := d.DialContext(ctx, "tcp", k.address())
	if err != nil {
		return nil, err
	}
	return k.newLine(c), nil
}

// ask sends a request and reads the answer: how many bytes, how long it took.
func (l *line) ask(ctx context.Context, request []byte, limit time.Duration) (int, time.Duration, error) {
	stop := context.AfterFunc(ctx, func() { l.tcp.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	begin := time.Now()
	l.tcp.SetDeadline(begin.Add(limit))
	if l.greet != nil {
		if err := l.welcome(ctx); err != nil {
			return 0, time.Since(begin), err
		}
		begin = time.Now()
		l.tcp.SetDeadline(begin.Add(limit))
	}
	if _, err := l.Write(request); err != nil {
		return 0, time.Since(begin), err
	}
	n, err := l.answer()
	return n, time.Since(begin), err
}

// answer reads one answer within the deadline that stands.
func (l *line) answer() (int, error) {
	var size [4]byte
	if n, err := io.ReadFull(l.r, size[:]); err != nil {
		return n, plainEOF(err)
	}
	n := int64(binary.BigEndian.Uint32(size[:]))
	if n < 4 || n > maxFrame {
		return 4, fmt.Errorf("the answer begins with size %d: not Kafka's protocol", n)
	}
	got, err := io.CopyN(io.Discard, l.r, n)
	return int(got) + 4, plainEOF(err)
}

// plainEOF treats a stream that ends inside an answer as one that ends.
func plainEOF(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// roundTrip opens a connection, asks for ApiVersions and closes it.
func (k *link) roundTrip(ctx context.Context, limit time.Duration) (time.Duration, int, error) {
	return k.load(ctx, apiVersions(1), limit)
}

// load asks one question over a fresh connection. The dial does not count:
// the proxy takes it before any toxic acts.
func (k *link) load(ctx context.Context, request []byte, limit time.Duration) (time.Duration, int, error) {
	l, err := k.open(ctx, limit)
	if err != nil {
		return 0, 0, err
	}
	defer l.Close()
	n, d, err := l.ask(ctx, request, limit)
	return d, n, err
}

// errBroker says that a link cannot be judged because the broker behind it
// does not answer even without the link.
var errBroker = errors.New("the broker itself does not answer")

// direct asks the broker without the link.
func (k *link) direct(ctx context.Context, limit time.Duration) error {
	d := net.Dialer{Timeout: limit}
	c, err := d.DialContext(ctx, "tcp", k.node.upstream())
	if err != nil {
		return err
	}
	l := k.newLine(c)
	defer l.Close()
	_, _, err = l.ask(ctx, apiVersions(1), limit)
	return err
}

// prove heals the link if need be and shows that it is clean: an answer comes
// through it. Where none does it is built anew, once.
func (k *link) prove(ctx context.Context) (histories.Probe, error) {
	p := histories.Probe{Node: k.node.Name, When: whenAfter, What: whatRoundTrip}
	if err := k.clear(ctx); err != nil {
		p.Error = short(err)
		return p, err
	}
	var err error
	for attempt := range 4 {
		if attempt == 2 {
			k.mu.Lock()
			e := k.rebuild(ctx)
			k.mu.Unlock()
			if e != nil {
				p.Error = short(e)
				return p, e
			}
		}
		var d time.Duration
		var n int
		d, n, err = k.roundTrip(ctx, time.Second)
		p.Millis, p.Bytes, p.Error = millis(d), int64(n), short(err)
		if err == nil {
			p.Satisfies = true
			return p, nil
		}
		if e := k.direct(ctx, time.Second); e != nil {
			return p, fmt.Errorf("%s: %w: %v", k.node.Name, errBroker, e)
		}
	}
	return p, fmt.Errorf("the link to %s does not pass anything on after its heal: %w", k.node.Name, err)
}

// When and what of a probe, as they stand in the history.
const (
	whenBefore = "before"
	whenDuring = "during"
	whenAfter  = "after"

	whatRoundTrip  = "round-trip"
	whatThroughput = "throughput"
	whatUpstream   = "upstream"
	whatDownstream = "downstream"
	whatDial       = "dial"
	whatClose      = "close"
)

// millis is a duration as a probe writes it, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// short says in a few words, the same on every machine, how a probe failed.
func short(err error) string {
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, io.EOF):
		return "closed"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer"
	}
	return err.Error()
}
