package run

import (
	"cmp"
	"strconv"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// state puts into the contract what the Spec says of the topics and of
// durability, so that the broker is judged by what it was configured for.
func (s Spec) state(c *histories.Contract) {
	if v, err := strconv.Atoi(s.TopicConfig["min.insync.replicas"]); err == nil {
		c.MinISR = v
	}
	if v, err := strconv.ParseBool(s.TopicConfig["unclean.leader.election.enable"]); err == nil {
		c.UncleanElection = &v
	}
	if _, ok := s.TopicConfig["cleanup.policy"]; ok {
		c.Cleanup = s.TopicConfig["cleanup.policy"]
	}
	if v := cmp.Or(s.TopicConfig["retention.ms"], s.TopicConfig["retention.bytes"]); v != "" && v != "-1" {
		c.Retention = v
	}
	c.Durability = cmp.Or(s.Durability, c.Durability)
	if s.Staleness > 0 {
		c.StalenessMillis = max(1, time.Duration(s.Staleness).Milliseconds())
	}
}
