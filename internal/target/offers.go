package target

import (
	"fmt"
	"strings"

	"github.com/ackproof/ackproof/internal/target/clusterfile"
)

// Offer is what a target has for faults to act upon besides the clients' links.
type Offer struct {
	Peers     bool // its nodes' traffic to each other goes through links
	Processes bool // the nodes' processes are ours
	Admin     bool // the cluster can be asked for its leaders, and told to move them
}

// DefaultNodesOf is how many nodes the target that spec names is started with
// where nobody says; 0: that is not for us to say.
func DefaultNodesOf(spec string) int {
	switch name, arg, _ := strings.Cut(spec, ":"); name {
	case "embedded", "kafka":
		return DefaultNodes
	case "process":
		if f, err := loadProcess(arg); err == nil {
			return f.Nodes
		}
	}
	return 0
}

// CheckNodes tells whether the target that spec names can be started with n nodes.
func CheckNodes(spec string, n int) error {
	var f *clusterfile.File
	var err error
	switch name, arg, _ := strings.Cut(spec, ":"); name {
	case "kafka":
		f, err = clusterfile.Kafka()
	case "process":
		f, err = loadProcess(arg)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.CheckNodes(n); err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	return nil
}

// Offers says what the target that spec names has, so far as that is known
// before it starts. nodes is the number of nodes it is started with; 0: its
// default.
func Offers(spec string, nodes int) Offer {
	switch name, _, _ := strings.Cut(spec, ":"); name {
	case "kafka", "process":
		return Offer{Peers: nodes != 1, Processes: true, Admin: true}
	}
	return Offer{}
}
