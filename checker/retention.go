package checker

import (
	"fmt"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// sendTimes knows the longest time that an acknowledged send took. A record has
// the age of its send's invocation where producers stamp it, and may have been
// appended any time before its acknowledgement where brokers do.
type sendTimes struct {
	called  processes[time.Duration]
	longest time.Duration
}

func (s *sendTimes) observe(e *Env, op *histories.Op) {
	if op.F != histories.Send && op.F != histories.Txn {
		return
	}
	switch op.Type {
	case histories.Invoke:
		*s.called.at(op.Process) = op.Time
		return
	case histories.OK:
		s.longest = max(s.longest, op.Time-*s.called.at(op.Process))
	}
	if e.retires(op) {
		s.called.drop(op.Process)
	}
}

// early tells whether a record that stands below the log's start is gone before
// anybody asked for that and before the contract's retention could remove it. A
// retention by size, or none that is stated, lets it go at any time. by is the
// entry that first showed the log beginning behind the record.
func (c *loss) early(l *logFacts, rec record, offset int64) (by stair, early bool) {
	if by = l.starts.above(offset); by.op < 0 || l.asked.before(by.op).to > offset {
		return by, false
	}
	switch retention := c.env.retention(l.key); retention {
	case "":
		return by, false
	case "none":
		return by, true
	default:
		keep, err := time.ParseDuration(retention)
		age := c.f.clock.at(by.op) - c.f.clock.at(rec.sentAt()) + c.sends.longest
		return by, err == nil && age+retentionMargin < keep
	}
}

// retentionMargin is how much younger than the retention a record has to be
// for its absence to count: brokers round, and clocks differ.
const retentionMargin = time.Second

// deleted makes the case of a record that was deleted too early.
func (c *loss) deleted(l *logFacts, rec record, offset int64, by stair) Case {
	k := newCase(DeletedEarly, l.key)
	k.Offset, k.Value = offset, rec.value
	k.Ops = [3]int64{rec.sentAt(), by.op, -1}
	k.A, k.B = rec.process(), by.to
	k.Why = c.whyDeleted
	return k
}

func (c *loss) whyDeleted(k *Case) string {
	how := "which nobody had asked for, and no retention lets records go (retention=none)"
	if r := c.env.retention(k.Log); r != "none" {
		how = fmt.Sprintf("only %s after that, and records stay for %s", seconds(c.f.clock.at(k.Ops[1])-c.f.clock.at(k.Ops[0])), r)
	}
	return fmt.Sprintf("%s, but the log starts at offset %d%s, %s.", c.ackedText(k), k.B, c.f.entryText(k.Ops[1]), how)
}
