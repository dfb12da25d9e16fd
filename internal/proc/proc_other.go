//go:build !linux

package proc

// Of tells what a process holds.
func Of(int) (Usage, error) { return Usage{}, ErrUnsupported }

// Listeners lists who listens on a TCP port.
func Listeners(int) ([]Listener, error) { return nil, ErrUnsupported }

// Connections counts the open connections to a TCP port.
func Connections(int) (int, error) { return 0, ErrUnsupported }

// Sockets lists the TCP sockets of a process.
func Sockets(int) ([]Socket, error) { return nil, ErrUnsupported }
