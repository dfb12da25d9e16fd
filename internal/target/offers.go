package target

import "strings"

// Offer is what a target has for faults to act upon besides the clients' links.
type Offer struct {
	Peers     bool // its nodes' traffic to each other goes through links
	Processes bool // the nodes' processes are ours
	Admin     bool // the cluster can be asked for its leaders, and told to move them
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
