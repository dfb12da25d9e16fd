package checker

import (
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Options say how to judge. The zero value judges by the history's own header.
type Options struct {
	Model       string              // strict, kafka or session; empty: the contract's reads
	Contract    *histories.Contract // replaces the header's; nil: the header's own
	MaxExamples int                 // examples kept of one anomaly; 0: MaxExamples, below 0: all
	// MinAcked is how many acknowledged records every log needs for valid;
	// 0: 50, below 0: none.
	MinAcked int
	// MinOpsPerFault is how many operations have to complete during each fault
	// and after each heal for valid; 0: 10, below 0: none.
	MinOpsPerFault int
	WindowDir      string        // where porcupine's pages go; empty: nowhere
	WindowTimeout  time.Duration // porcupine's limit for one window; 0: 10 s
	// Also are passes that judge nothing: they see what the checkers see, from
	// the same read, each in a goroutine of its own. One that panics takes no
	// more part, and its Finish is not called.
	Also []Pass
	// Jepsen asks for Verdict.Jepsen: what jepsen.tests.kafka would say; nil: not.
	Jepsen *JepsenRules
}

// withDefaults replaces what was left at zero.
func (o Options) withDefaults() Options {
	setDefault(&o.MaxExamples, MaxExamples)
	setDefault(&o.MinAcked, 50)
	setDefault(&o.MinOpsPerFault, 10)
	if o.WindowTimeout == 0 {
		o.WindowTimeout = 10 * time.Second
	}
	return o
}

func setDefault(n *int, value int) {
	if *n == 0 {
		*n = value
	}
}

// The models of reads.
const (
	Strict  = "strict"  // every operation takes effect between its call and its return
	Kafka   = "kafka"   // produces do; a fetch, or a leader that was deposed, may show an older state of the log
	Session = "session" // each process sees one order; no real time between processes
)

// Env is what a pass knows before the first entry.
type Env struct {
	Header    histories.Header
	HasHeader bool
	Contract  histories.Contract // the one judged by
	Model     string             // Strict, Kafka or Session
	Options   Options            // defaults filled in
	// Facts is what the history says of records and offsets. Passes that are
	// Alone may use it in Finish only.
	Facts *Facts

	logs map[int64]histories.Log // the header's, by key
}

func newEnv(h histories.Header, hasHeader bool, o Options) *Env {
	e := &Env{Header: h, HasHeader: hasHeader, Contract: h.Contract, Options: o.withDefaults(), logs: byKey(h.Logs)}
	if o.Contract != nil {
		e.Contract = *o.Contract
	}
	switch {
	case o.Model != "":
		e.Model = o.Model
	case e.Contract.Reads != "":
		e.Model = e.Contract.Reads
	default:
		e.Model = Session // nothing was promised about real time
	}
	e.Facts = newFacts(e)
	return e
}

// LossAllowed returns the clause of the contract that allows acknowledged
// records to be lost; empty: none does.
func (e *Env) LossAllowed() string {
	c := &e.Contract
	switch {
	case c.Acks == "0" || c.Acks == "1":
		return "acks=" + c.Acks
	case c.UncleanElection != nil && *c.UncleanElection:
		return "unclean_election=true"
	}
	return ""
}

// DuplicateAllowed returns the clause that allows one send to make several records.
func (e *Env) DuplicateAllowed() string {
	c := &e.Contract
	if c.Idempotence != nil && !*c.Idempotence && c.Attempts == "retried" {
		return "idempotence=false,attempts=retried"
	}
	return ""
}

// RebalanceAllowed returns the clause that allows a consumer to be moved. Where
// the contract does not say how consumers get their logs, subscribed tells how
// this one did: Jepsen's checker, too, allows skips and rewinds between the
// polls of consumers that subscribe.
func (e *Env) RebalanceAllowed(subscribed bool) string {
	if how := e.Contract.Consumers; how == "subscribe" || how == "" && subscribed {
		return "consumers=subscribe"
	}
	return ""
}

// logName names a log for people.
func (e *Env) logName(key int64) string { return e.Header.LogName(key) }
