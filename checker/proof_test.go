package checker

import (
	"testing"

	"github.com/ackproof/ackproof/histories"
)

func TestDescribeProof(t *testing.T) {
	probe := func(when, what string, ms float64, bytes int64, err string) histories.Probe {
		return histories.Probe{Node: "n1", When: when, What: what, Millis: ms, Bytes: bytes, Error: err, Satisfies: true}
	}
	before := probe("before", "round-trip", 1.229, 386, "")
	after := probe("after", "round-trip", 1.544, 386, "")
	failed := after
	failed.Satisfies, failed.Millis = false, 999
	for name, c := range map[string]struct {
		bite, healed []histories.Probe
		want         string
	}{
		"slower": {[]histories.Probe{before, probe("during", "round-trip", 153.067, 386, "")}, []histories.Probe{failed, after},
			"n1 round-trip 1.2 → 153.1 → 1.5 ms"},
		"down": {[]histories.Probe{before, probe("during", "dial", 10, 0, "refused"), probe("during", "close", 0.2, 0, "closed")}, []histories.Probe{after},
			"n1 dial refused, closed after 0.2 ms, healed: round-trip 1.5 ms"},
		"one way": {[]histories.Probe{before, probe("during", "round-trip", 251, 0, "no answer"), probe("during", "upstream", 0, 2598, ""), probe("during", "downstream", 0, 8706, "lost")},
			[]histories.Probe{after, probe("after", "close", 2628, 0, "closed")},
			"n1 round-trip 1.2 → no answer → 1.5 ms, upstream flowed 2598 B, downstream lost 8706 B"},
		"slow close": {[]histories.Probe{probe("before", "close", 0.04, 386, ""), probe("during", "close", 407, 386, "")}, []histories.Probe{probe("after", "close", 0.6, 386, "")},
			"n1 close 0.0 → 407.0 → 0.6 ms"},
		"retransmission": {[]histories.Probe{before, probe("during", "downstream", 0, 120, "held for a retransmission")}, []histories.Probe{after},
			"n1 downstream 120 B held for a retransmission, healed: round-trip 1.5 ms"},
		"no probe of the bite": {nil, []histories.Probe{after}, ""},
	} {
		if got := describeProof([]string{"n1", "n2"}, c.bite, c.healed); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
