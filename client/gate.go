package client

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// gate tells exactly whether a byte of a request that writes was written. A
// deadline that strikes while a client dials, negotiates or waits for its turn
// proves nothing by itself; with the gate shut behind it, it does: the request
// was not written and never will be.
type gate struct{ state atomic.Int32 }

// The states of a gate. It is shut between requests.
const (
	gateShut   = iota // nothing may pass
	gateOpen          // one request may pass
	gatePassed        // one request has passed, whole or in part
)

// errGateShut refuses the write of a request whose operation has completed.
var errGateShut = errors.New("the operation of this request has completed")

// open lets one request pass.
func (g *gate) open() { g.state.Store(gateOpen) }

// shut closes the gate and tells whether a request had passed.
func (g *gate) shut() (passed bool) { return g.state.Swap(gateShut) == gatePassed }

// wrap guards a connection.
func (g *gate) wrap(c net.Conn) net.Conn { return &gatedConn{Conn: c, gate: g} }

// gatedConn is a connection whose produce and commit requests go through a gate.
type gatedConn struct {
	net.Conn
	gate *gate
}

// gated tells whether requests of this kind go through the gate.
func gated(key kmsg.Key) bool { return key == kmsg.Produce || key == kmsg.OffsetCommit }

// Write implements net.Conn. franz-go writes a request in one call; its API
// key stands behind the 4 bytes of its length.
func (c *gatedConn) Write(b []byte) (int, error) {
	if len(b) < 6 || !gated(kmsg.Key(binary.BigEndian.Uint16(b[4:]))) {
		return c.Conn.Write(b)
	}
	if !c.gate.state.CompareAndSwap(gateOpen, gatePassed) {
		return 0, errGateShut
	}
	n, err := c.Conn.Write(b)
	if n == 0 && err != nil {
		// Nothing left: franz-go may try a new connection.
		c.gate.state.CompareAndSwap(gatePassed, gateOpen)
	}
	return n, err
}
