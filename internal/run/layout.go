package run

import (
	"fmt"
	"maps"

	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/target"
)

// layOut says which topics the run creates, and which logs it may come to have:
// those of topics and partitions that the workload creates while it lasts too.
func (r *runner) layOut() (topics []target.Topic, logs []histories.Log) {
	var want []generator.Topic
	if r.work.Topics != nil {
		want = r.work.Topics(r.spec.Partitions)
	} else {
		for t := range r.spec.Topics {
			want = append(want, generator.Topic{Name: fmt.Sprintf("t%d", t), Partitions: r.spec.Partitions})
		}
	}
	for _, w := range want {
		name := fmt.Sprintf("ackproof-%016x-%s", r.runID, w.Name)
		add := func(partition int, life int64, added bool) {
			l := w.Log
			l.Key, l.Topic, l.Partition, l.Life, l.Added = int64(len(logs)), name, int32(partition), life, added
			logs = append(logs, l)
		}
		if w.Lives > 0 {
			r.mortal = append(r.mortal, name)
			for life := range w.Lives {
				for p := range w.Partitions {
					add(p, int64(life+1), true)
				}
			}
			continue
		}
		config := w.Config
		if len(r.spec.TopicConfig) > 0 {
			config = maps.Clone(r.spec.TopicConfig)
			maps.Copy(config, w.Config)
		}
		topics = append(topics, target.Topic{Name: name, Partitions: int32(w.Partitions), RF: r.spec.Replication, Config: config})
		r.topics = append(r.topics, name)
		for p := range w.Partitions + w.Added {
			add(p, 0, p >= w.Partitions)
		}
	}
	return topics, logs
}
