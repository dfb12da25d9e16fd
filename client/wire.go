package client

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// wire is a franz-go client with everything that a request in flight may
// touch. A wire whose request was abandoned is never used again: what is left
// of that request can then neither be written late nor race with the next one.
type wire struct {
	cl      *kgo.Client
	gate    gate
	addrs   []string // the brokers known, as advertised
	brokers map[string]*kgo.Broker
	batch   batchWriter
	produce produceRequest

	idsMu sync.Mutex
	ids   map[string]bool // by address: whether the broker takes topic ids
}

// newWire makes a client of the brokers at addrs. It does not connect.
func newWire(cfg Config, addrs []string) (*wire, error) {
	w := &wire{}
	opts := append(baseOpts(cfg, w.gate.wrap), kgo.SeedBrokers(addrs...))
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("create a client of %v: %w", addrs, err)
	}
	w.cl = cl
	w.index(addrs)
	w.batch.codec, err = newCompressor(cfg.Compression)
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// baseOpts are the options of every franz-go client here: all connections go
// through Config.Dial, and no wait is longer than an operation. wrap, where
// not nil, guards each connection.
func baseOpts(cfg Config, wrap func(net.Conn) net.Conn) []kgo.Opt {
	limit := max(cfg.OpTimeout, 100*time.Millisecond) // franz-go refuses less
	dial := func(ctx context.Context, network, host string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		c, err := cfg.Dial(ctx, network, host)
		if err != nil || wrap == nil {
			return c, err
		}
		return wrap(c), nil
	}
	opts := []kgo.Opt{
		kgo.ClientID(fmt.Sprintf("ackproof-%d", cfg.Process)),
		kgo.Dialer(dial),
		kgo.DisableClientMetrics(),
		kgo.RequestTimeoutOverhead(limit),
		kgo.RetryTimeout(cfg.OpTimeout),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.RequiredAcks(requiredAcks(cfg.Contract.Acks)),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
	if !idempotent(cfg.Contract) {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	return append(opts, cfg.Opts...)
}

// requiredAcks translates the contract's acks; all where it does not say.
func requiredAcks(acks string) kgo.Acks {
	switch acks {
	case "0":
		return kgo.NoAck()
	case "1":
		return kgo.LeaderAck()
	}
	return kgo.AllISRAcks()
}

// index makes every address reachable by broker. franz-go numbers its seeds in
// the order they were given.
func (w *wire) index(addrs []string) {
	w.addrs = addrs
	w.brokers = make(map[string]*kgo.Broker, len(addrs))
	for i, b := range w.cl.SeedBrokers() {
		w.brokers[addrs[i]] = b
	}
}

// learn adds brokers that were not known before.
func (w *wire) learn(addrs []string) error {
	all := append([]string(nil), w.addrs...)
	for _, a := range addrs {
		if w.brokers[a] == nil {
			all = append(all, a)
		}
	}
	if len(all) == len(w.addrs) {
		return nil
	}
	if err := w.cl.UpdateSeedBrokers(all...); err != nil {
		return fmt.Errorf("add brokers %v: %w", all, err)
	}
	w.index(all)
	return nil
}

// close ends the client without waiting for what is in flight.
func (w *wire) close() { go w.cl.Close() }
