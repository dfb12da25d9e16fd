// Package client asks: a Conn is one process's connection to the cluster. It
// takes an operation's invocation and completes it as ok, fail or info.
package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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
	Opts      []kgo.Opt       // more options of every franz-go client, such as SASL
	Logs      []histories.Log // by key
	Run       uint64          // run id, carried by every payload
	Contract  histories.Contract
	OpTimeout time.Duration // an operation's deadline
	PollWait  time.Duration // how long a poll may wait for records
	// Txn is the number of the transactional id that this process uses, from 1.
	// Whoever opens a connection under it later takes over from this one.
	Txn int64
	// Lives is what all processes of the run know of topics that are created
	// while it lasts; nil: there are none.
	Lives *Lives
	// RecordSize is the size of a payload in bytes; it is padded up to it, and
	// never smaller than MinRecordSize.
	RecordSize  int
	Compression string // none, gzip, snappy, lz4, zstd
	// Groups are the consumer groups of the run, for the group kind.
	Groups []histories.Group
	// SessionTimeout is how long a group waits for a member that says nothing;
	// 0: DefaultSessionTimeout.
	SessionTimeout time.Duration
}

// Kind is a way to ask.
type Kind struct {
	Name, Doc string
	Open      func(Config) (Conn, error)
}

// Kinds is the catalogue of the ways to ask.
var Kinds = []Kind{
	{"raw", "Single attempts, one request an operation: ok, fail and info are exact. " +
		"A send is one record batch to one log; a poll is one fetch a leader. " +
		"The leader is looked up again after an error, the operation is never repeated.", openRaw},
	{"kgo", "The high-level franz-go producer and consumer as a user runs them: it retries, batches and prefetches by itself. " +
		"Every produce error is info, because the producer does not tell what was appended.", openKgo},
	{"group", "As raw, and beside it a member of a consumer group as franz-go runs it: it joins, leaves, polls, and crashes without a word. " +
		"Commits and questions for committed offsets are single attempts at the coordinator.", openGroup},
	{"txn", "Transactions by the franz-go producer as a user runs them, under a transactional id that a process inherits " +
		"from the one before it; everything else as the raw client does it. " +
		"A transaction fails where no commit was asked for, and is info where a commit was not acknowledged.", openTxn},
}

// check refuses what no operation could run with.
func (cfg Config) check() error {
	switch {
	case len(cfg.Seeds) == 0:
		return errors.New("no broker address: set Seeds to the advertised host:port of the brokers")
	case cfg.Dial == nil:
		return errors.New("no dialer: set Dial to the route map of the links")
	case len(cfg.Logs) == 0:
		return errors.New("no logs: name the topic partition of at least one key")
	case cfg.OpTimeout <= 0:
		return fmt.Errorf("operation timeout %v: want more than 0", cfg.OpTimeout)
	case cfg.PollWait < 0 || cfg.PollWait >= cfg.OpTimeout:
		return fmt.Errorf("poll wait %v: want 0 or more and less than the operation timeout, %v", cfg.PollWait, cfg.OpTimeout)
	}
	for _, addr := range cfg.Seeds {
		if _, port, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("broker address %q: want host:port: %w", addr, err)
		} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("broker address %q: port %q: want 1 to 65535", addr, port)
		}
	}
	return nil
}
