// Package generator decides what to ask: pure and seeded, without input or
// output. One goroutine owns a Generator.
package generator

import (
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/seed"
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
// is a function of (seed, w, n) alone: feedback may choose when, never what
// (the final reads excepted, which read until they have seen the end).
type Generator interface {
	// Next fills op (F, Mops, Keys, Seek) for a free worker. now is the time
	// since the run's start.
	Next(now time.Duration, worker int, op *histories.Op) Turn
	// Saw tells how the worker's operation completed. op is lent.
	Saw(worker int, op *histories.Op)
}

// Config is what the operations are drawn from.
type Config struct {
	Seed        seed.Seed
	Concurrency int             // client workers, numbered from 0
	Logs        []histories.Log // the tailing readers follow as workers Concurrency…
	Batch       int             // the most records in one batch
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
	// Contract adds what the workload says to the contract (attempts,
	// consumers) and tells whether every log is followed by a tailing reader.
	Contract func(*histories.Contract) (tailed bool)
}
