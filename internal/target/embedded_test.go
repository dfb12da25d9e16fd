package target

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/internal/target/mutants"
)

func start(t *testing.T, spec string, cfg Config) Cluster {
	t.Helper()
	c, err := Start(t.Context(), spec, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func adminOf(t *testing.T, c Cluster) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Nodes()[0].Addr), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// leaders returns the leader of every partition, by topic.
func leaders(t *testing.T, c Cluster, topics ...string) map[string][]int32 {
	t.Helper()
	m, err := adminOf(t, c).Metadata(t.Context(), topics...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]int32{}
	for _, topic := range m.Topics.Sorted() {
		for _, p := range topic.Partitions.Sorted() {
			out[topic.Topic] = append(out[topic.Topic], p.Leader)
		}
	}
	return out
}

func TestEmbeddedPlacesLeadersInTurn(t *testing.T) {
	for range 3 {
		c := start(t, "embedded", Config{})
		if err := c.CreateTopics(t.Context(), []Topic{{Name: "a", Partitions: 4}, {Name: "b", Partitions: 3}}); err != nil {
			t.Fatal(err)
		}
		if err := c.CreateTopics(t.Context(), []Topic{{Name: "c", Partitions: 2}}); err != nil {
			t.Fatal(err)
		}
		want := map[string][]int32{"a": {0, 1, 2, 0}, "b": {1, 2, 0}, "c": {1, 2}}
		if got := leaders(t, c, "a", "b", "c"); !reflect.DeepEqual(got, want) {
			t.Errorf("leaders %v, want %v", got, want)
		}
	}
}

func TestEmbeddedTopics(t *testing.T) {
	c := start(t, "embedded", Config{Nodes: 2})
	if n := c.Nodes(); len(n) != 2 || n[0].Name != "n1" || n[1].Name != "n2" || n[0].ID != 0 || n[0].Addr == n[1].Addr {
		t.Errorf("nodes %+v", n)
	}
	if k := c.Contract(); k.Reads != "strict" || k.ReplicationFactor != 2 || *k.UncleanElection || k.Retention != "none" {
		t.Errorf("contract %+v", k)
	}
	ctx := t.Context()
	for _, bad := range []Topic{{Name: "x"}, {Partitions: 1}, {Name: "x", Partitions: 1, RF: 3}, {Name: "x", Partitions: 1, RF: -1}} {
		if err := c.CreateTopics(ctx, []Topic{bad}); err == nil {
			t.Errorf("topic %+v was created", bad)
		}
	}
	if err := c.CreateTopics(ctx, []Topic{{Name: "x", Partitions: 2, Config: map[string]string{"retention.ms": "60000"}}}); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopics(ctx, []Topic{{Name: "x", Partitions: 2}}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a topic was created twice: %v", err)
	}
	rs, err := adminOf(t, c).DescribeTopicConfigs(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]string{}
	for _, k := range rs[0].Configs {
		config[k.Key] = k.MaybeValue()
	}
	for k, want := range map[string]string{"retention.ms": "60000", "retention.bytes": "-1", "cleanup.policy": "delete"} {
		if config[k] != want {
			t.Errorf("%s is %q, want %q", k, config[k], want)
		}
	}
	if err := c.Whole(ctx, []string{"x"}); err != nil {
		t.Error(err)
	}
	for range 2 { // the second time it is gone already
		if err := c.DeleteTopics(ctx, []string{"x"}); err != nil {
			t.Error(err)
		}
	}
	if got := leaders(t, c, "x"); len(got["x"]) != 0 {
		t.Errorf("the topic is still there: %v", got)
	}
	// A topic that nobody created stays uncreated, and is not whole.
	short := start(t, "embedded", Config{Timeout: 300 * time.Millisecond})
	if err := short.Whole(ctx, []string{"nobody"}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a missing topic is whole: %v", err)
	}
}

// TestEmbeddedLeavesNothing: a closed cluster has no goroutine and no listener.
func TestEmbeddedLeavesNothing(t *testing.T) {
	cycle := func() {
		c, err := Start(t.Context(), "embedded", Config{Mutant: "duplicate"})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CreateTopics(t.Context(), []Topic{{Name: "a", Partitions: 3}}); err != nil {
			t.Fatal(err)
		}
		addr := c.Nodes()[0].Addr
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			conn.Close()
			t.Errorf("%s still listens", addr)
		}
	}
	cycle()
	before := runtime.NumGoroutine()
	for range 5 {
		cycle()
	}
	for deadline := time.Now().Add(2 * time.Minute); runtime.NumGoroutine() > before+2; {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
		time.Sleep(10 * time.Millisecond)
	}
}

func TestEmbeddedOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var log bytes.Buffer
	c := start(t, "embedded", Config{DataDir: dir, Log: &log})
	if err := c.CreateTopics(t.Context(), []Topic{{Name: "a", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Nodes()[0].Addr), kgo.DefaultProduceTopic("a"), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), kgo.StringRecord("kept")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) == 0 {
		t.Error("nothing is kept in the data directory")
	}
	cl.Close()
	c.Close()
	if log.Len() > 0 {
		t.Errorf("a run without trouble logs: %s", &log)
	}
}

func TestEmbeddedMutant(t *testing.T) {
	honest := start(t, "embedded", Config{})
	var out bytes.Buffer
	if err := honest.Ledger(&out); err != nil || out.Len() > 0 {
		t.Errorf("an honest cluster has a ledger: %q, %v", &out, err)
	}
	for _, m := range mutants.Mutants {
		c := start(t, "embedded", Config{Mutant: m.Name, Seed: 1})
		if err := c.CreateTopics(t.Context(), []Topic{{Name: "a", Partitions: 3}}); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if err := c.Ledger(&out); err != nil || out.Len() > 0 {
			t.Errorf("%s has sinned before its time: %q, %v", m.Name, &out, err)
		}
		c.Close()
	}
}

func TestStartErrors(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for spec, c := range map[string]struct {
		ctx  context.Context
		cfg  Config
		want string
	}{
		"embeded":                 {want: `did you mean "embedded"?`},
		"":                        {want: "want embedded or external"},
		"embedded:x":              {want: "takes no argument"},
		"embedded":                {cfg: Config{Nodes: -1}, want: "at least 1"},
		"external":                {want: "external:HOST:PORT"},
		"external:localhost":      {want: "want HOST:PORT"},
		"external:a:1,b:0":        {want: "want 1 to 65535"},
		"external:127.0.0.1:9092": {cfg: Config{Mutant: "corrupt"}, want: "only the embedded target"},
	} {
		ctx := c.ctx
		if ctx == nil {
			ctx = t.Context()
		}
		if cl, err := Start(ctx, spec, c.cfg); err == nil {
			cl.Close()
			t.Errorf("%q starts", spec)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %q, want %q", spec, err, c.want)
		}
	}
	if _, err := Start(t.Context(), "embedded", Config{Mutant: "corupt"}); err == nil || !strings.Contains(err.Error(), `did you mean "corrupt"?`) {
		t.Errorf("error %v", err)
	}
	if _, err := Start(ended, "embedded", Config{}); err == nil {
		t.Error("a cluster starts after its context has ended")
	}
}
