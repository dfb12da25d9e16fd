package target

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestLateBatchesTakeNothingAlong: a record of an hour ago does not let the
// cleaner take the fresh one before it.
func TestLateBatchesTakeNothingAlong(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := startEmbedded(ctx, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CreateTopics(ctx, []Topic{{Name: "t", Partitions: 1, Config: map[string]string{"retention.ms": "60000"}}}); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Nodes()[0].Addr), kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, age := range []time.Duration{0, time.Hour} {
		r := kgo.StringRecord("x")
		r.Timestamp = time.Now().Add(-age)
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	c.(*embedded).fake.ApplyRetention()
	var got []int64
	for len(got) < 2 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%v, after records %v", err, got)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, r.Offset) })
	}
	if got[0] != 0 || got[1] != 1 {
		t.Errorf("read offsets %v", got)
	}
}
