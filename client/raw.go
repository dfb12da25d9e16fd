package client

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/histories"
)

// rawConn is the raw kind: every operation is a single attempt, so that ok,
// fail and info are exact.
type rawConn struct {
	cfg      Config
	wire     *wire
	leaders  *leaders
	assigned assignment
	decoder  decoder
	closed   bool
}

// openRaw makes a raw connection. It does not connect: a broker that cannot be
// reached is the outcome of an operation.
func openRaw(cfg Config) (Conn, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("open raw client %d: %w", cfg.Process, err)
	}
	w, err := newWire(cfg, cfg.Seeds)
	if err != nil {
		return nil, fmt.Errorf("open raw client %d: %w", cfg.Process, err)
	}
	c := &rawConn{
		cfg:     cfg,
		wire:    w,
		leaders: newLeaders(cfg),
		decoder: newDecoder(cfg.Run, cfg.Contract.Isolation),
	}
	c.assigned.list = c.list
	return c, nil
}

// Do implements Conn.
func (c *rawConn) Do(ctx context.Context, op *histories.Op) {
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
	case histories.EndOffsets:
		c.listed(ctx, op, timestampEnd)
	case histories.StartOffsets:
		c.listed(ctx, op, timestampStart)
	case histories.StableOffsets:
		c.listed(ctx, op, timestampStable)
	case histories.LeaderEpochs:
		c.epochEnds(ctx, op)
	case histories.CreateTopic, histories.DeleteTopic, histories.CreatePartitions:
		c.administer(ctx, op)
	case histories.DeleteRecords:
		c.deleteRecords(ctx, op)
	case histories.Crash:
		_ = c.Close()
		op.Type, op.Error = histories.Info, "client crashed"
	default:
		complete(op, unsent, "the raw client does not know operation %d", op.F)
	}
}

// assign replaces the assignment and, where it says so, the isolation.
func (c *rawConn) assign(ctx context.Context, op *histories.Op) {
	changed, _ := c.assigned.assign(ctx, op)
	if changed && op.Isolation != histories.IsolationContract {
		c.decoder.committed = op.Isolation == histories.ReadCommitted
	}
}

// Close implements Conn.
func (c *rawConn) Close() error {
	if !c.closed {
		c.closed = true
		c.wire.close()
	}
	return nil
}

// abandon replaces the wire of a request that did not come back.
func (c *rawConn) abandon() {
	old := c.wire
	old.close()
	w, err := newWire(c.cfg, old.addrs)
	if err != nil {
		c.closed = true // never the old one again
		return
	}
	c.wire = w
}

// keyErrors collects what went wrong by log.
type keyErrors []keyError

type keyError struct {
	key int64
	err error
}

func (e *keyErrors) add(key int64, err error) { *e = append(*e, keyError{key, err}) }

// String names each log with its cause.
func (e keyErrors) String() string {
	var s string
	for i, k := range e {
		if i > 0 {
			s += "; "
		}
		if k.key < 0 { // it concerns no log
			s += k.err.Error()
			continue
		}
		s += fmt.Sprintf("log %d: %v", k.key, k.err)
	}
	return s
}

// group is what one leader is asked for.
type group struct {
	broker *kgo.Broker
	routes []*route
}

// byLeader groups the logs by their leader, in the order of the keys.
func (c *rawConn) byLeader(ctx context.Context, keys []int64, errs *keyErrors) []group {
	if len(keys) == 0 {
		return nil
	}
	if err := c.leaders.fresh(ctx, c.wire); err != nil {
		for _, key := range keys {
			errs.add(key, err)
		}
		return nil
	}
	var groups []group
next:
	for _, key := range keys {
		r, b, err := c.leaders.of(c.wire, key)
		if err != nil {
			errs.add(key, err)
			continue
		}
		for i := range groups {
			if groups[i].routes[0].addr == r.addr {
				groups[i].routes = append(groups[i].routes, r)
				continue next
			}
		}
		groups = append(groups, group{b, []*route{r}})
	}
	return groups
}
