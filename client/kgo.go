package client

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/histories"
)

const (
	// kgoPollRecords is the most records that one poll takes from the consumer.
	kgoPollRecords = 10_000
	// kgoGrace is how long a send whose deadline has passed waits for the
	// producer to give its records back.
	kgoGrace = 50 * time.Millisecond
)

// place is a topic partition.
type place struct {
	topic     string
	partition int32
}

// kgoConn is the kgo kind: franz-go's own producer and consumer.
type kgoConn struct {
	cfg      Config
	cl       *kgo.Client
	routes   map[int64]*route // only their logs are used
	keys     map[place]int64
	assigned assignment
	closed   bool
}

// openKgo makes a high-level connection. It does not connect.
func openKgo(cfg Config) (Conn, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("open kgo client %d: %w", cfg.Process, err)
	}
	opts, err := kgoOpts(cfg)
	if err != nil {
		return nil, fmt.Errorf("open kgo client %d: %w", cfg.Process, err)
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("open kgo client %d: %w", cfg.Process, err)
	}
	c := &kgoConn{cfg: cfg, cl: cl, routes: map[int64]*route{}, keys: map[place]int64{}}
	for _, log := range cfg.Logs {
		c.routes[log.Key] = &route{log: log}
		c.keys[place{log.Topic, log.Partition}] = log.Key
	}
	c.assigned.list = c.list
	return c, nil
}

// kgoOpts are the options of a careful user: idempotent unless the contract
// says otherwise, and cancellable, because an operation has a deadline. Its
// process is retired after a cancelled send, so that nothing is produced after
// the gap which cancelling leaves in the idempotent sequence.
func kgoOpts(cfg Config) ([]kgo.Opt, error) {
	codec, err := codecOf(cfg.Compression)
	if err != nil {
		return nil, err
	}
	opts := append(baseOpts(cfg, nil),
		kgo.SeedBrokers(cfg.Seeds...),
		kgo.FetchMaxPartitionBytes(fetchLogBytes),
		kgo.FetchMaxBytes(fetchMaxBytes),
		kgo.FetchMaxWait(min(max(cfg.PollWait, 10*time.Millisecond), cfg.OpTimeout)),
		kgo.ProducerBatchCompression(codec),
	)
	if idempotent(cfg.Contract) {
		opts = append(opts, kgo.AllowIdempotentProduceCancellation())
	}
	if cfg.Contract.Isolation == "read_committed" {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	return opts, nil
}

// idempotent tells whether the producer may be idempotent: the contract does
// not deny it and Kafka allows it (acks=all).
func idempotent(c histories.Contract) bool {
	return (c.Idempotence == nil || *c.Idempotence) && c.Acks != "0" && c.Acks != "1"
}

// Do implements Conn.
func (c *kgoConn) Do(ctx context.Context, op *histories.Op) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.OpTimeout)
	defer cancel()
	if c.closed {
		complete(op, unsent, "the client is closed")
		return
	}
	op.Error = ""
	switch op.F {
	case histories.Send:
		c.send(ctx, op)
	case histories.Poll:
		c.poll(ctx, op)
	case histories.Assign:
		c.assign(ctx, op)
	case histories.EndOffsets, histories.StartOffsets, histories.StableOffsets:
		timestamp := int64(timestampEnd)
		switch op.F {
		case histories.StartOffsets:
			timestamp = timestampStart
		case histories.StableOffsets:
			timestamp = timestampStable
		}
		var errs keyErrors
		op.Offsets = c.list(ctx, op.Keys, timestamp, op.Offsets[:0], &errs)
		finishRead(op, len(errs) < len(op.Keys), errs)
	case histories.Crash:
		_ = c.Close()
		op.Type, op.Error = histories.Info, "client crashed"
	default:
		complete(op, unsent, "the kgo client does not know operation %d", op.F)
	}
}

// Close implements Conn.
func (c *kgoConn) Close() error {
	if !c.closed {
		c.closed = true
		go c.end()
	}
	return nil
}

// end stops fetching before it closes: franz-go ends its fetch sessions while
// closing without waiting for the fetches that are being prepared.
func (c *kgoConn) end() {
	for _, l := range c.cfg.Logs {
		c.cl.PauseFetchTopics(l.Topic)
	}
	time.Sleep(2*c.cfg.PollWait + closePause)
	c.cl.Close()
}

// closePause is more than a broker takes to answer a fetch that need not wait.
const closePause = 100 * time.Millisecond

// send produces the records and waits for their acknowledgements. Any error
// makes the whole operation info; records acknowledged beside it keep their
// offsets.
func (c *kgoConn) send(ctx context.Context, op *histories.Op) {
	key, err := sendKey(op)
	if err == nil && c.routes[key] == nil {
		err = fmt.Errorf("log %d: %w", key, errUnknownLog)
	}
	if err != nil {
		complete(op, unsent, "%v", err)
		return
	}
	log := c.routes[key].log
	records := make([]*kgo.Record, len(op.Mops))
	for i := range op.Mops {
		records[i] = &kgo.Record{
			Topic: log.Topic, Partition: log.Partition,
			Value: AppendPayload(make([]byte, 0, payloadLen(c.cfg.RecordSize)+8), Payload{c.cfg.Run, key, op.Mops[i].Value, c.cfg.Process}, c.cfg.RecordSize),
		}
	}
	done := make(chan kgo.ProduceResults, 1)
	go func() { done <- c.cl.ProduceSync(ctx, records...) }()
	results, ok := awaitProduce(ctx, done)
	if !ok {
		complete(op, producer, "log %d: the producer did not return by the deadline: %v", key, ctx.Err())
		return
	}
	c.produced(op, key, records, results)
}

// awaitProduce waits for the producer, and not much longer than the deadline:
// it cannot be relied on to return from a black hole.
func awaitProduce(ctx context.Context, done <-chan kgo.ProduceResults) (kgo.ProduceResults, bool) {
	select {
	case r := <-done:
		return r, true
	case <-ctx.Done():
	}
	late := time.NewTimer(kgoGrace)
	defer late.Stop()
	select {
	case r := <-done:
		return r, true
	case <-late.C:
		return nil, false
	}
}

// produced completes a send by what became of its records.
func (c *kgoConn) produced(op *histories.Op, key int64, records []*kgo.Record, results kgo.ProduceResults) {
	op.Type = histories.OK
	for _, r := range results {
		for i := range records {
			switch {
			case records[i] != r.Record:
			case r.Err != nil:
				complete(op, producer, "log %d: %v", key, r.Err)
			case c.cfg.Contract.Acks == "0":
				complete(op, unacked, "log %d was written to", key)
			case r.Record.Offset < 0:
				op.Mops[i].Offset = histories.OffsetNil
				if op.Type == histories.OK {
					op.Error = "acknowledged with offset " + itoa(r.Record.Offset)
				}
			default:
				op.Mops[i].Offset = r.Record.Offset
			}
		}
	}
}

// list asks for offsets by franz-go's own sharded request, which looks up
// leaders and retries until the deadline as a user's tools do.
func (c *kgoConn) list(ctx context.Context, keys []int64, timestamp int64, out []histories.KeyOffset, errs *keyErrors) []histories.KeyOffset {
	routes := make([]*route, 0, len(keys))
	for _, key := range keys {
		if r := c.routes[key]; r != nil {
			routes = append(routes, r)
		}
	}
	var shards []kgo.ResponseShard
	if len(routes) > 0 {
		shards = c.cl.RequestSharded(ctx, listRequest(routes, timestamp))
	}
	for _, key := range keys {
		a := c.sharded(shards, key)
		if a.err != nil {
			errs.add(key, a.err)
		}
		out = append(out, histories.KeyOffset{Key: key, Offset: a.offset})
	}
	return out
}
