package checker

import "fmt"

// ackedText begins the sentence: who was told that the record is in the log.
func (c *loss) ackedText(k *Case) string {
	where := ""
	if k.Offset >= 0 {
		where = fmt.Sprintf(" at offset %d", k.Offset)
	}
	how := "was acknowledged to"
	if rec, ok := c.f.recs.find(c.f.log(k.Log).index, k.Value); ok && !rec.has(recAcked) {
		how = "belongs to a request of which another record was read, by"
	}
	return fmt.Sprintf("Record %d %s process %d%s of %s%s", k.Value, how, k.A, where, c.env.logName(k.Log), c.f.entryText(k.Ops[0]))
}

// promise ends the sentence: why that is wrong.
func (c *loss) promise(k *Case) string {
	if clause := k.AllowedBy; clause == crashClause {
		return "every in-sync replica crashed at once after that, and the contract promises only what is replicated (" + clause + ")."
	} else if clause != "" {
		return "the contract allows this (" + clause + ")."
	}
	acks := "an acknowledgement promises that the record stays"
	if c.env.Contract.Acks != "" {
		acks = "acks=" + c.env.Contract.Acks + " promises that an acknowledged record stays"
	}
	return acks + "."
}

func (c *loss) whyFinal(k *Case) string {
	var then string
	switch {
	case len(k.Others) > 0:
		then = fmt.Sprintf(", but record %d holds its offset%s and the final reads do not return it", k.Others[0], c.f.entryText(k.Ops[1]))
	case k.Kind == CompactedLatest:
		then = fmt.Sprintf(" and read%s, but the final reads went past it%s, and no later record of its key is there", c.f.entryText(k.Ops[1]), c.f.entryText(k.Ops[2]))
		if k.AllowedBy == "" {
			return c.ackedText(k) + then + ": compaction keeps the latest record of each key."
		}
	case k.Kind == TruncatedAck:
		then = fmt.Sprintf(" and read%s, but the final reads do not return it (the log ends at %d)", c.f.entryText(k.Ops[1]), k.B)
	case k.Kind == Unseen:
		then = fmt.Sprintf(", but nobody ever read it and the log ends at %d%s", k.B, c.f.entryText(k.Ops[2]))
	default:
		then = fmt.Sprintf(", but nobody ever read it, although the final reads went on to the log's end at %d%s", k.B, c.f.entryText(k.Ops[2]))
	}
	return c.ackedText(k) + then + ": " + c.promise(k)
}

func (c *loss) whyBound(k *Case) string {
	if len(k.Others) > 0 {
		return fmt.Sprintf("%s, but record %d holds its offset%s and nobody ever read it: %s", c.ackedText(k), k.Others[0], c.f.entryText(k.Ops[1]), c.promise(k))
	}
	return fmt.Sprintf("%s, but nobody ever read it, although offset %d was read%s: %s", c.ackedText(k), k.B, c.f.entryText(k.Ops[2]), c.promise(k))
}

func (c *loss) whyPassed(k *Case) string {
	return fmt.Sprintf("%s, but nobody ever read it, and a reader went on past it to offset %d%s: %s", c.ackedText(k), k.B, c.f.entryText(k.Ops[2]), c.promise(k))
}

func (c *loss) whyUnseen(k *Case) string {
	return fmt.Sprintf("%s, but no poll ever returned it before the history ends: %s", c.ackedText(k), c.promise(k))
}
