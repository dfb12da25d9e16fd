package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// describeProof words the probes behind a fault that bit and was healed, node
// by node: what was measured before, during and after it.
func describeProof(on []string, bite, healed []histories.Probe) string {
	var out []string
	for _, node := range on {
		if s := nodeProof(ofNode(bite, node), ofNode(healed, node)); s != "" {
			out = append(out, node+" "+s)
		}
	}
	return strings.Join(out, "; ")
}

// ofNode picks the probes of one node that show what they should.
func ofNode(probes []histories.Probe, node string) []histories.Probe {
	var out []histories.Probe
	for _, p := range probes {
		if p.Node == node && p.Satisfies {
			out = append(out, p)
		}
	}
	return out
}

// nodeProof words the proof of one node. What was measured in the same way
// before and after stands beside it, as in "round-trip 1.2 → 153.1 → 1.5 ms".
func nodeProof(bite, healed []histories.Probe) string {
	var words []string
	compared := false
	for _, p := range bite {
		if p.When != "during" {
			continue
		}
		before, had := findProbe(bite, "before", p.What)
		after, has := findProbe(healed, "after", p.What)
		if had && has && p.What != "dial" && after.Error == "" {
			compared = true
			words = append(words, fmt.Sprintf("%s %.1f → %s → %.1f ms", p.What, before.Millis, measured(p), after.Millis))
			continue
		}
		words = append(words, probeWords(p))
	}
	if after, ok := findProbe(healed, "after", "round-trip"); ok && len(words) > 0 && !compared {
		words = append(words, fmt.Sprintf("healed: round-trip %.1f ms", after.Millis))
	}
	return strings.Join(words, ", ")
}

func findProbe(probes []histories.Probe, when, what string) (histories.Probe, bool) {
	i := slices.IndexFunc(probes, func(p histories.Probe) bool { return p.When == when && p.What == what })
	if i < 0 {
		return histories.Probe{}, false
	}
	return probes[i], true
}

// measured is what a probe measured: its time, or how it failed.
func measured(p histories.Probe) string {
	if p.Error != "" {
		return p.Error
	}
	return fmt.Sprintf("%.1f", p.Millis)
}

// probeWords words a probe that stands alone.
func probeWords(p histories.Probe) string {
	switch {
	case p.What == "upstream" || p.What == "downstream":
		switch p.Error {
		case "":
			return fmt.Sprintf("%s flowed %d B", p.What, p.Bytes)
		case "lost":
			return fmt.Sprintf("%s lost %d B", p.What, p.Bytes)
		}
		return fmt.Sprintf("%s %d B %s", p.What, p.Bytes, p.Error)
	case p.What == "dial" && p.Error != "":
		return "dial " + p.Error
	case p.What == "close" && p.Error != "":
		return fmt.Sprintf("%s after %.1f ms", p.Error, p.Millis)
	case p.Error != "":
		return fmt.Sprintf("%s: %s", p.What, p.Error)
	}
	return fmt.Sprintf("%s %.1f ms", p.What, p.Millis)
}
