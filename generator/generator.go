// Package generator decides what to ask: pure and seeded, without input or
// output. One goroutine owns a Generator.
package generator

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Turn is a generator's answer to a free worker.
type Turn uint8

// The answers.
const (
	Go   Turn = iota // the operation is to be invoked now
	Wait             // nothing for this worker now; ask again
	Done             // this worker has nothing more to do
)

// Generator gives each worker its operations. The n-th operation of worker w
// is a function of (seed, w, n) alone: feedback may choose when, never what.
// Config.Counted says which operations n counts: a process that lost its
// assignment with its predecessor has to renew it first, and where and how
// often that happens is up to the broker. The final reads are excepted too:
// they read until they have seen the end.
type Generator interface {
	// Next fills op (F, Mops, Keys, Seek, Offsets) for a free worker; op is
	// empty but for the memory of its slices. now is the time since the run's
	// start.
	//
	// Offsets on an assignment are positions to read from; they go before
	// Seek, which holds for the other logs of Keys.
	Next(now time.Duration, worker int, op *histories.Op) Turn
	// Saw tells how the worker's operation completed. op is lent.
	Saw(worker int, op *histories.Op)
}

// Config is what the operations are drawn from.
type Config struct {
	Seed        uint64
	Concurrency int               // client workers, numbered from 0
	Logs        []histories.Log   // at least one; the tailing readers follow as workers Concurrency…
	Groups      []histories.Group // of workloads with consumer groups
	Batch       int               // the most records in one batch; below 2 there are no batches
}

// Value is the value of the n-th record (from 0) that a worker sends: values
// are dense, unique in the run, and tell who sent them and when in its life.
func (c Config) Value(worker int, n int64) int64 {
	return n*int64(c.Concurrency) + int64(worker)
}

// Counted tells whether an invocation is one of the worker's n operations, the
// same in every run with the seed. What is not counted are the assignments
// that a process needs to go on: those of tailing readers, those of client
// workers that resume, from where they were or from what their group committed,
// the subscriptions of members of a group, and administration, which is repeated
// until it is done.
func (c Config) Counted(worker int, op *histories.Op) bool {
	if op.F == histories.Subscribe {
		return len(op.Keys) == 0
	}
	switch op.F {
	case histories.CreateTopic, histories.DeleteTopic, histories.CreatePartitions, histories.DeleteRecords:
		return false
	case histories.Assign:
	default:
		return true
	}
	return worker < c.Concurrency && op.Seek.To != histories.SeekResume && op.Seek.To != histories.SeekCommitted
}

// Workload is an idea of what to ask.
type Workload struct {
	Name, Doc string
	Client    string // the client.Kind that runs it
	// Workers is the number of workers, tailing readers included.
	Workers func(Config) int
	New     func(Config) Generator
	// Final reads every log from its start to its listed end, with fresh
	// processes: worker i of len(Logs) reads log i.
	Final func(Config) Generator
	// Groups are the consumer groups that it needs, by names that the run makes
	// unique.
	Groups []histories.Group
	// Topics are those that it needs, where a topic is to have this many
	// partitions; nil: as many equal ones as the run is asked for.
	Topics func(partitions int) []Topic
	// MinClients is the least Config.Concurrency that it can do with.
	MinClients int
	// Contract adds what the workload says to the contract (attempts,
	// consumers) and tells whether every log is followed by a tailing reader.
	Contract func(*histories.Contract) (tailed bool)
}
