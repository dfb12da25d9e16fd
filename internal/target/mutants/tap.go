package mutants

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxFrame is the largest request that is looked into, in bytes.
const maxFrame = 64 << 20

// errHeld closes a connection whose answer had to be held back for too long.
var errHeld = errors.New("the answer did not become due in time")

// listener wraps the connections of one node.
type listener struct {
	net.Listener
	broker *Broker
	node   int
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if o, ok := l.broker.sinner.(connections); ok {
		l.broker.mu.Lock()
		o.accepted(l.node)
		l.broker.mu.Unlock()
	}
	return &conn{Conn: c, broker: l.broker, node: l.node, open: map[int32]*exchange{}, last: map[int16]time.Time{}}, nil
}

// connections is implemented by sinners that care for connections.
type connections interface {
	accepted(node int)
	lost(c *conn)
}

// conn looks into the requests that the cluster reads and the responses that it
// writes. The cluster reads in one goroutine and writes in another.
type conn struct {
	net.Conn
	broker *Broker
	node   int

	out    []byte // what the cluster has still to read of a request
	err    error  // what comes after out
	opaque bool   // not Kafka's protocol: bytes pass unseen

	mu   sync.Mutex
	open map[int32]*exchange // by correlation id
	got  []func()            // to be called when the client sends again
	last map[int16]time.Time // when a request of each kind was answered last
	once sync.Once
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(func() {
		if o, ok := c.broker.sinner.(connections); ok {
			c.broker.mu.Lock()
			o.lost(c)
			c.broker.mu.Unlock()
		}
	})
	return c.Conn.Close()
}

// Read implements net.Conn: it gives the cluster one request after the other.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if c.opaque {
			return c.Conn.Read(p)
		}
		c.out, c.err = c.next()
		if len(c.out) == 0 {
			return 0, c.err
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// next reads one request and returns what the cluster is to get.
func (c *conn) next() ([]byte, error) {
	var size [4]byte
	if n, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return size[:n], torn(err)
	}
	length := int32(binary.BigEndian.Uint32(size[:]))
	if length < 8 || length > maxFrame {
		c.opaque = true
		return size[:], nil
	}
	frame := make([]byte, 4+length)
	copy(frame, size[:])
	if n, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
		return frame[:4+n], torn(err)
	}
	return c.request(frame), nil
}

// torn is the error after a request that was cut off: what the wrapped
// connection would have said.
func torn(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// Overseer is the client id of the harness itself. It is never lied to: what it
// is told is no operation of the history, so that a sin against it could not
// be found.
const Overseer = "ackproof-admin"

// request looks into a request.
func (c *conn) request(frame []byte) []byte {
	c.arrived()
	r := kbin.Reader{Src: frame[4:]}
	key, version, corr := r.Int16(), r.Int16(), r.Int32()
	id := r.NullableString()
	if id != nil && *id == Overseer && kmsg.Key(key) != kmsg.Metadata {
		return frame
	}
	switch kmsg.Key(key) {
	case kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata,
		kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.ConsumerGroupHeartbeat,
		kmsg.DeleteRecords, kmsg.InitProducerID, kmsg.EndTxn, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit:
	default:
		return frame
	}
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	if version < 0 || version > req.MaxVersion() {
		return frame
	}
	if req.IsFlexible() {
		kmsg.SkipTags(&r)
	}
	if !r.Ok() || req.ReadFrom(r.Src) != nil {
		return frame
	}
	if p, ok := req.(*kmsg.ProduceRequest); ok && p.Acks == 0 {
		return frame // it has no response
	}
	c.mu.Lock()
	x := &exchange{node: c.node, conn: c, req: req, since: c.last[key]}
	c.mu.Unlock()
	if id != nil {
		x.client = *id
	}
	c.broker.mu.Lock()
	c.broker.request(x)
	c.broker.mu.Unlock()
	if x.await != nil {
		x.await.wait()
	}
	c.mu.Lock()
	c.open[corr] = x
	c.mu.Unlock()
	if x.sent == nil {
		return frame
	}
	var opts []kmsg.RequestFormatterOpt
	if id != nil {
		opts = append(opts, kmsg.FormatterClientID(*id))
	}
	return kmsg.NewRequestFormatter(opts...).AppendRequest(nil, x.sent, corr)
}

// arrived notes that the client has got every answer so far.
func (c *conn) arrived() {
	c.mu.Lock()
	got := c.got
	c.got = nil
	c.mu.Unlock()
	if len(got) == 0 {
		return
	}
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	for _, f := range got {
		f()
	}
}

// Write implements net.Conn. The cluster writes a whole response at once.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) < 8 || int(binary.BigEndian.Uint32(p))+4 != len(p) {
		return c.Conn.Write(p)
	}
	corr := int32(binary.BigEndian.Uint32(p[4:]))
	c.mu.Lock()
	x := c.open[corr]
	delete(c.open, corr)
	c.mu.Unlock()
	if x == nil {
		return c.Conn.Write(p)
	}
	out, err := c.response(x, p)
	if err != nil {
		c.Close()
		return 0, err
	}
	c.mu.Lock()
	c.got = append(c.got, x.got...) // before the client can answer
	c.last[x.req.Key()] = time.Now()
	c.mu.Unlock()
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// response looks into a response and returns what the client is to get.
func (c *conn) response(x *exchange, p []byte) ([]byte, error) {
	to := x.req
	if x.sent != nil {
		to = x.sent
	}
	x.resp = to.ResponseKind()
	body := p[8:]
	if x.resp.IsFlexible() {
		body = body[1:] // no tags
	}
	if err := x.resp.ReadFrom(append([]byte(nil), body...)); err != nil {
		return p, nil
	}
	c.broker.mu.Lock()
	c.broker.response(x)
	c.broker.mu.Unlock()
	if x.hold != nil && !c.broker.wait(x.hold) {
		return nil, errHeld
	}
	if x.answer == nil {
		return p, nil
	}
	out := append(make([]byte, 4, len(p)), p[4:8]...)
	if x.answer.IsFlexible() {
		out = append(out, 0)
	}
	out = x.answer.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}
