package histories

import (
	"strconv"
	"strings"
)

// ClusterState is what the brokers say of themselves at a moment, by the admin
// protocol. What could not be asked is missing, never guessed.
type ClusterState struct {
	// Controller is the node that leads the controllers' quorum; empty where
	// nobody says.
	Controller string `json:"controller,omitempty"`
	// Alive are the nodes that the controller takes for alive.
	Alive []string `json:"alive,omitempty"`
	// Partitions are those of the run's own topics, in the order of its logs.
	Partitions []PartitionState `json:"partitions,omitempty"`
	// Lag is how far each consumer group is behind the end, in records.
	Lag []GroupLag `json:"lag,omitempty"`
	// Error says what could not be asked, and why.
	Error string `json:"error,omitempty"`
}

// PartitionState is one partition: who leads it, since which epoch, and who is
// in sync.
type PartitionState struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Leader    string   `json:"leader,omitempty"` // node name; empty: it has none
	Epoch     int32    `json:"epoch"`            // leader epoch, KIP-101; -1 where unknown
	ISR       []string `json:"isr,omitempty"`
	Replicas  []string `json:"replicas,omitempty"`
	End       int64    `json:"end"` // its end offset, -1 where it could not be had
}

// GroupLag is a consumer group's distance from the end of all its partitions.
type GroupLag struct {
	Group   string `json:"group"`
	Records int64  `json:"records"`
}

// Metrics of a node's process that have the same name on every target: what
// expectations of leaks look at.
const (
	MetricSockets = "open_sockets" // sockets of the process
	MetricThreads = "threads"      // threads of the process
	MetricMemory  = "rss_bytes"    // resident set
)

// NodeSample is what was measured of one node. A metric that the node does not
// have is missing: it is never 0.
type NodeSample struct {
	Node   string             `json:"node"`
	Values map[string]float64 `json:"values,omitempty"` // by the names of the cluster file's mapping; units in the names
	Error  string             `json:"error,omitempty"`  // why nothing, or not everything, was had
}

// Whole says whether every partition has a leader and all its replicas in sync;
// where not, why is the first that has not.
func (s *ClusterState) Whole() (ok bool, why string) {
	if s.Error != "" {
		return false, s.Error
	}
	for _, p := range s.Partitions {
		switch {
		case p.Leader == "":
			return false, p.name() + " has no leader"
		case len(p.ISR) < len(p.Replicas):
			return false, p.name() + " has in-sync replicas " + list(p.ISR) + " of " + list(p.Replicas)
		}
	}
	return true, ""
}

// Of finds a partition's state.
func (s *ClusterState) Of(topic string, partition int32) (PartitionState, bool) {
	for _, p := range s.Partitions {
		if p.Topic == topic && p.Partition == partition {
			return p, true
		}
	}
	return PartitionState{}, false
}

func (p *PartitionState) name() string { return p.Topic + "/" + strconv.Itoa(int(p.Partition)) }

func list(names []string) string { return "[" + strings.Join(names, " ") + "]" }
