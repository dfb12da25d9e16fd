package target

import (
	"encoding/binary"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fences keeps fenced producers fenced. kfake takes a fenced producer's abort
// for the repetition of one that is done and hands it the epoch of whoever
// fenced it (KIP-890, retries), and lets it initialize again from its old epoch
// (KIP-360): two producers would go on under one transactional id.
//
// Whoever initializes a transactional id fences every epoch that was used under
// it before. So the highest epoch that the requests of a transactional id named
// is noted, and once it is initialized, requests that name it or a lower one are
// refused.
type fences struct {
	mu  sync.Mutex
	ids map[string]*fence
}

// fence is what is known of a transactional id.
type fence struct {
	producer int64
	used     int16 // the highest epoch that was named
	refused  int16 // this one and lower ones are fenced
}

// keep controls the requests of transactional producers.
func (f *fences) keep(c *kfake.Cluster) {
	f.ids = map[string]*fence{}
	control := func(key kmsg.Key, fn func(kmsg.Request) kmsg.Response) {
		c.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			resp := fn(req)
			return resp, nil, resp != nil
		})
	}
	control(kmsg.Produce, f.produce)
	control(kmsg.InitProducerID, f.init)
	control(kmsg.EndTxn, f.end)
}

// at returns what is known of a transactional id.
func (f *fences) at(id string, producer int64) *fence {
	x := f.ids[id]
	if x == nil || x.producer != producer { // epochs of another producer id count anew
		x = &fence{producer: producer, used: -1, refused: -1}
		f.ids[id] = x
	}
	return x
}

// Where a record batch holds its producer (KIP-98).
const (
	batchProducer = 43
	batchEpoch    = 51
	batchHeader   = 61
)

// produce notes the epochs of records; kfake itself refuses old ones.
func (f *fences) produce(kreq kmsg.Request) kmsg.Response {
	req := kreq.(*kmsg.ProduceRequest)
	if req.TransactionID == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range req.Topics {
		for _, p := range req.Topics[i].Partitions {
			if len(p.Records) < batchHeader {
				continue
			}
			x := f.at(*req.TransactionID, int64(binary.BigEndian.Uint64(p.Records[batchProducer:])))
			x.used = max(x.used, int16(binary.BigEndian.Uint16(p.Records[batchEpoch:])))
		}
	}
	return nil
}

// init fences, and refuses a fenced producer that recovers from its old epoch.
func (f *fences) init(kreq kmsg.Request) kmsg.Response {
	req := kreq.(*kmsg.InitProducerIDRequest)
	if req.TransactionalID == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.ids[*req.TransactionalID]
	if x == nil {
		return nil
	}
	if req.ProducerID == x.producer && req.ProducerEpoch >= 0 && req.ProducerEpoch <= x.refused {
		resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = kerr.ProducerFenced.Code, -1, -1
		return resp
	}
	x.refused = x.used
	return nil
}

// end refuses a fenced producer's commit or abort.
func (f *fences) end(kreq kmsg.Request) kmsg.Response {
	req := kreq.(*kmsg.EndTxnRequest)
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.at(req.TransactionalID, req.ProducerID)
	if req.ProducerEpoch <= x.refused {
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = kerr.ProducerFenced.Code, -1, -1
		return resp
	}
	x.used = max(x.used, req.ProducerEpoch)
	return nil
}
