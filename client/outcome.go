package client

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ackproof/ackproof/histories"
)

// Outcome is a row of the one table from what happened to ok, fail or info.
type Outcome struct {
	// Name is the error's name in Kafka's protocol, or the name of what
	// happened between the client and the broker.
	Name string
	// Code is the protocol's error code; CodeNone for rows without one.
	Code int16
	Type histories.Type // OK, Fail or Info
	// Definite says that it is known whether the operation took effect.
	Definite bool
	// Refresh says that the leader has to be looked up again.
	Refresh bool
	Doc     string
}

// CodeNone is the Code of outcomes that no broker answered.
const CodeNone = -32768

// The outcomes without an error code, and the one of every code not listed.
const (
	unsent     = "unsent"
	unanswered = "unanswered"
	malformed  = "malformed answer"
	unacked    = "acks=0"
	producer   = "high-level producer"
	read       = "failed read"
	aborted    = "transaction aborted"
	undecided  = "commit not acknowledged"
	unfenced   = "fence not acknowledged"
	unlisted   = "any other code"
)

// Outcomes is the table for a single attempt to send, followed by the rows
// that are decided by the client alone. What is not listed is info: a write
// that nobody can deny stays open to the end of the history.
var Outcomes = []Outcome{
	{"NONE", 0, histories.OK, true, false,
		"Appended. The offset of each record is the batch's base offset and its place in the batch; a negative base offset is kept as an acknowledgement without an offset."},

	{"CORRUPT_MESSAGE", kerr.CorruptMessage.Code, histories.Fail, true, false,
		"The broker refused the batch before the append: its checksum or its shape was wrong on arrival."},
	{"MESSAGE_TOO_LARGE", kerr.MessageTooLarge.Code, histories.Fail, true, false,
		"Refused before the append: larger than max.message.bytes."},
	{"RECORD_LIST_TOO_LARGE", kerr.RecordListTooLarge.Code, histories.Fail, true, false,
		"Refused before the append: larger than a segment."},
	{"INVALID_TOPIC_EXCEPTION", kerr.InvalidTopicException.Code, histories.Fail, true, false,
		"Refused before the append: the topic cannot be written to."},
	{"INVALID_REQUIRED_ACKS", kerr.InvalidRequiredAcks.Code, histories.Fail, true, false,
		"Refused before the append: acks is not all, 1 or 0."},
	{"INVALID_TIMESTAMP", kerr.InvalidTimestamp.Code, histories.Fail, true, false,
		"Refused before the append: the timestamp is outside what the topic allows."},
	{"INVALID_REQUEST", kerr.InvalidRequest.Code, histories.Fail, true, false,
		"Refused before the append: the request breaks the protocol."},
	{"INVALID_RECORD", kerr.InvalidRecord.Code, histories.Fail, true, false,
		"Refused before the append: a record failed the broker's validation."},
	{"UNSUPPORTED_VERSION", kerr.UnsupportedVersion.Code, histories.Fail, true, false,
		"Refused before the append: the broker does not speak this version of the request."},
	{"UNSUPPORTED_FOR_MESSAGE_FORMAT", kerr.UnsupportedForMessageFormat.Code, histories.Fail, true, false,
		"Refused before the append: the topic keeps an older message format."},
	{"UNSUPPORTED_COMPRESSION_TYPE", kerr.UnsupportedCompressionType.Code, histories.Fail, true, false,
		"Refused before the append: the broker does not know the compression."},
	{"POLICY_VIOLATION", kerr.PolicyViolation.Code, histories.Fail, true, false,
		"Refused before the append by the broker's policy."},
	{"TOPIC_AUTHORIZATION_FAILED", kerr.TopicAuthorizationFailed.Code, histories.Fail, true, false,
		"Refused before the append: no right to write to the topic."},
	{"CLUSTER_AUTHORIZATION_FAILED", kerr.ClusterAuthorizationFailed.Code, histories.Fail, true, false,
		"Refused before the append: no right on the cluster."},
	{"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", kerr.TransactionalIDAuthorizationFailed.Code, histories.Fail, true, false,
		"Refused before the append: no right on the transactional id."},
	{"NOT_ENOUGH_REPLICAS", kerr.NotEnoughReplicas.Code, histories.Fail, true, false,
		"Refused before the append: fewer in-sync replicas than min.insync.replicas."},
	{"OUT_OF_ORDER_SEQUENCE_NUMBER", kerr.OutOfOrderSequenceNumber.Code, histories.Fail, true, false,
		"Refused before the append: the producer's sequence has a gap."},
	{"INVALID_PRODUCER_EPOCH", kerr.InvalidProducerEpoch.Code, histories.Fail, true, false,
		"Refused before the append: the producer is fenced."},
	{"PRODUCER_FENCED", kerr.ProducerFenced.Code, histories.Fail, true, false,
		"Refused before the append: the producer is fenced."},
	{"INVALID_PRODUCER_ID_MAPPING", kerr.InvalidProducerIDMapping.Code, histories.Fail, true, false,
		"Refused before the append: the producer id is not that of the transactional id."},
	{"INVALID_TXN_STATE", kerr.InvalidTxnState.Code, histories.Fail, true, false,
		"Refused before the append: no transaction is open."},

	{"NOT_LEADER_OR_FOLLOWER", kerr.NotLeaderForPartition.Code, histories.Info, false, true,
		"Kafka can answer it after a local append, when leadership moves while the request waits for replicas."},
	{"UNKNOWN_TOPIC_OR_PARTITION", kerr.UnknownTopicOrPartition.Code, histories.Info, false, true,
		"The topic existed when the operation was called; a broker can answer it after a local append, when the partition is taken from it."},
	{"UNKNOWN_TOPIC_ID", kerr.UnknownTopicID.Code, histories.Info, false, true,
		"As UNKNOWN_TOPIC_OR_PARTITION, since topics are addressed by id (Produce 13, KIP-516)."},
	{"INCONSISTENT_TOPIC_ID", kerr.InconsistentTopicID.Code, histories.Info, false, true,
		"As UNKNOWN_TOPIC_ID."},
	{"REQUEST_TIMED_OUT", kerr.RequestTimedOut.Code, histories.Info, false, false,
		"Appended by the leader; the replicas did not confirm in time."},
	{"NOT_ENOUGH_REPLICAS_AFTER_APPEND", kerr.NotEnoughReplicasAfterAppend.Code, histories.Info, false, false,
		"Appended by the leader; the in-sync replicas became too few."},
	{"KAFKA_STORAGE_ERROR", kerr.KafkaStorageError.Code, histories.Info, false, true,
		"The disk failed at an unknown point of the append."},
	{"UNKNOWN_SERVER_ERROR", kerr.UnknownServerError.Code, histories.Info, false, false,
		"The broker failed at an unknown point."},
	{unlisted, CodeNone, histories.Info, false, true,
		"A code that this table does not list says nothing about the append."},

	{unsent, CodeNone, histories.Fail, true, true,
		"No byte of the request was written: no leader known, the dial refused or timed out, the deadline passed before its turn. " +
			"The connection's own gate proves it and refuses a late write."},
	{unanswered, CodeNone, histories.Info, false, true,
		"The request was written, whole or in part, and no answer came: deadline, reset, end of stream, client closed."},
	{malformed, CodeNone, histories.Info, false, true,
		"An answer came that does not tell of this log."},
	{unacked, CodeNone, histories.Info, false, false,
		"With acks=0 the broker does not answer; the record may be appended at any later time or never."},
	{producer, CodeNone, histories.Info, false, false,
		"Any error of the high-level producer: it says the same of a refused dial and of a lost acknowledgement (ErrRecordRetries does not wrap its cause)."},
	{read, CodeNone, histories.Fail, true, true,
		"A read has no effect: whatever stops it, it did not happen."},
	{aborted, CodeNone, histories.Fail, true, false,
		"No commit was asked for: the transaction was aborted on purpose, or given up after an error. Where the abort was not acknowledged the producer is never used again, and its successor under the transactional id aborts what it left."},
	{undecided, CodeNone, histories.Info, false, false,
		"The commit had an error or no answer. franz-go repeats it, so even a refusal may follow a commit that was done; and an abort after it that answers nil proves nothing."},
	{unfenced, CodeNone, histories.Info, false, false,
		"InitProducerID had no answer: whoever used the transactional id before may be fenced, now or later."},
}

// byCode and byName index the table.
var byCode, byName = indexOutcomes(Outcomes)

func indexOutcomes(rows []Outcome) (map[int16]*Outcome, map[string]*Outcome) {
	codes, names := make(map[int16]*Outcome), make(map[string]*Outcome)
	for i := range rows {
		names[rows[i].Name] = &rows[i]
		if rows[i].Code != CodeNone {
			codes[rows[i].Code] = &rows[i]
		}
	}
	return codes, names
}

// OutcomeOf returns the row of a produce answer's error code.
func OutcomeOf(code int16) *Outcome {
	if o := byCode[code]; o != nil {
		return o
	}
	return byName[unlisted]
}

// complete ends an operation by the row of that name.
func complete(op *histories.Op, name string, format string, args ...any) {
	op.Type = byName[name].Type
	op.Error = name + ": " + fmt.Sprintf(format, args...)
}

// codeText is an error code as people know it.
func codeText(code int16) string {
	if err := kerr.TypedErrorForCode(code); err != nil && err.Code == code {
		return fmt.Sprintf("%s (%d)", err.Message, code)
	}
	return fmt.Sprintf("error code %d", code)
}
