package checker

import (
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// deletions are what clients asked a log to lose, and where it was seen to
// begin since.
type deletions struct {
	asked  stairs // by the invocations of delete-records: where the log is to begin
	starts stairs // where it was seen to begin
	topic  int64  // the first invocation that deletes its topic; -1: none
	// burials are the invocations that delete its topic and did not fail.
	burials int64
	after   int64 // delete-records that were acknowledged
}

// toTheEnd is what an offset of -1 asks for: to delete every record.
const toTheEnd = 1 << 62

// observeDeletions takes what an entry says of deletions and log starts.
func (f *Facts) observeDeletions(op *histories.Op) {
	switch op.F {
	case histories.StartOffsets:
		if op.Type == histories.OK {
			for _, o := range op.Offsets {
				f.log(o.Key).begins(op.Index, o.Offset)
			}
		}
	case histories.DeleteRecords:
		f.live.mayAllow() // what readers pass over may have been deleted
		for _, o := range op.Offsets {
			l := f.log(o.Key)
			switch {
			case op.Type == histories.Invoke && o.Offset < 0:
				l.asked.raise(op.Index, toTheEnd)
			case op.Type == histories.Invoke:
				l.asked.raise(op.Index, o.Offset)
			case op.Type == histories.OK:
				l.after++
				l.begins(op.Index, o.Offset)
			}
		}
	case histories.DeleteTopic:
		f.live.mayAllow()
		for _, key := range op.Keys {
			switch l := f.log(key); {
			case op.Type == histories.Invoke:
				l.burials++
				if l.topic < 0 {
					l.topic = op.Index
				}
			case op.Type == histories.Fail: // it was not deleted by this
				if l.burials--; l.burials == 0 {
					l.topic = -1
				}
			}
		}
	case histories.Assign:
		f.observeAssigned(op)
	}
}

// observeAssigned takes where a process began that asked for the beginning.
func (f *Facts) observeAssigned(op *histories.Op) {
	stated := f.stated.at(op.Process)
	switch {
	case op.Type == histories.Invoke:
		*stated = len(op.Offsets) > 0
	case op.Type == histories.OK && op.Seek.To == histories.SeekBeginning && !*stated:
		for _, o := range op.Offsets {
			f.log(o.Key).begins(op.Index, o.Offset)
		}
	}
	if f.env.retires(op) {
		f.stated.drop(op.Process)
	}
}

// begins notes where the log was seen to begin.
func (l *logFacts) begins(op, offset int64) {
	if offset > l.start {
		l.start, l.startOp = offset, op
	}
	if offset > 0 {
		l.starts.raise(op, offset)
	}
}

// mayBeDeleted tells whether a record that a reader did not find may have been
// deleted by then: somebody asked for it, or the log begins behind it.
func (l *logFacts) mayBeDeleted(offset, by int64) bool {
	return offset < l.start || l.asked.before(by).to > offset || l.topic >= 0 && l.topic < by
}

// wasOutOfRange tells whether a poll says that a position was below the log.
func wasOutOfRange(op *histories.Op) bool {
	return op.Error != "" && strings.Contains(op.Error, histories.OutOfRange)
}
