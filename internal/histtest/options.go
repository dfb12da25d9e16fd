// Package histtest makes histories for tests: a simulated perfect cluster whose
// every history is valid, mutations that make it commit one named sin, and
// innocent look-alikes of those sins.
package histtest

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// Options are what a simulated run is made from. The zero value of a field is
// the default in its comment; a negative rate or number is none.
type Options struct {
	Seed    uint64
	Ops     int // operations of the client workers in the main phase; 2000
	Clients int // client workers; 10
	Logs    int // logs, with the keys 0, 1, …; 2
	Batch   int // the most records of one send; 5
	PollMax int // the most records that a client's poll returns of one log; 8

	// Shares of the operations, in 1/1024; what is left are sends of one record.
	Batches, Polls, Ends, Starts, Assigns, Crashes int // 100, 360, 40, 10, 30, 1

	InfoRate float64 // share of sends without an outcome, half of them appended, perhaps late; 0.01
	FailRate float64 // share of operations that fail; 0.005
	// StaleRate is the share of polls that are answered from a state that is
	// older than the call, as Kafka may answer and a strict log may not; none.
	// The contract says kafka reads then.
	StaleRate float64

	Txns bool // transactions, transformations and fences instead of the shares above

	Groups bool // every second client is a member of a consumer group

	NoTails bool // no tailing readers
	NoFinal bool // no final reads, and no phases after the main one
	Faults  int  // fault events, each proven to bite and to heal; 2
}

// withDefaults fills in what was left at zero.
func (o Options) withDefaults() Options {
	number := func(p *int, value int) {
		if *p == 0 {
			*p = value
		}
		*p = max(*p, 0)
	}
	number(&o.Ops, 2000)
	number(&o.Clients, 10)
	number(&o.Logs, 2)
	number(&o.Batch, 5)
	number(&o.PollMax, 8)
	number(&o.Batches, 100)
	number(&o.Polls, 360)
	number(&o.Ends, 40)
	number(&o.Starts, 10)
	number(&o.Assigns, 30)
	number(&o.Crashes, 1)
	number(&o.Faults, 2)
	rate := func(p *float64, value float64) {
		if *p == 0 {
			*p = value
		}
		*p = max(*p, 0)
	}
	rate(&o.InfoRate, 0.01)
	rate(&o.FailRate, 0.005)
	o.StaleRate = max(o.StaleRate, 0)
	return o
}

// workers is the number of workers of the main phase.
func (o Options) workers() int {
	if o.NoTails {
		return o.Clients
	}
	return o.Clients + o.Logs
}

// Header returns the header of the history that the options make.
func (o Options) Header() histories.Header {
	o = o.withDefaults()
	yes, no := true, false
	h := histories.Header{
		Format: histories.FormatVersion, Tool: "histtest", Name: "simulated",
		Run: fmt.Sprintf("%016x", o.Seed), Seed: o.Seed, Target: "simulated", Workload: "log",
		Workers: o.workers(), Tailed: !o.NoTails, FinalReads: !o.NoFinal,
		Contract: histories.Contract{
			Acks: "all", Idempotence: &yes, Attempts: "single", Isolation: "read_uncommitted",
			ReplicationFactor: 3, MinISR: 2, UncleanElection: &no, Durability: "replicated",
			Retention: "none", Cleanup: "delete", Timestamps: "create", Consumers: "assign",
			Transactions: &no, Reads: "strict",
		},
	}
	if o.Txns {
		h.Workload = "txn"
		h.Contract.Transactions, h.Contract.Isolation, h.Contract.Attempts = &yes, "read_committed", "retried"
	}
	if o.Groups {
		h.Workload, h.Groups, h.Contract.Consumers = "group", simGroups, ""
	}
	if o.StaleRate > 0 {
		h.Contract.Reads = "kafka"
	}
	for k := range o.Logs {
		h.Logs = append(h.Logs, histories.Log{Key: int64(k), Topic: "t", Partition: int32(k)})
	}
	return h
}
