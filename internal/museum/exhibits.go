package museum

import (
	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/run"
)

// replicas is why an exhibit is not built.
const replicas = "needs replicas that disagree; the embedded brokers have none"

// mutant shows a broken broker in the workload log, under faults.
func mutant(name string, faults ...string) Show { return Show{Mutant: name, Faults: faults} }

// in shows it in another workload.
func (s Show) in(workload string) Show {
	s.Workload = workload
	return s
}

// with sets what else its runs need.
func (s Show) with(tune func(*run.Spec)) Show {
	s.Tune = tune
	return s
}

// lossy are the kinds of a loss, whichever its evidence makes the headline: where
// the lost record's offset is used again, that it names two records.
var lossy = []checker.Kind{checker.InconsistentOffset, checker.TruncatedAck, checker.LostWrite, checker.Unseen}

// Exhibits is the catalogue; the n-th has the number n.
var Exhibits = []Exhibit{
	{Number: 1, Bug: "Redpanda: idempotence is broken after an out-of-order error", Source: "redpanda-data/redpanda#3039", Shows: []Show{
		mutant("refuse-retry", "reset"),
	}},
	{Number: 2, Bug: "Redpanda 21.10.1: two leaders give one offset to two records", Source: "redpanda-data/redpanda#3003", Needs: replicas},
	{Number: 3, Bug: "Redpanda: transactions become visible too early", Source: "redpanda-data/redpanda#3036", Shows: []Show{
		mutant("read-past-lso"),
	}},
	{Number: 4, Bug: "Redpanda: the last visible index is taken for the last stable offset", Source: "redpanda-data/redpanda#10671, #11309", Shows: []Show{
		mutant("lso-is-end"),
	}},
	{Number: 5, Bug: "Redpanda 21.11.2: records are lost or stale under kills and membership changes", Source: "Redpanda's Jepsen report, 2022", Needs: replicas},
	{Number: 6, Bug: "Redpanda: split brain of the transaction coordinator", Source: "redpanda-data/redpanda#6018, #6019", Shows: []Show{
		mutant("tear-transaction"),
	}},
	{Number: 7, Bug: "Redpanda: consume-transform-produce is not atomic", Source: "redpanda-data/redpanda#10669", Shows: []Show{
		mutant("lose-positions"),
	}},
	{Number: 8, Bug: "Redpanda and the Java client: a batch is appended, refused and sent again", Source: "redpanda-data/redpanda#5355, KAFKA-14034", Shows: []Show{
		mutant("resend-after-error"),
	}},
	{Number: 9, Bug: "Redpanda: offsets are translated wrongly after a lagging node rejoins", Source: "redpanda-data/redpanda#2284", Needs: replicas},
	{Number: 10, Bug: "Redpanda: the last stable offset moves back; consumers read the same records for ever", Source: "redpanda-data/redpanda#17039, #17966", Shows: []Show{
		mutant("lso-back"),
		mutant("stuck-fetch"),
	}},
	{Number: 11, Bug: "Redpanda: the leader epoch of committed offsets is lost", Source: "redpanda-data/redpanda#17260", Shows: []Show{
		mutant("rewind-commit"),
	}},
	{Number: 12, Bug: "Redpanda: a committed offset is another one after a leader change", Source: "redpanda-data/redpanda#31483", Shows: []Show{
		mutant("replay-order"),
	}},
	{Number: 13, Bug: "Redpanda: a consumer's position becomes −1 on a stale leader", Source: "redpanda-data/redpanda#6301", Shows: []Show{
		mutant("reset-to-end"),
	}},
	{Number: 14, Bug: "Bufstream 0.1.0: acknowledged records are lost in a healthy cluster", Source: "Jepsen, Bufstream 0.1.0 (2024)", Shows: []Show{
		mutant("ack-and-drop"),
		mutant("ack-zero"),
	}},
	{Number: 15, Bug: "Kafka: a delayed EndTxn ends a later transaction", Source: "KAFKA-17754, KIP-890", Shows: []Show{
		mutant("late-end-txn"),
	}},
	{Number: 16, Bug: "Kafka: a late produce joins the next transaction, or the log hangs", Source: "KIP-890", Shows: []Show{
		mutant("hang-lso"),
	}},
	{Number: 17, Bug: "Kafka: EndTxn is taken from a wrong epoch", Source: "KAFKA-9600", Shows: []Show{
		mutant("accept-zombie"),
	}},
	{Number: 18, Bug: "Kafka: followers truncate to a stale high watermark", Source: "KIP-101", Needs: replicas},
	{Number: 19, Bug: "Kafka: logs diverge after fast failovers", Source: "KIP-279", Needs: replicas},
	{Number: 20, Bug: "Kafka: consumers do not notice that a log was truncated", Source: "KIP-320", Needs: replicas},
	{Number: 21, Bug: "Kafka: the last replica standing loses what was not synced", Source: "KIP-966", Needs: replicas},
	{Number: 22, Bug: "Kafka: acks=1, or an unclean election, loses records; the contract allows it", Source: "Kafka documentation, unclean.leader.election.enable", Shows: []Show{
		{Real: &Real{
			Scenario: "unclean-election", Kinds: lossy, Allowed: true,
			Twin: func(s *run.Spec) { s.TopicConfig, s.Replication = nil, 3 },
		}},
	}},
	{Number: 23, Bug: "Kafka: a follower shows records that are not committed", Source: "KAFKA-14704", Needs: replicas},
	{Number: 24, Bug: "Kafka's Java client: records are written to the wrong log", Source: "KAFKA-19012", Shows: []Show{
		mutant("misroute", "reset"),
	}},
	{Number: 25, Bug: "librdkafka: a gap under idempotence", Source: "confluentinc/librdkafka#4134", Shows: []Show{
		mutant("ack-and-drop", "stall").in("queue"),
	}},
	{Number: 26, Bug: "librdkafka: a duplicate when a leader moves", Source: "confluentinc/librdkafka#4953", Shows: []Show{
		mutant("resend-after-move"),
	}},
	{Number: 27, Bug: "librdkafka: aborted records are read when they are compressed", Source: "confluentinc/librdkafka#3020", Shows: []Show{
		mutant("forget-aborts-compressed").with(func(s *run.Spec) { s.Compression = "zstd" }),
	}},
	{Number: 28, Bug: "KoP: aborted records are seen shortly after the abort", Source: "streamnative/kop#1283", Shows: []Show{
		mutant("forget-aborts-at-first"),
	}},
	{Number: 29, Bug: "Chronik 2.10.0: the transaction index is kept by the coordinator, not by the leader", Source: "Chronik 2.10.0", Shows: []Show{
		mutant("forget-aborts-elsewhere"),
	}},
	{Number: 30, Bug: "Chronik 2.10.0: the transaction index is not rebuilt after a crash", Source: "Chronik 2.10.0", Shows: []Show{
		mutant("lose-aborts"),
		mutant("read-own"),
	}},
	{Number: 31, Bug: "Chronik 2.9: sequence numbers are never recorded", Source: "Chronik 2.9", Shows: []Show{
		mutant("no-sequences"),
	}},
	{Number: 32, Bug: "Chronik: the start of a log is reset to 0 with each high watermark", Source: "Chronik", Shows: []Show{
		mutant("zero-start"),
	}},
	{Number: 33, Bug: "Chronik 1.3.22: records of segments with several batches are missing", Source: "Chronik 1.3.22", Shows: []Show{
		mutant("lose-middle"),
	}},
	{Number: 34, Bug: "Chronik 2.10.0: partitions without leaders, hidden by acks=0", Source: "Chronik 2.10.0", Shows: []Show{
		mutant("leaderless"),
	}},
	{Number: 35, Bug: "NATS 2.12.1: the unsynced tail of a log is lost, and flipped bits go unnoticed", Source: "Jepsen, NATS 2.12.1 (2025); nats-io/nats-server#7549, #7564, #7567", Shows: []Show{
		mutant("drop-tail", "reset"),
		mutant("corrupt"),
	}},
}
