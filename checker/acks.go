package checker

import (
	"fmt"

	"github.com/ackproof/ackproof/histories"
)

// acks looks for acknowledgements that name no offset. With acks=0 there is no
// acknowledgement at all; a contract that does not state acks is held to nothing.
type acks struct {
	env *Env
	r   *Report
}

func newAcks(e *Env, r *Report) Pass { return &acks{e, r} }

// Observe takes the next entry.
func (c *acks) Observe(op *histories.Op) {
	if op.Type != histories.OK || op.F != histories.Send && op.F != histories.Txn {
		return
	}
	if a := c.env.Contract.Acks; a != "all" && a != "1" {
		return
	}
	for i := range op.Mops {
		m := &op.Mops[i]
		if !m.Send || m.Offset != histories.OffsetNil {
			continue
		}
		k := newCase(InvalidAck, m.Key)
		k.Value, k.A, k.Ops[0] = m.Value, op.Process, op.Index
		k.Why = c.why
		c.r.Add(k)
	}
}

// Finish does nothing.
func (c *acks) Finish() {}

func (c *acks) why(k *Case) string {
	return fmt.Sprintf("The send of record %d to %s by process %d was acknowledged without a valid offset%s: under acks=%s the answer says where the record stands.",
		k.Value, c.env.logName(k.Log), k.A, c.env.Facts.entryText(k.Ops[0]), c.env.Contract.Acks)
}
