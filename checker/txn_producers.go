package checker

import (
	"fmt"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// producers follows who uses each transactional id. An instance of a producer is
// initialized in the first operation that names it, and fences the instances
// that were known before that operation was called. It is certain to be one that
// counts once a fence or a commit of its own succeeded.
type producers struct {
	ids  map[int64]*txnID
	late []Case // of transactions whose commit was not acknowledged
}

// txnID is a transactional id with its instances, in the order of their first
// completions.
type txnID struct{ instances []instance }

type instance struct {
	number  int64
	since   int64 // the invocation of the operation that names it first
	known   int64 // its completion
	counts  bool  // it is known to have been the last one, once
	fenced  int64 // the completion of what proves that it is fenced; 0: nothing does
	process int64 // whose operation that was
}

// maxInstances bounds the instances of one transactional id that are kept.
const maxInstances = 256

// completed notes a completion that names a producer; certain says that it
// proves that the producer was not fenced. It returns the instance where it was
// fenced before the operation was called.
func (p *producers) completed(op *histories.Op, since int64, certain bool) *instance {
	if op.Producer.Txn < 1 {
		return nil
	}
	id := p.ids[op.Producer.Txn]
	if id == nil {
		id = &txnID{}
		p.ids[op.Producer.Txn] = id
	}
	x := id.find(op.Producer.Instance)
	if x == nil {
		if len(id.instances) >= maxInstances {
			id.instances = slices.Delete(id.instances, 0, maxInstances/2)
		}
		id.instances = append(id.instances, instance{number: op.Producer.Instance, since: since, known: op.Index})
		x = &id.instances[len(id.instances)-1]
	}
	if x.fenced > 0 {
		if since > x.fenced && op.F == histories.Txn {
			return x
		}
		return nil
	}
	if certain && !x.counts {
		x.counts = true
		for i := range id.instances {
			if y := &id.instances[i]; y.fenced == 0 && y.known < x.since && y != x {
				y.fenced, y.process = op.Index, op.Process
			}
		}
	}
	return nil
}

func (id *txnID) find(number int64) *instance {
	for i := len(id.instances) - 1; i >= 0; i-- {
		if id.instances[i].number == number {
			return &id.instances[i]
		}
	}
	return nil
}

// keep keeps a case until the transaction is known to be committed.
func (p *producers) keep(k Case) int32 {
	if len(p.late) >= maxCases {
		return 0
	}
	p.late = append(p.late, k)
	return int32(len(p.late))
}

// fenced makes the case of a transaction whose producer was fenced.
func (c *transactions) fenced(op *histories.Op, by *instance) Case {
	var first *histories.Mop
	k := newCase(FencedProducerCommitted, -1)
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send && first == nil {
			first = m
			k.Log, k.Offset, k.Value = m.Key, max(m.Offset, -1), m.Value
		}
	}
	k.Ops = [3]int64{by.fenced, op.Index, -1}
	k.A, k.B = op.Process, op.Producer.Txn
	process := by.process
	k.Why = func(k *Case) string {
		return fmt.Sprintf("Process %d took transactional id %d over%s. The producer that process %d had initialized before is fenced from then on, and yet it began a transaction later and committed it%s, record %d to %s in it: two producers write under one transactional id.",
			process, k.B, c.f.entryText(k.Ops[0]), k.A, c.f.entryText(k.Ops[1]), k.Value, c.env.logName(k.Log))
	}
	return k
}
