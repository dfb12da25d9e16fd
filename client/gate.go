package client

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
)

// gate tells exactly whether a byte of a produce request was written. A
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

// gatedConn is a connection whose produce requests go through a gate.
type gatedConn struct {
	net.Conn
	gate *gate
}

// Write implements net.Conn. franz-go writes a request in one call; its API
// key stands behind the 4 bytes of its length, and that of Produce is 0.
func (c *gatedConn) Write(b []byte) (int, error) {
	if len(b) < 6 || binary.BigEndian.Uint16(b[4:]) != 0 {
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
