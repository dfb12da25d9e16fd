package run

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/internal/target/kafkatest"
)

// TestKafkaFromOutside uses a single-node Apache Kafka that somebody else
// started: the external target, and both workloads under every fault, through
// the proxies. It needs Java and Maven.
func TestKafkaFromOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: a real Kafka takes a while")
	}
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
		if c, err := target.Start(t.Context(), "external:"+addr, target.Config{Timeout: time.Second}); err == nil {
			c.Close()
			t.Error("Kafka still answers after it was stopped")
		}
	}()
	t.Run("target", func(t *testing.T) { testExternalKafka(t, addr) })
	for _, workload := range []string{"log", "queue"} {
		t.Run(workload, func(t *testing.T) {
			spec := Default()
			spec.Name, spec.Target, spec.Workload, spec.Seed = "kafka", "external:"+addr, workload, 1
			spec.TimeLimit = Duration(12 * time.Second)
			spec.Rate, spec.Topics = 1000, 1
			res, err := Run(t.Context(), spec, Options{Store: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			v := res.Verdict
			t.Logf("%v: %d operations, %d acknowledged records, %d faults; unknown: %v", v.Valid, v.Judged.Ops, v.Judged.Acked, len(v.Faults), v.Unknown)
			if v.Valid == checker.Invalid {
				t.Errorf("a real Kafka is convicted: %+v", v.Anomalies)
			}
			if v.Valid == checker.Unknown {
				t.Errorf("unknown: %+v", v.Unknown)
			}
			if v.Judged.Acked < 500 {
				t.Errorf("%d acknowledged records: too few to prove anything", v.Judged.Acked)
			}
		})
	}
}

// testExternalKafka asks a real Kafka what the external target asks.
func testExternalKafka(t *testing.T, addr string) {
	ctx := t.Context()
	c, err := target.Start(ctx, "external:"+addr, target.Config{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	nodes := c.Nodes()
	if len(nodes) != 1 || nodes[0].Addr != addr || nodes[0].ID != 1 || nodes[0].Name != "n1" || !strings.HasPrefix(nodes[0].Version, "v") {
		t.Errorf("nodes %+v", nodes)
	}
	if err := c.CreateTopics(ctx, []target.Topic{{Name: "ours", Partitions: 3}}); err != nil {
		t.Fatal(err)
	}
	if k := c.Contract(); k.ReplicationFactor != 1 || k.MinISR != 1 {
		t.Errorf("contract %+v", k)
	}
	if err := c.CreateTopics(ctx, []target.Topic{{Name: "two", Partitions: 1, RF: 2}}); err == nil || !strings.Contains(err.Error(), "the number of brokers") {
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
