package checker

import (
	"slices"
)

// JepsenRules are the options of jepsen.tests.kafka that decide which of its
// error types count.
type JepsenRules struct {
	// Subscribe is :sub-via with :subscribe in it: consumers may be moved, so
	// their external skips and rewinds are allowed.
	Subscribe bool
	// NoWW is --no-ww-deps: no ww edges, and every cycle counts.
	NoWW bool
}

// JepsenVerdict is what jepsen.tests.kafka says of a history: the types of
// errors that it finds, those of them that its configuration does not allow,
// and how many cases it counts of each. See docs/jepsen.md for the deviations.
type JepsenVerdict struct {
	Valid         Validity         `json:"valid"`
	ErrorTypes    []string         `json:"error-types"`
	BadErrorTypes []string         `json:"bad-error-types"`
	Counts        map[string]int64 `json:"counts"`
	// Crash is why Jepsen's checker throws on this history, in which case it
	// says nothing but unknown; the sets are those that it would have come to.
	Crash string `json:"crash,omitempty"`
}

// Jepsen's error types that have no kind of ours, or several.
const (
	jepsenInconsistent   = "inconsistent-offsets"
	jepsenEmptyGraph     = "empty-transaction-graph"
	jepsenPL1            = "PL-1-cycle-exists"
	jepsenPL2            = "PL-2-cycle-exists"
	jepsenStrongPL1      = "strong-PL-1-cycle-exists"
	jepsenStrongPL2      = "strong-PL-2-cycle-exists"
	jepsenG0             = "G0"
	jepsenG1a            = "G1a"
	jepsenG1c            = "G1c"
	jepsenG0Realtime     = "G0-realtime"
	jepsenG1cRealtime    = "G1c-realtime"
	jepsenPrecommitted   = "precommitted-read"
	jepsenDuplicate      = string(Duplicate)
	jepsenLostWrite      = string(LostWrite)
	jepsenUnseen         = string(Unseen)
	jepsenPollSkip       = string(PollSkip)
	jepsenPollBack       = string(NonmonotonicPoll)
	jepsenSendBack       = string(NonmonotonicSend)
	jepsenInsidePollSkip = string(IntPollSkip)
	jepsenInsidePollBack = string(IntNonmonotonicPoll)
	jepsenInsideSendSkip = string(IntSendSkip)
	jepsenInsideSendBack = string(IntNonmonotonicSend)
)

// allows tells whether an error type does not make a history invalid.
func (o *JepsenRules) allows(name string) bool {
	switch name {
	case jepsenInsideSendSkip, jepsenG0, jepsenG0Realtime, jepsenPL1, jepsenStrongPL1:
		return true
	case jepsenPollSkip, jepsenPollBack:
		return o.Subscribe
	case jepsenG1c, jepsenG1cRealtime, jepsenPL2, jepsenStrongPL2:
		return !o.NoWW
	}
	return false
}

// judge makes the verdict of the counts.
func (o *JepsenRules) judge(counts map[string]int64, crash string) *JepsenVerdict {
	v := &JepsenVerdict{Valid: Valid, ErrorTypes: []string{}, BadErrorTypes: []string{}, Counts: map[string]int64{}, Crash: crash}
	for name, n := range counts {
		if n <= 0 {
			continue
		}
		v.Counts[name] = n
		v.ErrorTypes = append(v.ErrorTypes, name)
		if !o.allows(name) {
			v.BadErrorTypes = append(v.BadErrorTypes, name)
			v.Valid = Invalid
		}
	}
	slices.Sort(v.ErrorTypes)
	slices.Sort(v.BadErrorTypes)
	if crash != "" {
		v.Valid = Unknown
	}
	return v
}
