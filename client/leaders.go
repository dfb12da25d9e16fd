package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

const (
	// metadataMinAge is the least time between two metadata refreshes of one
	// connection. It keeps a client whose leader is down from failing
	// thousands of operations a second, as the back-off of any client does.
	metadataMinAge = 50 * time.Millisecond
	// hedgeParts: the next broker is asked for metadata after this share of an
	// operation's deadline without an answer, so that one silent broker does
	// not cost an operation.
	hedgeParts = 8
)

// route is where a log is to be asked for.
type route struct {
	log     histories.Log
	topicID [16]byte
	addr    string // the leader's advertised address; empty: no leader known
	node    int32
	epoch   int32
	why     error // why no leader is known
}

// leaders is a connection's knowledge of who leads what. It is refreshed from
// any broker; a refresh never repeats an operation.
type leaders struct {
	routes    map[int64]*route
	topics    []string
	lives     *Lives
	stale     bool
	refreshed time.Time
	first     int // the broker to ask first
	wait      time.Duration
}

func newLeaders(cfg Config) *leaders {
	l := &leaders{
		routes: make(map[int64]*route, len(cfg.Logs)),
		stale:  true,
		lives:  cfg.Lives,
		// Spread by a multiplicative hash: processes that follow each other
		// on one worker shall not all begin at the same broker.
		first: int(uint64(cfg.Process) * 0x9e3779b97f4a7c15 >> 33),
		wait:  cfg.OpTimeout / hedgeParts,
	}
	seen := make(map[string]bool)
	for _, log := range cfg.Logs {
		l.routes[log.Key] = &route{log: log, epoch: -1, why: errNoMetadata}
		if !seen[log.Topic] {
			seen[log.Topic] = true
			l.topics = append(l.topics, log.Topic)
		}
	}
	return l
}

var (
	errNoMetadata = errors.New("no broker has told the leader")
	errUnknownLog = errors.New("the log is not one of this run")
)

// fresh refreshes what is known where it is stale. The error means that no
// broker answered.
func (l *leaders) fresh(ctx context.Context, w *wire) error {
	if !l.stale {
		return nil
	}
	return l.refresh(ctx, w)
}

// of returns the route to a log's leader. Where none is known the next
// operation refreshes.
func (l *leaders) of(w *wire, key int64) (*route, *kgo.Broker, error) {
	r := l.routes[key]
	if r == nil {
		return nil, nil, errUnknownLog
	}
	if r.log.Life > 0 {
		if _, err := l.lives.id(key); err != nil {
			return r, nil, err
		}
	}
	if r.addr == "" {
		l.stale = true
		return r, nil, r.why
	}
	b := w.brokers[r.addr]
	if b == nil {
		l.stale = true
		return r, nil, fmt.Errorf("leader n%d at %s is not connected", r.node, r.addr)
	}
	return r, b, nil
}

// refresh asks the brokers for metadata, one after the other, until one answers.
func (l *leaders) refresh(ctx context.Context, w *wire) error {
	if d := metadataMinAge - time.Since(l.refreshed); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("wait to refresh metadata: %w", ctx.Err())
		}
	}
	l.refreshed = time.Now()
	resp, err := l.ask(ctx, w)
	if err != nil {
		return fmt.Errorf("refresh metadata: %w", err)
	}
	if err := l.learn(w, resp); err != nil {
		return err
	}
	l.stale = false
	return nil
}

// ask returns the first answer of any broker.
func (l *leaders) ask(ctx context.Context, w *wire) (*kmsg.MetadataResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		resp *kmsg.MetadataResponse
		err  error
	}
	n := len(w.addrs)
	answers := make(chan answer, n)
	var failed error
	next := time.NewTimer(0)
	defer next.Stop()
	for asked, answered := 0, 0; answered < n; {
		select {
		case <-ctx.Done():
			return nil, errors.Join(failed, ctx.Err())
		case <-next.C:
			if asked < n {
				broker := w.brokers[w.addrs[(l.first+asked)%n]]
				go func() {
					resp, err := l.request().RequestWith(ctx, broker)
					answers <- answer{resp, err}
				}()
				asked++
				next.Reset(l.wait)
			}
		case a := <-answers:
			if a.err == nil && a.resp != nil {
				return a.resp, nil
			}
			answered++
			failed = errors.Join(failed, a.err)
			next.Reset(0) // ask the next one at once
		}
	}
	return nil, failed
}

func (l *leaders) request() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	for _, t := range l.topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(t)
		req.Topics = append(req.Topics, rt)
	}
	return req
}

// learn takes over what a broker said. An answer with an older leader epoch
// than one already seen is that of a broker cut off from its controller and is
// not believed.
func (l *leaders) learn(w *wire, resp *kmsg.MetadataResponse) error {
	addrs := make(map[int32]string, len(resp.Brokers))
	list := make([]string, 0, len(resp.Brokers))
	for _, b := range resp.Brokers {
		a := net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		addrs[b.NodeID] = a
		list = append(list, a)
	}
	if err := w.learn(list); err != nil {
		return err
	}
	byPlace := make(map[place]*route, len(l.routes))
	mortal := map[idPlace]*route{}
	for _, r := range l.routes {
		if r.log.Life == 0 {
			byPlace[place{r.log.Topic, r.log.Partition}] = r
		} else if id, err := l.lives.id(r.log.Key); err == nil {
			mortal[idPlace{id, r.log.Partition}] = r
		}
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if t.Topic == nil {
			continue
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			for _, r := range l.routes {
				if r.log.Topic == *t.Topic && r.addr == "" {
					r.why = err
				}
			}
			continue
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			r := mortal[idPlace{t.TopicID, p.Partition}]
			if r == nil {
				r = byPlace[place{*t.Topic, p.Partition}]
			}
			if r != nil && p.LeaderEpoch >= r.epoch {
				r.take(t.TopicID, p, addrs)
			}
		}
	}
	return nil
}

// idPlace is a partition of one life of a topic.
type idPlace struct {
	id        [16]byte
	partition int32
}

// take takes over what a broker said of the log.
func (r *route) take(id [16]byte, p *kmsg.MetadataResponseTopicPartition, addrs map[int32]string) {
	r.topicID, r.node, r.epoch = id, p.Leader, p.LeaderEpoch
	r.addr, r.why = addrs[p.Leader], nil
	if r.addr == "" {
		r.why = kerr.ErrorForCode(p.ErrorCode)
		if r.why == nil {
			r.why = kerr.LeaderNotAvailable
		}
	}
}
