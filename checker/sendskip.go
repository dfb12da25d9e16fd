package checker

import "fmt"

// skips looks at two neighbours of one request whose offsets rise by more than
// one: where a known record stands between them, another producer's came in
// between. Nobody promises that it does not, so this informs only; see batches
// for the requests of which somebody does.
func (c *sendOrder) skips(s sendPair) {
	if len(c.apart) < maxCases {
		c.apart = append(c.apart, s)
	}
}

// finishSkips decides the pairs, once every record is known.
func (c *sendOrder) finishSkips() {
	for _, s := range c.apart {
		n, first := int64(0), int64(-1)
		s.log.slots.between(s.log.pages, s.a.offset+1, s.b.offset-1, func(offset int64, t slot) bool {
			if t.has(slotHas) {
				if n++; first < 0 {
					first = offset
				}
			}
			return n < maxSkipped
		})
		if n == 0 {
			continue
		}
		k := newCase(IntSendSkip, s.log.key)
		k.Ops[0] = s.a.op
		k.Offset, k.Value = s.b.offset, s.b.value
		k.Others = []int64{s.a.value}
		k.From, k.To = s.a.offset+1, s.b.offset-1
		k.A, k.B = s.a.offset, s.process
		k.AllowedBy = informational
		k.Why = c.whySkip
		c.r.Add(k)
	}
}

func (c *sendOrder) whySkip(k *Case) string {
	return fmt.Sprintf("Process %d sent records %d and %d to %s in one operation%s, and they stand at offsets %d and %d with others in between: producers write side by side, and nothing forbids it.",
		k.B, k.Others[0], k.Value, c.env.logName(k.Log), c.f.entryText(k.Ops[0]), k.A, k.Offset)
}
