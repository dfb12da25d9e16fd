package explain

import (
	"fmt"
	"strings"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// Fate is what became of a record.
type Fate string

// The fates.
const (
	Lost           Fate = "lost"                  // acknowledged, and not there although the log goes on behind it
	Unread         Fate = "unread"                // nobody read as far
	Truncated      Fate = "truncated"             // it was there, and the log was cut off before it or written anew
	RetainedOut    Fate = "retained out"          // the log starts behind it now
	Compacted      Fate = "compacted"             // the log is compacted, and a newer record may stand for it
	NeverCommitted Fate = "never committed"       // the log never came to its offset
	Dropped        Fate = "dropped by the client" // the broker has it, and the consumer asked for what is behind it
	Stands         Fate = "in the log"            // it is there
)

// placed tells whether the anomaly is about a record, or a place in a log. What
// groups and transactions do is told by its sentence and its operations.
func (s *story) placed() bool {
	for i := range checker.Kinds {
		if k := &checker.Kinds[i]; k.Name == s.anomaly.Kind && (k.Group == checker.GroupConsumer || k.Group == checker.GroupTxn) {
			return false
		}
	}
	return s.log >= 0 && (s.value >= 0 || s.offset >= 0)
}

// fate classifies what became of the record, with the reason.
func (s *story) fate() (Fate, string) {
	compacts := strings.Contains(s.header.Contract.Cleanup, "compact")
	skipped := s.anomaly.Kind == checker.PollSkip || s.anomaly.Kind == checker.IntPollSkip
	switch {
	case skipped && s.seen.n > 0 && s.asked != nil:
		return Dropped, fmt.Sprintf("others read it, and this consumer asked for what is behind it (entry %d)", s.asked.last)
	case skipped && s.seen.n > 0:
		return Unread, "by this consumer: its fetch went past the record, and others read it"
	case s.kept, s.seen.n > 0 && !s.finalReads() && s.other == nil:
		return Stands, s.standing()
	case s.offset >= 0 && s.start > s.offset:
		return RetainedOut, fmt.Sprintf("the log starts at %d (entry %d)", s.start, s.startAt.last)
	case s.other != nil && s.offset >= 0:
		return Truncated, fmt.Sprintf("record %d stands at its offset (entry %d)", s.other.value, s.other.by.last)
	case s.offset >= 0 && s.ends.last >= 0 && s.ends.last <= s.offset && (s.seen.n > 0 || s.ends.top > s.offset):
		return Truncated, fmt.Sprintf("the log had come to %d and ends at %d now", max(s.ends.top, s.offset+1), s.ends.last)
	case s.seen.n > 0 && compacts, s.ends.last > s.offset && s.offset >= 0 && compacts:
		return Compacted, "cleanup=compact: a newer record with its key may stand for it"
	case s.seen.n > 0:
		return Lost, fmt.Sprintf("it was read (entry %d), and later reads do not return it", s.seen.last.by.last)
	case s.offset >= 0 && s.ends.last > s.offset && (s.passed != nil || s.ends.last > s.offset && s.anomaly.Kind == checker.LostWrite):
		return Lost, "nobody ever got it, and the log goes on behind it"
	case s.offset >= 0 && s.ends.top >= 0 && s.ends.top <= s.offset:
		return NeverCommitted, fmt.Sprintf("nobody was ever shown a log that is longer than %d", s.ends.top)
	case s.send != nil && s.send.outcome == histories.Fail:
		return NeverCommitted, "its send was refused"
	}
	return Unread, "nobody read it before the history ends"
}

// standing says where the record is.
func (s *story) standing() string {
	at := s.seen.last
	return fmt.Sprintf("read %s, last at offset %d by %s (entry %d)", times(s.seen.n), at.offset, at.by.who(), at.by.last)
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (s *story) finalReads() bool { return s.header.FinalReads }
