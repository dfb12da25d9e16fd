package histories

import (
	"math"
	"time"
)

// Type is the kind of an entry, in Jepsen's words.
type Type uint8

// The four types. Every invocation has at most one completion: ok (it
// happened), fail (it certainly did not happen) or info (nobody knows; it may
// still happen at any later time).
const (
	Invoke Type = iota
	OK
	Fail
	Info
)

// F is what an operation does.
type F uint8

// The operations. New ones go last: files name them, memory numbers them.
const (
	// Other is an operation that this version does not know; Op.Name keeps
	// its name. It is counted as ignored.
	Other F = iota
	// Send produces records: one send mop a record, one request.
	Send
	// Poll fetches records from the process's assignment.
	Poll
	// Txn mixes sends and polls in one transaction.
	Txn
	// Assign replaces the process's assignment: Keys, and where to begin: Seek,
	// or Offsets on the invocation. Offsets on the completion are the positions
	// that came of it.
	Assign
	// Subscribe replaces the process's subscription; Keys.
	Subscribe
	// Crash replaces the process's client by a fresh one; it completes as info.
	Crash
	// EndOffsets asks for the end of each log in Keys; the answers stand in Offsets.
	EndOffsets
	// StartOffsets asks for the start of each log in Keys; the answers stand in Offsets.
	StartOffsets
	// Debug is Jepsen's debug-topic-partitions, ignored by every checker.
	Debug
	// Phase is a nemesis entry: the run enters Event.Phase.
	Phase
	// Inject is a nemesis entry: from here on the fault may act.
	Inject
	// Bite is a nemesis entry: the proof that the fault acted, or its absence.
	Bite
	// Heal is a nemesis entry: the fault is being taken away.
	Heal
	// Healed is a nemesis entry: the proof that the fault is gone, or its absence.
	Healed
	// Note is a nemesis entry with a remark for people (Event.Why).
	Note
	// State is a nemesis entry: what the brokers say of themselves (Event.State).
	State
	// Sample is a nemesis entry: the nodes' metrics (Event.Samples).
	Sample
	// Whole is a nemesis entry: whether the cluster became whole again, every
	// partition with its leader and full in-sync replicas (Event.Held), within
	// the limit that the run gave it (Event.Args: waited_ms, limit_ms).
	Whole
	// StableOffsets asks for the last stable offset of each log in Keys: the end
	// for whoever reads committed records only (KIP-98). The answers stand in
	// Offsets.
	StableOffsets
	// Fence takes over the transactional ids whose numbers stand in Keys: it
	// initializes a producer of each, which aborts what is open under them and
	// fences whoever used them before (KIP-98, KIP-360).
	Fence
	// Commit stores the positions of a member of Group: IDs holds the commit's
	// own id, which the broker keeps beside each offset; the completion's
	// Offsets are what was to be committed.
	Commit
	// Committed asks for Group's committed offset of each log in Keys: the
	// answers stand in Offsets, -1 for none, and the ids found beside them in
	// IDs, in the same order, -1 where there is none of this run's.
	Committed
	// CreateTopic creates the topic of the logs in Keys.
	CreateTopic
	// DeleteTopic deletes the topic of the logs in Keys.
	DeleteTopic
	// CreatePartitions adds the logs in Keys to their topic.
	CreatePartitions
	// DeleteRecords moves the start of logs up: Offsets, on the invocation to
	// where, on the completion what the broker says the start is now.
	DeleteRecords
	// LeaderEpochs asks, for each log in Keys, where the leader epoch in IDs ends
	// (OffsetForLeaderEpoch, KIP-101); -1, or no IDs at all, asks for the epoch
	// that the broker calls the current one. The completion's Offsets are the
	// ends, -1 where none is known, and its IDs the epochs that they belong to:
	// the asked one, or the highest below it.
	LeaderEpochs

	// NumF is how many operations there are; it stays last.
	NumF
)

// Nemesis is the process of every entry that the nemesis writes.
const Nemesis = -1

// States of a send's result, where they are not an offset.
const (
	// OffsetUnknown: nothing is known (written as v).
	OffsetUnknown = -1
	// OffsetNil: acknowledged without a valid offset (written as [nil v]).
	OffsetNil = -2
)

// LogGone stands in the error of an operation on a log that is known not to be
// there: its topic was deleted, or not created yet.
const LogGone = "LOG_GONE"

// OutOfRange stands in the error of a poll whose position was out of the log's
// range (Kafka's error 1): below its start, most likely.
const OutOfRange = "OFFSET_OUT_OF_RANGE"

// NoValue is the value of a polled record whose payload holds none that can be
// read; Op.Bad says why.
const NoValue = -1

// Op is one entry. Readers lend it: its slices are overwritten by the next one.
type Op struct {
	Index   int64         // position in the history, from 0
	Time    time.Duration // since the run's start, by the recorder's one clock
	Process int64         // the client process, or Nemesis
	Type    Type
	F       F
	Name    string // the operation's name where F is Other

	Mops    []Mop     // send, poll, txn
	Runs    []Run     // what the poll mops returned, by log
	Recs    []Rec     // the records of Runs
	Fetched []Fetched // where each fetch of a poll stood, where the client knows
	Bad     []BadRec  // polled records whose payload is not what was sent here

	Keys    []int64     // assign, subscribe, end-offsets, start-offsets
	Seek    Seek        // assign
	Offsets []KeyOffset // assign: positions stated by the invocation, which go before Seek, and resolved by the completion; end-offsets, start-offsets: the answers

	Isolation Isolation // assign: how the process reads from here on
	Abort     int32     // txn: aborted on purpose after Abort-1 micro-operations; 0: to be committed
	Group     string    // txn: the consumer group whose positions the transaction commits; assign: whose positions SeekCommitted takes
	Producer  Producer  // completions of txn and fence: the producer that did it

	IDs        []int64     // commit, fetch-committed, leader-epochs: see there
	Rebalances []Rebalance // what became of the process's share of its group since its last completion

	// RecordKeys are the keys of the records that are sent, in order; empty where
	// they have none.
	RecordKeys []RecordKey

	Event *Event // nemesis entries
	Error string // cause of a fail or info, for people
}

// Mop is a micro-operation: one record sent, or one poll.
type Mop struct {
	Send   bool
	Polled bool // a poll that returned a result, perhaps an empty one

	Key    int64 // send: the log
	Offset int64 // send: the acknowledged offset, OffsetUnknown or OffsetNil
	Value  int64 // send

	From, To int32 // poll: its results are Op.Runs[From:To]
}

// Run is what one poll returned of one log: Op.Recs[From:To], in the order received.
type Run struct {
	Key      int64
	From, To int32
}

// Rec is a polled record. An Offset of OffsetNil is a record without a known offset.
type Rec struct{ Offset, Value int64 }

// Fetched is one fetch inside a poll: the position asked for, the high
// watermark that came back with it, and the leader epoch under which the last
// record that it returned was appended (the batch's partitionLeaderEpoch); -1
// where unknown. A fetch that returned no records stands here too.
type Fetched struct{ Key, Position, HighWatermark, Epoch int64 }

// LastOf returns the offset of the last record that a fetch returned, -1 where it
// returned none or where that is not known. An operation that polls a log more
// than once has a fetch for each time: what the first one returned ends where
// the second one stood.
func (o *Op) LastOf(fetch int) int64 {
	f := &o.Fetched[fetch]
	end := int64(math.MaxInt64)
	for _, later := range o.Fetched[fetch+1:] {
		if later.Key == f.Key {
			end = later.Position
			break
		}
	}
	last := int64(-1)
	for _, run := range o.Runs {
		if run.Key != f.Key {
			continue
		}
		for _, r := range o.Recs[run.From:run.To] {
			if r.Offset >= f.Position && r.Offset < end {
				last = r.Offset
			}
		}
	}
	return last
}

// KeyOffset is an offset of one log; -1 where it could not be had.
type KeyOffset struct{ Key, Offset int64 }

// Rebalance is a change of the logs that a member of a group owns.
type Rebalance struct {
	What string // Assigned, Revoked or Lost
	// Generation is the group's generation, or the member's epoch (KIP-848), in
	// which it happened; -1 where unknown.
	Generation int64
	Keys       []int64
}

// What a rebalance does to a member.
const (
	Assigned = "assigned" // it owns these logs from now on, beside what it has
	Revoked  = "revoked"  // it gives these logs up, and may still commit them
	Lost     = "lost"     // they were taken from it
)

// SeekTo is where an assignment begins to read.
type SeekTo uint8

// Where to begin. SeekResume keeps the position of logs that stay assigned and
// begins at the end for new ones.
const (
	SeekResume SeekTo = iota
	SeekBeginning
	SeekEnd
	SeekBack // Seek.Back records before the position, never before the log's start
	// SeekCommitted begins where Op.Group has committed; at the log's start
	// where it has not.
	SeekCommitted
)

// Seek is the seek of an assignment.
type Seek struct {
	To   SeekTo
	Back int64 // records, with SeekBack
}

// Isolation is which records a process reads of transactions (KIP-98).
type Isolation uint8

// The isolations. The contract's is what a process has that states none.
const (
	IsolationContract Isolation = iota
	ReadUncommitted             // every record
	ReadCommitted               // those of committed transactions, up to the last stable offset
)

// Producer is an instance of a transactional producer.
type Producer struct {
	// Txn is the number of its transactional id, from 1; 0: there is none.
	Txn int64
	// Instance is unique in the run: a client that initializes again under the
	// same transactional id is a new instance and fences the one before.
	Instance int64
	// Epoch is the producer epoch that the broker gave it, -1 where unknown.
	Epoch int64
}

// BadRec is a polled record whose payload is wrong: Why is one of the Bad…
// constants, Detail says what was found.
type BadRec struct {
	Key, Offset int64
	Why         string
	Detail      string
}

// What can be wrong with a payload.
const (
	BadChecksum = "corrupt"   // its checksum does not match
	BadForeign  = "foreign"   // it belongs to another run, or to no run at all
	BadLog      = "misrouted" // it was sent to another log
)

// Event is the value of a nemesis entry.
type Event struct {
	ID        int                `json:"id"` // position in the plan; -1 for phases and notes
	Phase     string             `json:"phase,omitempty"`
	Fault     string             `json:"fault,omitempty"`
	On        []string           `json:"on,omitempty"`        // the nodes
	Asked     []string           `json:"asked,omitempty"`     // the nodes as the plan names them, where On is what they meant at that moment
	Direction string             `json:"direction,omitempty"` // upstream, downstream or both
	Args      map[string]float64 `json:"args,omitempty"`      // the fault's parameters, units in their names
	Held      *bool              `json:"held,omitempty"`      // bite: it bit; healed: it is gone; nil: not proven
	Proof     []Probe            `json:"proof,omitempty"`
	Why       string             `json:"why,omitempty"`     // what the proof shows, or why there is none
	State     *ClusterState      `json:"state,omitempty"`   // state
	Samples   []NodeSample       `json:"samples,omitempty"` // sample
}

// Probe is one measurement behind a proof of bite or heal.
type Probe struct {
	Node      string  `json:"node"`
	When      string  `json:"when"`                // before, during or after
	What      string  `json:"what"`                // round-trip, throughput, upstream, downstream, dial, close; of a cluster: leader, isr, epoch, pid, …
	Millis    float64 `json:"millis,omitempty"`    // how long it took
	Bytes     int64   `json:"bytes,omitempty"`     // what got through
	Error     string  `json:"error,omitempty"`     // how it failed
	Satisfies bool    `json:"satisfies,omitempty"` // it shows what the fault promises
}

// Phases of a run, in order.
const (
	PhaseCalm   = "calm"   // no fault yet
	PhaseFaults = "faults" // the plan is being walked
	PhaseHeal   = "heal"   // everything is being healed, links proven clean
	PhaseQuiet  = "quiet"  // late writes may land
	PhaseFinal  = "final"  // final reads
	PhaseEnd    = "end"    // everything was read: the run is complete
	// PhaseEvidence comes before heal, where the main phase ended early because
	// of a violation that was found while it lasted (Event.Why): the brokers are
	// asked what only they can tell.
	PhaseEvidence = "evidence"
)
