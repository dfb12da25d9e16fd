package histories

import "strconv"

// typeNames are the names of the types in every format.
var typeNames = [...]string{Invoke: "invoke", OK: "ok", Fail: "fail", Info: "info"}

// String returns the type's name in files: invoke, ok, fail or info.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type(" + strconv.Itoa(int(t)) + ")"
}

// ParseType returns the type with this name.
func ParseType(name string) (Type, bool) { return typeNamed([]byte(name)) }

func typeNamed(name []byte) (Type, bool) {
	switch string(name) {
	case "invoke":
		return Invoke, true
	case "ok":
		return OK, true
	case "fail":
		return Fail, true
	case "info":
		return Info, true
	}
	return Invoke, false
}

// fNames are the names of the operations in JSON Lines; EDN knows all but
// what asks for offsets, and fence, by them too.
var fNames = [...]string{
	Other: "other", Send: "send", Poll: "poll", Txn: "txn", Assign: "assign", Subscribe: "subscribe",
	Crash: "crash", EndOffsets: "end-offsets", StartOffsets: "start-offsets", Debug: "debug-topic-partitions",
	Phase: "phase", Inject: "inject", Bite: "bite", Heal: "heal", Healed: "healed", Note: "note",
	State: "state", Sample: "sample", Whole: "whole",
	StableOffsets: "stable-offsets", Fence: "fence",
	Commit: "commit", Committed: "fetch-committed", CreateTopic: "create-topic", DeleteTopic: "delete-topic",
	CreatePartitions: "create-partitions", DeleteRecords: "delete-records",
	LeaderEpochs: "leader-epochs",
}

// String returns the operation's name in files. The name of an operation that
// this version does not know stands in Op.Name.
func (f F) String() string {
	if int(f) < len(fNames) {
		return fNames[f]
	}
	return "f(" + strconv.Itoa(int(f)) + ")"
}

// ParseF returns the operation with this name; Other and false where this
// version knows none.
func ParseF(name string) (F, bool) {
	f := fNamed([]byte(name))
	return f, f != Other
}

// fNamed returns the operation with this name, or Other. It is a switch and
// not a walk over fNames because readers ask once an entry.
func fNamed(name []byte) F {
	switch string(name) {
	case "send":
		return Send
	case "poll":
		return Poll
	case "txn":
		return Txn
	case "assign":
		return Assign
	case "subscribe":
		return Subscribe
	case "crash":
		return Crash
	case "end-offsets":
		return EndOffsets
	case "start-offsets":
		return StartOffsets
	case "debug-topic-partitions":
		return Debug
	case "phase":
		return Phase
	case "inject":
		return Inject
	case "bite":
		return Bite
	case "heal":
		return Heal
	case "healed":
		return Healed
	case "note":
		return Note
	case "state":
		return State
	case "sample":
		return Sample
	case "whole":
		return Whole
	case "stable-offsets":
		return StableOffsets
	case "fence":
		return Fence
	case "commit":
		return Commit
	case "fetch-committed":
		return Committed
	case "create-topic":
		return CreateTopic
	case "delete-topic":
		return DeleteTopic
	case "create-partitions":
		return CreatePartitions
	case "delete-records":
		return DeleteRecords
	case "leader-epochs":
		return LeaderEpochs
	}
	return Other
}

// isolationNames are the isolations as files and contracts name them.
var isolationNames = [...]string{ReadUncommitted: "read_uncommitted", ReadCommitted: "read_committed"}

// String returns the isolation's name in files; empty for the contract's.
func (i Isolation) String() string {
	if int(i) < len(isolationNames) {
		return isolationNames[i]
	}
	return ""
}

// ParseIsolation returns the isolation with this name.
func ParseIsolation(name string) (Isolation, bool) {
	switch name {
	case "read_uncommitted":
		return ReadUncommitted, true
	case "read_committed":
		return ReadCommitted, true
	}
	return IsolationContract, false
}

// OfNemesis says whether this is an entry of the nemesis, with an Event.
func (f F) OfNemesis() bool {
	switch f {
	case Phase, Inject, Bite, Heal, Healed, Note, State, Sample, Whole:
		return true
	}
	return false
}

// hasMops says whether the operation's value is a list of micro-operations.
func (f F) hasMops() bool { return f == Send || f == Poll || f == Txn }

// hasKeys says whether the operation's value is a list of logs.
func (f F) hasKeys() bool {
	switch f {
	case Assign, Subscribe, Fence, Debug:
		return true
	}
	return f.asksOffsets() || f.administers()
}

// administers says whether the operation makes or unmakes the logs of its value.
func (f F) administers() bool { return f == CreateTopic || f == DeleteTopic || f == CreatePartitions }

// asksOffsets says whether the operation's result is an offset for each log.
func (f F) asksOffsets() bool {
	switch f {
	case EndOffsets, StartOffsets, StableOffsets, Commit, Committed, DeleteRecords, LeaderEpochs:
		return true
	}
	return false
}

// hidden says whether EDN hides the operation among those that Jepsen's checker
// ignores.
func (f F) hidden() bool { return f.asksOffsets() || f.administers() || f == Fence }

// FName returns the operation's name as files have it.
func (o *Op) FName() string {
	if o.F == Other {
		return o.Name
	}
	return o.F.String()
}
