package client

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/histories"
)

// instance is one initialized producer of a transactional id.
type instance struct {
	cl     *kgo.Client
	id     int64 // producer id
	epoch  int64 // as of the transaction's begin
	number int64 // unique in the run
	begun  bool
}

// instancesPerProcess is more than a process can have: the numbers of the
// instances of two processes do not meet.
const instancesPerProcess = 1 << 20

// initialize makes a new instance, which fences the one before.
func (c *txnConn) initialize(ctx context.Context) (*instance, error) {
	codec, err := codecOf(c.cfg.Compression)
	if err != nil {
		return nil, err
	}
	opts := append(baseOpts(c.cfg, nil),
		kgo.SeedBrokers(c.cfg.Seeds...),
		kgo.TransactionalID(TxnID(c.cfg.Run, c.cfg.Txn)),
		kgo.TransactionTimeout(txnTimeout),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerLinger(0),
		// The coordinator aborts what the instance before has left open first.
		kgo.RetryTimeout(txnDeadline*c.cfg.OpTimeout),
	)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("create the producer of transactional id %d: %w", c.cfg.Txn, err)
	}
	p := &instance{cl: cl, number: c.cfg.Process*instancesPerProcess + c.instances}
	c.instances++
	done := make(chan error, 1)
	go func() { // franz-go does not promise to come back by the deadline
		id, epoch, err := cl.ProducerID(ctx)
		p.id, p.epoch = id, int64(epoch)
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		go cl.Close()
		return nil, fmt.Errorf("initialize transactional id %d: %w", c.cfg.Txn, err)
	}
	return p, nil
}

// refresh learns the epoch for the next transaction: since KIP-890 every end of
// one takes the next.
func (p *instance) refresh(ctx context.Context) {
	if id, epoch, err := p.cl.ProducerID(ctx); err == nil {
		p.id, p.epoch = id, int64(epoch)
	}
}

// begin begins a transaction, which is nothing that the broker hears of.
func (p *instance) begin() error {
	if err := p.cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	p.begun = true
	return nil
}

// end commits or aborts.
func (p *instance) end(ctx context.Context, how kgo.TransactionEndTry) error {
	done := make(chan error, 1)
	go func() { done <- p.cl.EndTransaction(ctx, how) }()
	p.begun = false
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no answer by the deadline: %w", ctx.Err())
	}
}

// send produces records, all of them sends, and writes their offsets down.
func (p *instance) send(ctx context.Context, c *txnConn, mops []histories.Mop) error {
	records := make([]*kgo.Record, len(mops))
	for i := range mops {
		m := &mops[i]
		r := c.leaders.routes[m.Key]
		if r == nil {
			return fmt.Errorf("log %d: %w", m.Key, errUnknownLog)
		}
		records[i] = &kgo.Record{
			Topic: r.log.Topic, Partition: r.log.Partition,
			Value: AppendPayload(make([]byte, 0, payloadLen(c.cfg.RecordSize)+8), Payload{c.cfg.Run, m.Key, m.Value, c.cfg.Process}, c.cfg.RecordSize),
		}
	}
	done := make(chan kgo.ProduceResults, 1)
	go func() { done <- p.cl.ProduceSync(ctx, records...) }()
	results, ok := awaitProduce(ctx, done)
	if !ok {
		return fmt.Errorf("log %d: the producer did not return by the deadline: %w", mops[0].Key, ctx.Err())
	}
	var failed error
	for _, res := range results {
		for i := range records {
			switch {
			case records[i] != res.Record:
			case res.Err != nil:
				failed = fmt.Errorf("log %d: %w", mops[i].Key, res.Err)
			case res.Record.Offset < 0:
				mops[i].Offset = histories.OffsetNil
			default:
				mops[i].Offset = res.Record.Offset
			}
		}
	}
	return failed
}

// close ends the instance without waiting for anything.
func (p *instance) close() { go p.cl.Close() }
