package target

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestFencedProducersStayFenced: what a producer asks for after its
// transactional id was taken over is refused, whether it aborts or begins anew
// from its old epoch; its successor goes on.
func TestFencedProducersStayFenced(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, err := startEmbedded(ctx, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CreateTopics(ctx, []Topic{{Name: "t", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	client := func(opts ...kgo.Opt) *kgo.Client {
		cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.Nodes()[0].Addr))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	zombie := client(kgo.TransactionalID("x"), kgo.DefaultProduceTopic("t"))
	if err := zombie.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := zombie.ProduceSync(ctx, kgo.StringRecord("1")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	id, epoch, err := zombie.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}

	raw := client()
	begin := func(id int64, epoch int16) (*kmsg.InitProducerIDResponse, error) {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis = kmsg.StringPtr("x"), 10_000
		req.ProducerID, req.ProducerEpoch = id, epoch
		resp, err := req.RequestWith(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		return resp, kerr.ErrorForCode(resp.ErrorCode)
	}
	end := func(epoch int16, commit bool) error {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = "x", id, epoch, commit
		resp, err := req.RequestWith(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	}
	successor, err := begin(-1, -1)
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range []bool{false, true} {
		if err := end(epoch, commit); !errors.Is(err, kerr.ProducerFenced) {
			t.Errorf("commit=%v of the fenced producer: %v", commit, err)
		}
	}
	if _, err := begin(id, epoch); !errors.Is(err, kerr.ProducerFenced) {
		t.Errorf("the fenced producer begins again: %v", err)
	}
	if err := end(successor.ProducerEpoch, false); err != nil {
		t.Errorf("the successor's abort: %v", err)
	}
}
