package generator

import "github.com/ackproof/ackproof/histories"

var adminWorkload = Workload{
	Name: "admin",
	Doc: "Administration beside single attempts: one topic whose first records are deleted (DeleteRecords) and that gets more partitions, " +
		"one whose records retention lets go, one that is compacted, with record keys and tombstones, and one that is deleted and created again " +
		"for as long as the run lasts; beside them one reader for each log that reads every offset.",
	Client:     "raw",
	MinClients: 4,
	Workers:    adminWorkers,
	New:        newAdmin,
	Final:      newFinal,
	Topics:     adminTopics,
	Contract: func(c *histories.Contract) bool {
		idempotent := false
		c.Idempotence, c.Attempts, c.Consumers = &idempotent, "single", "assign"
		return true
	},
}

// Topic is a topic that a workload asks of the run.
type Topic struct {
	Name       string
	Partitions int               // logs when the history begins; of a topic with lives, in each of them
	Added      int               // partitions that the workload adds
	Lives      int               // how often the workload creates it at most; 0: the run creates it
	Config     map[string]string // beside what the target creates topics with
	Log        histories.Log     // Cleanup, Retention and Tombstones, as Config has them
}

// adminTopics lays the topics out: half of the partitions asked for make up the
// first one, the others have one each.
func adminTopics(partitions int) []Topic {
	n := max(1, partitions/2)
	return []Topic{
		{Name: "trim", Partitions: n, Added: n, Log: histories.Log{Cleanup: "delete", Retention: "none"}},
		{Name: "retain", Partitions: 1,
			Config: map[string]string{"retention.ms": "3000", "segment.ms": "1000"},
			Log:    histories.Log{Cleanup: "delete", Retention: "3s"}},
		{Name: "compact", Partitions: 1,
			Config: map[string]string{
				"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "2000",
			},
			Log: histories.Log{Cleanup: "compact", Retention: "none", Tombstones: "2s"}},
		{Name: "lives", Partitions: 1, Lives: 64, Log: histories.Log{Cleanup: "delete", Retention: "none"}},
	}
}

// trimmed tells whether the log's first records may be deleted.
func trimmed(l histories.Log) bool {
	return l.Cleanup == "delete" && l.Retention == "none" && l.Life == 0
}

// tailed lists the logs that have a reader of their own: one for all the lives
// of a partition, by its first life.
func tailed(logs []histories.Log) []histories.Log {
	var out []histories.Log
	for _, l := range logs {
		if l.Life <= 1 {
			out = append(out, l)
		}
	}
	return out
}

// adminWorkers counts the clients and the tailing readers.
func adminWorkers(cfg Config) int { return cfg.Concurrency + len(tailed(cfg.Logs)) }

// newAdmin shares out the roles. The first worker creates, deletes and extends
// topics, the second one deletes records, the last ones visit the topic that
// lives and dies, and all others do what workload log does with the rest. Where
// there is nothing to administer, all of them do that.
func newAdmin(cfg Config) Generator {
	a := newAdministration(cfg)
	c := make(crowd, 0, adminWorkers(cfg))
	first := 0 // the first worker without a role
	if len(a.lives) > 0 || len(a.added) > 0 {
		c = append(c, &janitor{a: a})
		first++
	}
	if len(a.trims) > 0 {
		c = append(c, &trimmer{a: a})
		first++
	}
	for w := first; w < cfg.Concurrency; w++ {
		if len(a.lives) > 0 && w >= cfg.Concurrency-visitors(cfg) {
			c = append(c, newVisitor(a, w))
		} else {
			rest := cfg
			rest.Logs = a.rest
			c = append(c, &spied{newClient(rest, w, logMix), a})
		}
	}
	for _, l := range tailed(cfg.Logs) {
		if l.Life > 0 {
			c = append(c, &lifeTail{a: a, partition: l.Partition})
		} else {
			c = append(c, &spied{&tail{reader{key: l.Key}}, a})
		}
	}
	return c
}

// visitors is how many workers use the topic that lives and dies.
func visitors(cfg Config) int {
	if cfg.Concurrency >= 8 {
		return 2
	}
	return 1
}

// administration is what the roles know of each other.
type administration struct {
	cfg     Config
	rest    []histories.Log   // logs with one life
	added   []histories.Log   // of them those to be added
	trims   []histories.Log   // of them those whose first records may be deleted
	lives   [][]histories.Log // by life, from 0
	visits  []*visitor
	born    int             // lives created so far
	buried  int             // lives deleted so far
	lengths map[int64]int64 // of logs, as far as was seen
}

func newAdministration(cfg Config) *administration {
	a := &administration{cfg: cfg, lengths: map[int64]int64{}}
	for _, l := range cfg.Logs {
		if l.Life == 0 {
			a.rest = append(a.rest, l)
			if l.Added {
				a.added = append(a.added, l)
			}
			if trimmed(l) {
				a.trims = append(a.trims, l)
			}
			continue
		}
		for int64(len(a.lives)) < l.Life {
			a.lives = append(a.lives, nil)
		}
		a.lives[l.Life-1] = append(a.lives[l.Life-1], l)
	}
	return a
}

// saw notes how long the logs are.
func (a *administration) saw(op *histories.Op) {
	if op.Type != histories.OK {
		return
	}
	for m := range op.Sends() {
		a.lengths[m.Key] = max(a.lengths[m.Key], m.Offset+1)
	}
	for key, rec := range op.Polled() {
		a.lengths[key] = max(a.lengths[key], rec.Offset+1)
	}
}

// visited tells whether every visitor has finished with a life, from 0.
func (a *administration) visited(life int) bool {
	for _, v := range a.visits {
		if v.done/visitOps <= life {
			return false
		}
	}
	return true
}

// spied is a worker whose completions tell how long the logs are.
type spied struct {
	worker
	a *administration
}

func (s *spied) saw(op *histories.Op) {
	s.a.saw(op)
	s.worker.saw(op)
}
