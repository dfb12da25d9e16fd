package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// coordinator is a connection's knowledge of which broker keeps a group.
type coordinator struct {
	group string
	addr  string // empty: not known
}

// forget has the coordinator looked up again.
func (k *coordinator) forget() { k.addr = "" }

// of returns the broker that keeps the group.
func (k *coordinator) of(ctx context.Context, c *rawConn, group string) (*kgo.Broker, string, error) {
	if k.group != group {
		k.group, k.addr = group, ""
	}
	if k.addr == "" {
		if err := k.find(ctx, c); err != nil {
			return nil, "", fmt.Errorf("find the coordinator of %s: %w", group, err)
		}
	}
	b := c.wire.brokers[k.addr]
	if b == nil {
		addr := k.addr
		k.forget()
		return nil, "", fmt.Errorf("the coordinator of %s at %s is not connected", group, addr)
	}
	return b, k.addr, nil
}

// find asks one broker after the other who keeps the group; each of them has
// its share of the time that is left.
func (k *coordinator) find(ctx context.Context, c *rawConn) error {
	w := c.wire
	var failed error
	for i := range w.addrs {
		share, cancel := context.WithTimeout(ctx, c.cfg.OpTimeout/hedgeParts)
		addr, err := k.ask(share, w.brokers[w.addrs[(c.leaders.first+i)%len(w.addrs)]])
		cancel()
		if err == nil {
			if err = w.learn([]string{addr}); err == nil {
				k.addr = addr
				return nil
			}
		}
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// ask asks one broker, in the words of all versions (KIP-699 made it a list).
func (k *coordinator) ask(ctx context.Context, b *kgo.Broker) (addr string, err error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey, req.CoordinatorKeys, req.CoordinatorType = k.group, []string{k.group}, 0
	resp, err := req.RequestWith(ctx, b)
	if err != nil || resp == nil {
		return "", errOr(err, errNoAnswer)
	}
	code, host, port := resp.ErrorCode, resp.Host, resp.Port
	if resp.Version >= 4 {
		if len(resp.Coordinators) == 0 {
			return "", errNoAnswer
		}
		first := &resp.Coordinators[0]
		code, host, port = first.ErrorCode, first.Host, first.Port
	}
	if code != 0 {
		return "", errors.New(codeText(code))
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), nil
}
