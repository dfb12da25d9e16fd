package mutants

import (
	"encoding/json"
	"fmt"
	"io"
)

// Sin is a line of the ledger: one record, or one answer, that is wrong.
type Sin struct {
	Mutant    string `json:"mutant"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"` // see Mutant.Offset
	Value     int64  `json:"value"`  // of the record, -1 where it is not known
	// Proven says that the sin is in the history: it stands in the log for
	// everybody to read, or its client went on after the false answer. Where it
	// is false the answer may have been lost on the way.
	Proven bool   `json:"proven"`
	Detail string `json:"detail"`
}

// sin writes a sin into the ledger.
func (b *Broker) sin(at place, offset, value int64, proven bool, format string, args ...any) *Sin {
	s := &Sin{
		Mutant: b.mutant.Name, Topic: at.topic, Partition: at.partition,
		Offset: offset, Value: value, Proven: proven, Detail: fmt.Sprintf(format, args...),
	}
	b.sins = append(b.sins, s)
	return s
}

// prove marks the sins as proven.
func prove(sins ...*Sin) func() {
	return func() {
		for _, s := range sins {
			s.Proven = true
		}
	}
}

// Ledger returns what the broker did so far.
func (b *Broker) Ledger() []Sin {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Sin, len(b.sins))
	for i, s := range b.sins {
		out[i] = *s
	}
	return out
}

// WriteLedger writes the ledger as JSON, one sin a line.
func (b *Broker) WriteLedger(w io.Writer) error {
	enc := json.NewEncoder(w)
	for _, s := range b.Ledger() {
		if err := enc.Encode(s); err != nil {
			return fmt.Errorf("write the ledger of mutant %s: %w", b.mutant.Name, err)
		}
	}
	return nil
}
