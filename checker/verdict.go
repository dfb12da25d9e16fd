// Package checker proves from a history alone what the broker did: streaming
// passes, each a property, and the verdict they add up to.
package checker

import (
	"encoding/json"
	"fmt"
)

// Validity is the answer of a check. Unknown is the zero value: where nothing
// was judged, nothing is said.
type Validity uint8

// Invalid beats Unknown beats Valid.
const (
	Unknown Validity = iota
	Valid
	Invalid
)

// String returns valid, invalid or unknown.
func (v Validity) String() string {
	switch v {
	case Valid:
		return "valid"
	case Invalid:
		return "invalid"
	}
	return "unknown"
}

// MarshalJSON writes true, false or "unknown", as Jepsen does.
func (v Validity) MarshalJSON() ([]byte, error) {
	switch v {
	case Valid:
		return []byte("true"), nil
	case Invalid:
		return []byte("false"), nil
	}
	return []byte(`"unknown"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Validity) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true":
		*v = Valid
	case "false":
		*v = Invalid
	case `"unknown"`:
		*v = Unknown
	default:
		return fmt.Errorf("validity %s: want true, false or \"unknown\"", b)
	}
	return nil
}

// Verdict is what a check says of a history: verdict.json.
type Verdict struct {
	Format     int      `json:"format"`
	Valid      Validity `json:"valid"`
	Incomplete bool     `json:"incomplete"` // the run did not reach its end
	// Stopped says for which violation the run ended its main phase early; empty:
	// it did not. What was too little because of that is no reason for doubt
	// beside a violation.
	Stopped string `json:"stopped,omitempty"`
	Seed    uint64 `json:"seed"`
	Model   string `json:"model"` // strict, kafka or session
	Judged  Judged `json:"judged"`
	// Anomalies has one entry for each (kind, allowedBy), violations first.
	Anomalies    []Anomaly       `json:"anomalies"`
	Expectations []Expectation   `json:"expectations"`
	Unknown      []Reason        `json:"unknown"` // why nothing more can be said
	Faults       []FaultResult   `json:"faults"`
	Stats        json.RawMessage `json:"stats"` // Stats, see stats.go
	// Jepsen is the verdict by the rules of jepsen.tests.kafka, where it was
	// asked for. It has no bearing on Valid.
	Jepsen *JepsenVerdict `json:"jepsen,omitempty"`
}

// Judged counts what the verdict rests on.
type Judged struct {
	Entries   int64 `json:"entries"`
	Ops       int64 `json:"ops"`
	Records   int64 `json:"records"` // distinct records sent
	Acked     int64 `json:"acked"`   // of them acknowledged
	Logs      int64 `json:"logs"`
	Windows   int64 `json:"windows"`    // windows that porcupine decided
	WindowOps int64 `json:"window_ops"` // operations in them
	Ignored   int64 `json:"ignored"`    // entries that no checker understands
	// Of consumer groups: the committed offsets that were acknowledged and those
	// that were told, by group and log, and the windows of them that porcupine
	// decided.
	Commits       int64 `json:"commits,omitempty"`
	CommitReads   int64 `json:"commit_reads,omitempty"`
	CommitWindows int64 `json:"commit_windows,omitempty"`

	// Transactions that completed, where there are any, by what is known of their
	// outcome; a commit that nobody acknowledged counts as committed once a
	// reader of committed records got a record of it.
	Txns      int64 `json:"transactions,omitempty"`
	Committed int64 `json:"committed,omitempty"`
	Aborted   int64 `json:"aborted,omitempty"`
	Undecided int64 `json:"undecided,omitempty"`
	// Effects are the records that committed transactions of consumer groups took
	// in: consumed, transformed and produced.
	Effects int64 `json:"effects,omitempty"`

	// Admin counts the administration beside which that was judged, where there
	// was any.
	Admin *AdminJudged `json:"admin,omitempty"`
}

// add sums up.
func (j *Judged) add(k Judged) {
	j.Entries += k.Entries
	j.Ops += k.Ops
	j.Records += k.Records
	j.Acked += k.Acked
	j.Logs += k.Logs
	j.Windows += k.Windows
	j.WindowOps += k.WindowOps
	j.Ignored += k.Ignored
	j.Commits += k.Commits
	j.CommitReads += k.CommitReads
	j.CommitWindows += k.CommitWindows
	j.Txns += k.Txns
	j.Committed += k.Committed
	j.Aborted += k.Aborted
	j.Undecided += k.Undecided
	j.Effects += k.Effects
}

// Anomaly is one kind of finding with its examples.
type Anomaly struct {
	Kind      Kind      `json:"kind"`
	Jepsen    string    `json:"jepsen,omitempty"`
	AllowedBy string    `json:"allowedBy"` // the clause of the contract that allows it; empty: a violation
	Count     int64     `json:"count"`
	Log       *int64    `json:"log"` // where all are of one log
	Examples  []Example `json:"examples"`
	Follows   []Follow  `json:"follows"` // findings that are consequences of this one
}

// Informational says that the anomaly breaks no promise of any contract.
func (a *Anomaly) Informational() bool { return a.AllowedBy == informational }

// Example is one case of an anomaly. Ops are the indexes of the entries that
// prove it, two for an order.
type Example struct {
	Log    int64   `json:"log"`
	Ops    []int64 `json:"ops"`
	Offset int64   `json:"offset"` // -1 where it has none
	Value  int64   `json:"value"`  // -1 where it has none
	Why    string  `json:"why"`
	Group  string  `json:"group,omitempty"`  // the consumer group that it is about
	Window string  `json:"window,omitempty"` // porcupine's page, relative to the run directory
}

// Follow counts findings that follow from a headline.
type Follow struct {
	Kind  Kind  `json:"kind"`
	Count int64 `json:"count"`
}

// Expectation is a statement about the run that a scenario made.
type Expectation struct {
	Name string   `json:"name"`
	Met  Validity `json:"met"`
	Why  string   `json:"why"`
}

// Reason is why a checker could not say more.
type Reason struct {
	Checker string `json:"checker"`
	Kind    Kind   `json:"kind,omitempty"` // the harness kind, where it has one
	Why     string `json:"why"`
}

// FaultResult is a fault of the plan and whether it is proven to have bitten and healed.
type FaultResult struct {
	ID     int      `json:"id"`
	Fault  string   `json:"fault"`
	On     []string `json:"on"`
	Begin  int64    `json:"begin_ns"`
	End    int64    `json:"end_ns"` // 0 while it lasts
	Bit    Validity `json:"bit"`
	Healed Validity `json:"healed"`
	Why    string   `json:"why"`
}

// MaxExamples bounds the examples kept of one anomaly; Count has them all.
const MaxExamples = 32
