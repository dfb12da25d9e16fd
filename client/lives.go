package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// Lives is what the processes of a run know of the topics that are created and
// deleted while it lasts. A topic that is created again has the same name and
// another id (KIP-516): who asks by id never meets another life. The zero Lives
// is ready.
type Lives struct {
	mu    sync.Mutex
	byKey map[int64]life
}

type life struct {
	id   [16]byte
	over bool
}

var (
	errUnborn   = errors.New(histories.LogGone + ": the topic was not created yet")
	errBuried   = errors.New(histories.LogGone + ": the topic was deleted")
	errReborn   = errors.New("the topic has another life by now")
	errNameOnly = errors.New("the broker takes requests by the topic's name only: a topic that is created again needs Produce and Fetch 13 (KIP-516)")
)

// begin notes that the logs of a topic came to be under this id.
func (l *Lives) begin(keys []int64, id [16]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byKey == nil {
		l.byKey = map[int64]life{}
	}
	for _, key := range keys {
		l.byKey[key] = life{id: id}
	}
}

// end notes that the logs are gone.
func (l *Lives) end(keys []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		if b, ok := l.byKey[key]; ok {
			b.over = true
			l.byKey[key] = b
		}
	}
}

// id returns the id of a log's topic. The error says that there is no such
// topic now.
func (l *Lives) id(key int64) ([16]byte, error) {
	if l == nil {
		return [16]byte{}, errUnborn
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.byKey[key]
	switch {
	case !ok:
		return [16]byte{}, errUnborn
	case b.over:
		return b.id, errBuried
	}
	return b.id, nil
}

// isNew tells whether no log had its topic under this id before.
func (l *Lives) isNew(id [16]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.byKey {
		if b.id == id {
			return false
		}
	}
	return true
}

// confirm asks a broker that answered by name whether the name still stands for
// the topic that was meant. Brokers learn of a new life before they serve it, so
// the answer was about this one where the id is the same afterwards.
func confirm(ctx context.Context, b *kgo.Broker, r *route) error {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(r.log.Topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, b)
	if err != nil {
		return fmt.Errorf("confirm the topic's life: %w", err)
	}
	if len(resp.Topics) != 1 || resp.Topics[0].TopicID != r.topicID {
		return errReborn
	}
	return nil
}

// takesIDs tells whether a broker takes produce and fetch requests by topic id.
func (w *wire) takesIDs(ctx context.Context, b *kgo.Broker, addr string) error {
	w.idsMu.Lock()
	takes, known := w.ids[addr]
	w.idsMu.Unlock()
	if !known {
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = "ackproof", "1" // neither may be empty (KIP-511)
		resp, err := req.RequestWith(ctx, b)
		if err != nil {
			return fmt.Errorf("ask for the request versions: %w", err)
		}
		if resp.ErrorCode != 0 {
			return fmt.Errorf("ask for the request versions: %s", codeText(resp.ErrorCode))
		}
		produce, fetch := false, false
		for _, k := range resp.ApiKeys {
			produce = produce || k.ApiKey == int16(kmsg.Produce) && k.MaxVersion >= 13
			fetch = fetch || k.ApiKey == int16(kmsg.Fetch) && k.MaxVersion >= 13
		}
		takes = produce && fetch
		w.idsMu.Lock()
		if w.ids == nil {
			w.ids = map[string]bool{}
		}
		w.ids[addr] = takes
		w.idsMu.Unlock()
	}
	if !takes {
		return errNameOnly
	}
	return nil
}
