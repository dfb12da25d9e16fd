package checker

// Kind names an anomaly.
type Kind string

// The kinds. What each of them means stands in Kinds.
const (
	CorruptRecord   Kind = "corrupt-record"
	MisroutedRecord Kind = "misrouted-record"
	PhantomRead     Kind = "phantom-read"
	AbortedRead     Kind = "aborted-read"

	InconsistentOffset Kind = "inconsistent-offset"
	TruncatedAck       Kind = "truncated-ack"
	LostWrite          Kind = "lost-write"
	Unseen             Kind = "unseen"
	InvalidAck         Kind = "invalid-ack"
	DeletedEarly       Kind = "deleted-early"
	CompactedLatest    Kind = "compacted-latest"
	TornBatch          Kind = "torn-batch"
	Duplicate          Kind = "duplicate"

	FutureRead Kind = "future-read"

	NonmonotonicSend    Kind = "nonmonotonic-send"
	IntNonmonotonicSend Kind = "int-nonmonotonic-send"
	NonmonotonicPoll    Kind = "nonmonotonic-poll"
	IntNonmonotonicPoll Kind = "int-nonmonotonic-poll"
	PollSkip            Kind = "poll-skip"
	IntPollSkip         Kind = "int-poll-skip"
	IntSendSkip         Kind = "int-send-skip"

	LeaderEpochRegression Kind = "leader-epoch-regression"

	OffsetRegression    Kind = "offset-regression"
	EndOffsetRegression Kind = "end-offset-regression"
	LogStartRegression  Kind = "log-start-regression"
	DeletedRecordRead   Kind = "deleted-record-read"
	NonlinearizableLog  Kind = "nonlinearizable-log"
	StaleRead           Kind = "stale-read"

	PrecommittedRead        Kind = "precommitted-read"
	TornTransaction         Kind = "torn-transaction"
	FencedProducerCommitted Kind = "fenced-producer-committed"
	EOSDuplicateEffect      Kind = "eos-duplicate-effect"
	G1c                     Kind = "G1c"
	G0                      Kind = "G0"
	FracturedRead           Kind = "fractured-read"
	LSORegression           Kind = "lso-regression"
	StuckLSO                Kind = "stuck-lso"

	NoRecovery    Kind = "no-recovery"
	NoProgress    Kind = "no-progress"
	StuckConsumer Kind = "stuck-consumer"

	CommittedOffsetRegression      Kind = "committed-offset-regression"
	CommittedOffsetLost            Kind = "committed-offset-lost"
	CommittedOffsetNonlinearizable Kind = "committed-offset-nonlinearizable"
	CommitBeyondConsumed           Kind = "commit-beyond-consumed"
	SkippedByGroup                 Kind = "skipped-by-group"
	TwoOwners                      Kind = "two-owners"

	FaultDidNotBite     Kind = "fault-did-not-bite"
	HealDidNotHold      Kind = "heal-did-not-hold"
	TooLittleWork       Kind = "too-little-work"
	CheckerTimeout      Kind = "checker-timeout"
	CheckerDisagreement Kind = "checker-disagreement"
	MalformedHistory    Kind = "malformed-history"
	IncompleteRun       Kind = "incomplete-run"
)

// Groups of kinds.
const (
	GroupLoss     = "loss"
	GroupContent  = "content"
	GroupOrder    = "order"
	GroupRealTime = "real time"
	GroupTxn      = "transactions"
	GroupLiveness = "liveness"
	GroupConsumer = "consumer groups"
	GroupHarness  = "harness" // says that nothing was proven: unknown, never invalid
)

// KindDoc describes a kind of anomaly.
type KindDoc struct {
	Name      Kind
	Group     string
	Doc       string // the guarantee that it breaks, one sentence
	Source    string // who gives the guarantee: a KIP, Kafka's documentation, a paper
	AllowedBy string // the contract under which it is no violation; empty: none
	Jepsen    string // its name in jepsen.tests.kafka; empty: Jepsen does not look for it
	Evidence  string // what an example shows
}

const (
	allowLoss       = "acks=0 or acks=1, or unclean_election=true; with durability=replicated what was acknowledged before a crash of every in-sync replica at once"
	allowDuplicates = "idempotence=false together with attempts=retried"
	// Commits go through the groups' own log, whatever acks says of the others.
	allowCommitLoss = "unclean_election=true; with durability=replicated what was acknowledged before a crash of every broker at once"
	allowUndeleted  = "unclean_election=true; with durability=replicated what was deleted before a crash of every in-sync replica at once"
	// informational is the clause of kinds that break no promise.
	informational = "informational"
)

// Kinds is the catalogue, in the order of headlines: where several kinds
// describe one record, the first one is its headline and the others follow.
var Kinds = []KindDoc{
	{CorruptRecord, GroupContent, "A consumer gets the bytes that the producer sent.",
		"Kafka protocol, record batch CRC; KIP-98 message format v2", "", "", "the poll, the record's offset, which checksum failed"},
	{MisroutedRecord, GroupContent, "A record appears only in the partition it was sent to.",
		"Kafka documentation, 4.4 The Producer", "", "", "the poll, and the send to the other log"},
	{PhantomRead, GroupContent, "Every record that is read was sent by somebody.",
		"Adya, Weak Consistency (1999): reads return written values", "", "", "the poll and what the record says of its origin"},
	{InconsistentOffset, GroupContent, "An offset names one record for ever.",
		"Kafka documentation, 4.3 Efficiency: offsets identify records; KIP-101", "", "inconsistent-offsets", "two operations that show different values at the offset"},
	{TornTransaction, GroupTxn, "A committed transaction is visible whole, in every log that it wrote to.",
		"KIP-98 Exactly Once Delivery: atomic writes across partitions", allowLoss, "", "the transaction, a record of it that the final reads return, and one that they do not"},
	{TruncatedAck, GroupLoss, "A record that was acknowledged stays at its offset.",
		"KIP-101, KIP-279; Kafka documentation, 4.6 Message Delivery Semantics", allowLoss, "lost-write", "the acknowledgement, who saw the record or who holds its offset now, and the read that no longer returns it"},
	{LostWrite, GroupLoss, "An acknowledged record is read by everybody who reads past it.",
		"Kafka documentation, 4.6 Message Delivery Semantics", allowLoss, "lost-write", "the acknowledgement and the read that went past the offset without it"},
	{Unseen, GroupLoss, "An acknowledged record can be read.",
		"Kafka documentation, 4.6 Message Delivery Semantics", allowLoss, "unseen", "the acknowledgement and the end that the final reads found"},
	{DeletedEarly, GroupLoss, "A record stays until retention, or a request to delete it, lets it go.",
		"Kafka documentation, retention.ms and retention.bytes; KIP-107 deleteRecordsBefore", "", "", "the acknowledgement, and the start of the log above the record"},
	{CompactedLatest, GroupLoss, "Compaction keeps the latest record of each key.",
		"Kafka documentation, 4.8 Log Compaction: at least the last known value for each message key; delete.retention.ms for tombstones", allowLoss, "",
		"the acknowledgement, who read the record, and the final read that went past its offset without a later record of its key"},
	{TornBatch, GroupLoss, "A record batch is appended whole, at consecutive offsets.",
		"Kafka documentation, 5.3 Message Format: the record batch is the unit of appending; KIP-98", "", "", "the send of one batch (attempts=single), what was read of it, and what was not"},
	{InvalidAck, GroupLoss, "An acknowledgement names the record's offset.",
		"Kafka protocol, ProduceResponse base_offset", "acks=0", "", "the acknowledgement"},
	{Duplicate, GroupContent, "One send makes one record.",
		"KIP-98 Exactly Once Delivery: idempotent producer", allowDuplicates, "duplicate", "two operations that show the value at different offsets"},
	{AbortedRead, GroupContent, "A send that was refused leaves no record.",
		"Adya, Weak Consistency (1999): G1a", "isolation=read_uncommitted, for transactions", "G1a", "the failed send and a poll that returned its value"},
	{PrecommittedRead, GroupTxn, "A reader of committed records gets the records of a transaction only after its commit.",
		"KIP-98: isolation.level=read_committed ends at the last stable offset; Adya, Weak Consistency (1999)", "isolation=read_uncommitted", "precommitted-read", "the transaction that polled a record of its own, before it asked for the commit"},
	{FutureRead, GroupRealTime, "A record is read only after its send began.",
		"Herlihy and Wing, Linearizability (1990); causality", "", "G1c-realtime", "the poll and the later invocation of the send"},
	{IntNonmonotonicSend, GroupOrder, "The records of one request are appended in the order they stand in it.",
		"Kafka documentation, 4.6: messages are appended in the order they are sent", "", "int-nonmonotonic-send", "the send and the two offsets"},
	{NonmonotonicSend, GroupOrder, "The records of one producer are appended in the order it sent them.",
		"Kafka documentation, 1.3 Guarantees", "", "nonmonotonic-send", "the two sends of one process"},
	{IntNonmonotonicPoll, GroupOrder, "One poll returns the records of a log in the order of their offsets.",
		"Kafka documentation, 1.3 Guarantees", "", "int-nonmonotonic-poll", "the poll and the two offsets"},
	{NonmonotonicPoll, GroupOrder, "A consumer that does not seek never goes back.",
		"Kafka documentation, 1.3 Guarantees", "consumers=subscribe", "nonmonotonic-poll", "the two polls of one process"},
	{IntPollSkip, GroupOrder, "One poll returns every record between its first and its last.",
		"Kafka documentation, 1.3 Guarantees", "", "int-poll-skip", "the poll, and a record that it passed over"},
	{PollSkip, GroupOrder, "A consumer that does not seek gets every record.",
		"Kafka documentation, 1.3 Guarantees", "consumers=subscribe", "poll-skip", "the two polls of one process, and a record that they passed over"},
	{IntSendSkip, GroupOrder, "Nothing: the records of one operation have others between them.",
		"jepsen.tests.kafka, which always allows it", informational, "int-send-skip", "the send and the two offsets"},
	{LeaderEpochRegression, GroupOrder, "The leader epochs of a log's records rise with the offsets.",
		"KIP-101 Alter Replication Protocol to use Leader Epoch; KIP-279", allowLoss, "", "two polls and the epochs of the records that they returned"},
	{LogStartRegression, GroupOrder, "The start of a log only moves up.",
		"KIP-107 deleteRecordsBefore: log start offset", allowUndeleted, "", "the two start-offsets or delete-records operations"},
	{DeletedRecordRead, GroupContent, "A record that was deleted is not shown again.",
		"KIP-107 deleteRecordsBefore: records below the low watermark are not available to consumers", allowUndeleted, "", "the answer that told where the log begins, and the poll that returned a record below"},
	{OffsetRegression, GroupRealTime, "A send that begins after another was acknowledged gets a higher offset.",
		"Herlihy and Wing, Linearizability (1990); Kafka documentation, 4.7 Replication", allowLoss, "G0-realtime", "the two sends"},
	{EndOffsetRegression, GroupRealTime, "The end of a log only moves up.",
		"KIP-207 Offsets returned by ListOffsets should be monotonically increasing", allowLoss + "; " + byDeposed + ", which bears an old leader's answer", "", "the two end-offsets operations"},
	{NonlinearizableLog, GroupRealTime, "All operations on a log fit one order that respects real time as far as the model demands.",
		"Herlihy and Wing, Linearizability (1990)", byDeposed + " for a listed end, which bears an old leader's answer", "", "the two operations that contradict each other, and porcupine's page"},
	{StaleRead, GroupRealTime, "A read is not older than the contract's staleness_ms.",
		"contract of the run", "staleness_ms=0", "", "the read and the append that it should have seen"},
	{FencedProducerCommitted, GroupTxn, "A producer whose transactional id was taken over commits no more transactions.",
		"KIP-98, producer epochs; KIP-360; KAFKA-9600", "", "", "who took the transactional id over, and the transaction that the producer before committed later"},
	{EOSDuplicateEffect, GroupTxn, "A consumer group that commits its positions in its transactions takes each record into one committed transaction.",
		"KIP-98, KIP-447 Producer scalability for exactly once semantics", "", "", "the two committed transactions that polled the record"},
	{G1c, GroupTxn, "Transactions that read each other's records have an order that agrees with real time.",
		"Adya, Weak Consistency (1999): G1c, of read dependencies and real time; with write dependencies Kafka does not promise it", informational + ", for cycles that need the order of writes", "G1c", "the shortest cycle, step by step"},
	{FracturedRead, GroupTxn, "A committed transaction becomes visible in all its logs at once.",
		"Bailis et al., Scalable Atomic Visibility with RAMP Transactions (2014); KIP-98 writes the markers log by log", "reads=kafka", "", "the transaction, a poll that returned a record of it, and a later last stable offset right before another"},
	{LSORegression, GroupTxn, "The last stable offset of a log only moves up.",
		"KIP-98: what is decided stays decided; KIP-207", allowLoss + "; " + byDeposed + ", which bears an old leader's answer until the final reads", "", "who was told the higher one, or got a record above, and the later, lower answer"},
	{StuckLSO, GroupTxn, "When no transaction is open, the last stable offset is the end of the log.",
		"KIP-98; KIP-890 Transactions Server-Side Defense: hanging transactions", "", "", "the end of the log, and the last stable offset 2 s after every transactional id was fenced"},
	{G0, GroupTxn, "Nothing: records of transactions that were open side by side are interleaved.",
		"Adya, Weak Consistency (1999): G0; Kafka appends records when they are sent, jepsen.tests.kafka always allows it", informational, "G0", "the shortest cycle, step by step"},
	{NoRecovery, GroupLiveness, "When the faults are gone, every partition gets its leader and all its in-sync replicas back.",
		"Kafka documentation, 4.7 Replication: a replica that caught up rejoins the ISR", "", "", "the heal and the entry that says what is not whole"},
	{NoProgress, GroupLiveness, "While nothing is broken, what is sent to a log is acknowledged within the contract's progress_ms.",
		"Kafka documentation, 4.7 Replication: a partition is available while enough replicas are in sync; contract of the run", "progress_ms=0", "", "the last acknowledgement, and the first and the last send without one"},
	{StuckConsumer, GroupLiveness, "While nothing is broken, a consumer gets the records that it stands before within the contract's progress_ms.",
		"Kafka documentation, 4.5 The Consumer; contract of the run", "progress_ms=0", "", "the last poll that returned a record, and the first and the last one that returned none"},
	{CommittedOffsetRegression, GroupConsumer, "What a group was told that it has committed does not go back to an older commit.",
		"Kafka documentation, 4.5 The Consumer: consumer position; Herlihy and Wing, Linearizability (1990)", allowCommitLoss, "",
		"the newer commit, or the answer that told it, and the later answer that tells an older one"},
	{CommittedOffsetLost, GroupConsumer, "A commit that was acknowledged is what the group has committed, until the next one.",
		"Kafka documentation, OffsetCommit; offsets.commit.required.acks=-1: an acknowledged commit is replicated", allowCommitLoss, "",
		"the commit, of which nobody was ever told, and the later answer that tells what was committed before it, or nothing"},
	{CommittedOffsetNonlinearizable, GroupConsumer, "What a group has committed of a log is a register: it holds the last commit, whole, and nothing that nobody committed.",
		"Herlihy and Wing, Linearizability (1990); Gibbons and Korach, Testing Shared Memories (1997)", allowCommitLoss, "",
		"the answer, and the commit that contradicts it"},
	{CommitBeyondConsumed, GroupConsumer, "A group commits no offset behind the last record that its members were given.",
		"Kafka documentation, 4.5 The Consumer: consumer position", "", "", "the commit, or the answer that tells it"},
	{SkippedByGroup, GroupConsumer, "A group gets every record that it commits over.",
		"Kafka documentation, 4.6 Message Delivery Semantics: at least once; KIP-320", allowCommitLoss, "", "the commit, and a poll by which others got the record"},
	{TwoOwners, GroupConsumer, "In a generation of a group a log has one owner.",
		"Kafka documentation, 4.5 The Consumer: each partition is consumed by exactly one consumer of a group at any given time; KIP-429, KIP-848", "", "",
		"the two completions that tell of it"},

	{FaultDidNotBite, GroupHarness, "A kind of fault was injected and is never proven to have acted.", "", "", "", "the fault's probes"},
	{HealDidNotHold, GroupHarness, "A fault is not proven to be gone.", "", "", "", "the fault's probes"},
	{TooLittleWork, GroupHarness, "Too little happened to call the broker valid.", "", "", "", "the counts"},
	{CheckerTimeout, GroupHarness, "A check did not finish within its limit.", "", "", "", "the windows that were not decided"},
	{CheckerDisagreement, GroupHarness, "Two algorithms that must agree do not.", "", "", "", "the window, saved"},
	{MalformedHistory, GroupHarness, "The history contradicts itself as a record of what was asked.", "", "", "", "the entries"},
	{IncompleteRun, GroupHarness, "The history ends before the run did, or its final reads did not reach the end.", "", "", "", "how far it got"},
}

// rank is a kind's place in the catalogue; the headline of a record is the
// finding with the lowest rank.
var rank = func() map[Kind]int {
	m := make(map[Kind]int, len(Kinds))
	for i, k := range Kinds {
		m[k.Name] = i
	}
	return m
}()
