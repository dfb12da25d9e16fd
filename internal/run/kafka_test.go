package run

import (
	"errors"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/target/kafkatest"
)

// TestRealKafka runs both workloads under every fault against a real
// single-node Apache Kafka, through the proxies. It needs Java and Maven.
func TestRealKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: a real Kafka takes a while")
	}
	addr, stop, err := kafkatest.Start(t.Context())
	if errors.Is(err, kafkatest.ErrMissing) && !kafkatest.Required() {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
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
