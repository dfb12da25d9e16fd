// Package client asks: a Conn is one process's connection to the cluster. It
// takes an operation's invocation and completes it as ok, fail or info.
package client

import (
	"context"
	"net"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Conn is the connection of one process. It is used by one goroutine at a time.
type Conn interface {
	// Do completes the operation in place: Type, offsets, records, Error. It
	// returns by the operation's own deadline; an error is an outcome. After
	// an info the process is retired and its Conn closed.
	Do(ctx context.Context, op *histories.Op)
	// Close ends the connection; it does not wait for requests in flight.
	Close() error
}

// Config is what a Conn needs to know of the run.
type Config struct {
	Process   int64
	Seeds     []string // advertised host:port of the brokers
	Dial      func(ctx context.Context, network, host string) (net.Conn, error)
	Logs      []histories.Log // by key
	Run       uint64          // run id, carried by every payload
	Contract  histories.Contract
	OpTimeout time.Duration // an operation's deadline
	PollWait  time.Duration // how long a poll may wait for records
	// RecordSize is the size of a payload in bytes; it is padded up to it.
	RecordSize  int
	Compression string // none, gzip, snappy, lz4, zstd
}

// Kind is a way to ask.
type Kind struct {
	Name, Doc string
	Open      func(Config) (Conn, error)
}
