package generator

import "github.com/ackproof/ackproof/histories"

var logWorkload = Workload{
	Name: "log",
	Doc: "Single attempts on every log: sends of one record and of batches, polls by assignment, " +
		"reads of end and start offsets, seeks to earlier offsets, client crashes; " +
		"beside them one reader for each log that reads every offset.",
	Client:  "raw",
	Workers: workers,
	New:     func(cfg Config) Generator { return newCrowd(cfg, logMix) },
	Final:   newFinal,
	Contract: func(c *histories.Contract) bool {
		// A single attempt carries no producer id: there is nothing to deduplicate.
		idempotent := false
		c.Idempotence, c.Attempts, c.Consumers = &idempotent, "single", "assign"
		return true
	},
}

// logMix is mostly sends and the reads that tell their order; end offsets are
// often enough to be a barrier every few milliseconds.
var logMix = mix{
	{465, drawSend},
	{105, drawBatch},
	{358, drawPoll},
	{41, drawEndOffsets},
	{10, drawStartOffsets},
	{20, drawAssign},
	{1, drawCrash},
}
