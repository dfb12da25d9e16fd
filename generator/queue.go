package generator

import "github.com/ackproof/ackproof/histories"

var queueWorkload = Workload{
	Name: "queue",
	Doc: "The high-level producer and consumer as a user runs them: sends of one record and of many, " +
		"which the client batches and retries, polls of what it prefetched, seeks, crashes; " +
		"beside them one consumer for each log that reads every offset.",
	Client:  "kgo",
	Workers: workers,
	New:     func(cfg Config) Generator { return newCrowd(cfg, queueMix) },
	Final:   newFinal,
	Contract: func(c *histories.Contract) bool {
		c.Attempts, c.Consumers = "retried", "assign"
		return true
	},
}

// queueMix leaves the start of the logs to the final reads: users do not ask.
var queueMix = mix{
	{400, drawSend},
	{180, drawBatch},
	{379, drawPoll},
	{20, drawEndOffsets},
	{20, drawAssign},
	{1, drawCrash},
}
