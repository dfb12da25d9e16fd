package checker

import (
	"cmp"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// What the header says of one log goes before what the contract says of all.

// retention is how long the records of a log stay.
func (e *Env) retention(log int64) string {
	return cmp.Or(e.logs[log].Retention, e.Contract.Retention)
}

// ages tells whether some log lets records go by their age.
func (e *Env) ages() bool {
	_, err := time.ParseDuration(e.Contract.Retention)
	some := err == nil
	for key := range e.logs {
		_, err := time.ParseDuration(e.retention(key))
		some = some || err == nil
	}
	return some
}

// compacted tells whether a log is compacted by the keys of its records.
func (e *Env) compacted(log int64) bool {
	return cmp.Or(e.logs[log].Cleanup, e.Contract.Cleanup) == "compact"
}

// tombstones is how long a compacted log keeps them at least; false where that
// is not stated.
func (e *Env) tombstones(log int64) (time.Duration, bool) {
	d, err := time.ParseDuration(e.logs[log].Tombstones)
	return d, err == nil
}

// byKey indexes the header's logs.
func byKey(logs []histories.Log) map[int64]histories.Log {
	m := make(map[int64]histories.Log, len(logs))
	for _, l := range logs {
		m[l.Key] = l
	}
	return m
}
