package client

import (
	"bytes"
	"errors"
	"net"
	"testing"
)

// sink is a connection that takes what is written, or refuses it with none.
type sink struct {
	net.Conn
	got    bytes.Buffer
	refuse error
}

func (s *sink) Write(b []byte) (int, error) {
	if s.refuse != nil {
		return 0, s.refuse
	}
	return s.got.Write(b)
}

// TestGate: one produce request passes while the gate is open, none late, and
// a write that took no byte leaves it open for a new connection.
func TestGate(t *testing.T) {
	produce := []byte{0, 0, 0, 4, 0, 0, 0, 9}
	other := []byte{0, 0, 0, 4, 0, 18, 0, 4}
	var g gate
	s := &sink{}
	c := g.wrap(s)

	if _, err := c.Write(other); err != nil || s.got.Len() != len(other) {
		t.Errorf("another request is held up: %v", err)
	}
	if n, err := c.Write(produce); n != 0 || !errors.Is(err, errGateShut) {
		t.Errorf("a produce request passes a shut gate: %d, %v", n, err)
	}
	g.open()
	if g.shut() {
		t.Error("nothing was written and the gate says it was")
	}
	g.open()
	s.refuse = net.ErrClosed
	if n, err := c.Write(produce); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("wrote %d, %v", n, err)
	}
	s.refuse = nil
	if _, err := c.Write(produce); err != nil {
		t.Errorf("the second connection is refused: %v", err)
	}
	if _, err := c.Write(produce); !errors.Is(err, errGateShut) {
		t.Errorf("the request is written twice: %v", err)
	}
	if !g.shut() {
		t.Error("a request was written and the gate says it was not")
	}
	if _, err := c.Write(produce); !errors.Is(err, errGateShut) || s.got.Len() != len(other)+len(produce) {
		t.Errorf("a late write passes: %v", err)
	}
}
