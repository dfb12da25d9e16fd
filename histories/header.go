package histories

import "fmt"

// Header is the first line of a history: what is needed to judge it.
type Header struct {
	Format   int    `json:"ackproof"` // FormatVersion
	Tool     string `json:"tool,omitempty"`
	Name     string `json:"name,omitempty"`
	Run      string `json:"run,omitempty"` // run id, carried by every payload
	Seed     uint64 `json:"seed"`
	Started  string `json:"started,omitempty"` // RFC 3339
	Target   string `json:"target,omitempty"`
	Workload string `json:"workload,omitempty"`
	// Workers is the number of worker threads: the process that follows a
	// retired process p is p + Workers.
	Workers int `json:"workers,omitempty"`
	// Tailed says that a reader follows every log and polls every offset while
	// the run lasts, so that a write nobody saw did not happen.
	Tailed bool `json:"tailed,omitempty"`
	// FinalReads says that the run ends by reading every log from its start to
	// its listed end, between the phases "final" and "end".
	FinalReads bool     `json:"final_reads,omitempty"`
	Contract   Contract `json:"contract"`
	Logs       []Log    `json:"logs,omitempty"`
	Groups     []Group  `json:"groups,omitempty"`
	// Expect are the statements about the run that its verdict has to judge.
	Expect []Expect `json:"expect,omitempty"`
}

// FormatVersion is the version of the history format that this package writes.
const FormatVersion = 1

// Log names the topic partition behind a key.
type Log struct {
	Key       int64  `json:"key"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Life counts the lives of a topic that is deleted and created again, from 1:
	// each has an id (KIP-516) and logs of its own. 0: the topic has one life.
	Life int64 `json:"life,omitempty"`
	// Added says that the log comes to be while the run lasts: its topic is
	// created, or partitions are added.
	Added bool `json:"added,omitempty"`
	// Cleanup and Retention go before the contract's.
	Cleanup   string `json:"cleanup,omitempty"`
	Retention string `json:"retention,omitempty"`
	// Tombstones is how long a compacted log keeps them at least
	// (delete.retention.ms), as a duration; empty: not stated.
	Tombstones string `json:"tombstones,omitempty"`
}

// Contract is what the broker promises under the configuration of the run. The
// zero value of a field is "not stated": nothing is held against the broker
// that only that field would forbid.
type Contract struct {
	Acks              string `json:"acks,omitempty"` // all, 1, 0
	Idempotence       *bool  `json:"idempotence,omitempty"`
	Attempts          string `json:"attempts,omitempty"`  // single, retried
	Isolation         string `json:"isolation,omitempty"` // read_uncommitted, read_committed
	MinISR            int    `json:"min_isr,omitempty"`
	ReplicationFactor int    `json:"replication_factor,omitempty"`
	UncleanElection   *bool  `json:"unclean_election,omitempty"`
	Durability        string `json:"durability,omitempty"` // replicated, synced
	Retention         string `json:"retention,omitempty"`  // none, or a duration or size
	Cleanup           string `json:"cleanup,omitempty"`    // delete, compact, none
	Timestamps        string `json:"timestamps,omitempty"` // create, append
	Consumers         string `json:"consumers,omitempty"`  // assign, subscribe
	Transactions      *bool  `json:"transactions,omitempty"`
	Reads             string `json:"reads,omitempty"` // strict, kafka, session
	// StalenessMillis bounds how old a fetched state may be under kafka reads;
	// 0 is no bound.
	StalenessMillis int64 `json:"staleness_ms,omitempty"`
	// ProgressMillis is for how long, while nothing is broken, a log may go
	// without an acknowledgement and a consumer without the records that are
	// there; 0 is no bound.
	ProgressMillis int64 `json:"progress_ms,omitempty"`
}

// Log returns what the header says of a log; false where it does not know it.
func (h *Header) Log(key int64) (Log, bool) {
	for _, l := range h.Logs {
		if l.Key == key {
			return l, true
		}
	}
	return Log{}, false
}

// LogName names a log as people do: topic/partition, with its life where the
// topic has several, or log N where the header does not know the key.
func (h *Header) LogName(key int64) string {
	l, ok := h.Log(key)
	switch {
	case !ok:
		return fmt.Sprintf("log %d", key)
	case l.Life > 0:
		return fmt.Sprintf("%s/%d (life %d)", l.Topic, l.Partition, l.Life)
	}
	return fmt.Sprintf("%s/%d", l.Topic, l.Partition)
}
