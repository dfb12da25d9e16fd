package target

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/internal/target/kafkatest"
)

// TestKafka runs the external target against a real Apache Kafka.
func TestKafka(t *testing.T) {
	addr, stop, err := kafkatest.Start(t.Context())
	if errors.Is(err, kafkatest.ErrMissing) && !kafkatest.Required() {
		t.Skipf("SKIPPED: %v; ACKPROOF_REQUIRE_KAFKA=1 makes this a failure", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
		if c, err := Start(t.Context(), "external:"+addr, Config{Timeout: time.Second}); err == nil {
			c.Close()
			t.Error("Kafka still answers after it was stopped")
		}
	}()
	c := start(t, "external:"+addr, Config{})
	nodes := c.Nodes()
	if len(nodes) != 1 || nodes[0].Addr != addr || nodes[0].ID != 1 || nodes[0].Name != "n1" || !strings.HasPrefix(nodes[0].Version, "v") {
		t.Errorf("nodes %+v", nodes)
	}
	ctx := t.Context()
	if err := c.CreateTopics(ctx, []Topic{{Name: "ours", Partitions: 3}}); err != nil {
		t.Fatal(err)
	}
	if k := c.Contract(); k.ReplicationFactor != 1 || k.MinISR != 1 {
		t.Errorf("contract %+v", k)
	}
	if err := c.CreateTopics(ctx, []Topic{{Name: "two", Partitions: 1, RF: 2}}); err == nil || !strings.Contains(err.Error(), "the number of brokers") {
		t.Errorf("two replicas on one broker: %v", err)
	}
	if err := c.Whole(ctx, []string{"ours"}); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("ours"), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr(); err != nil {
		t.Error(err)
	}
	if err := c.DeleteTopics(ctx, []string{"ours"}); err != nil {
		t.Error(err)
	}
}
