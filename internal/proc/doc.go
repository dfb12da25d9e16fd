// Package proc reads what the kernel knows of processes: what one holds, and
// which one listens on a port. It is Linux only; elsewhere every answer is
// ErrUnsupported.
package proc

import (
	"errors"
	"net"
)

// ErrUnsupported says that the platform has no /proc.
var ErrUnsupported = errors.New("only Linux tells what a process holds")

// Usage is what a process holds at a moment.
type Usage struct {
	RSS     int64 // bytes of memory that are resident
	Anon    int64 // of them anonymous: backed by no file
	Threads int
	FDs     int // open file descriptors, sockets among them
	Sockets int // open sockets
}

// Listener is a process that listens on a TCP port.
type Listener struct {
	Addr string // host:port
	PID  int    // 0: it belongs to another user, who does not show it
	Name string // the command's name
}

// Takes tells whether a listener leaves no room for another one on the host: it
// listens there, or on every address.
func (l Listener) Takes(host string) bool {
	own, _, err := net.SplitHostPort(l.Addr)
	ip := net.ParseIP(own)
	return err == nil && (own == host || ip != nil && ip.IsUnspecified())
}

// Socket is a TCP socket with another end: connected, or about to be.
type Socket struct {
	Local, Remote string // host:port
}
