package checker

import (
	"fmt"
	"time"
)

// early tells whether a record that stands below the log's start is gone before
// the contract's retention could remove it. A retention by size, or none that
// is stated, lets it go at any time.
func (c *loss) early(l *logFacts, rec record) bool {
	switch retention := c.env.Contract.Retention; retention {
	case "":
		return false
	case "none":
		return true
	default:
		keep, err := time.ParseDuration(retention)
		return err == nil && c.f.clock.at(l.startOp)-c.f.clock.at(rec.sentAt())+retentionMargin < keep
	}
}

// retentionMargin is how much younger than the retention a record has to be
// for its absence to count: brokers round, and clocks differ.
const retentionMargin = time.Second

// deleted makes the case of a record that was deleted too early.
func (c *loss) deleted(l *logFacts, rec record, offset int64) Case {
	k := newCase(DeletedEarly, l.key)
	k.Offset, k.Value = offset, rec.value
	k.Ops = [3]int64{rec.sentAt(), l.startOp, -1}
	k.A, k.B = rec.process(), l.start
	k.Why = c.whyDeleted
	return k
}

func (c *loss) whyDeleted(k *Case) string {
	how := "and nothing may delete records (retention=none)"
	if r := c.env.Contract.Retention; r != "none" {
		how = fmt.Sprintf("only %s after it was written, and records stay for %s", seconds(c.f.clock.at(k.Ops[1])-c.f.clock.at(k.Ops[0])), r)
	}
	return fmt.Sprintf("%s, but the log starts at offset %d%s, %s.", c.ackedText(k), k.B, c.f.entryText(k.Ops[1]), how)
}
