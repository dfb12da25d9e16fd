//go:build linux

package scenario

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
	"github.com/ackproof/ackproof/internal/target/kafkatest"
	"github.com/ackproof/ackproof/nemesis"
)

// eventLimit bounds the waits for what a cluster does by itself within seconds,
// on a machine that may have other things to do.
const eventLimit = 3 * time.Minute

// needKafka skips where Kafka cannot be run, unless it must.
func needKafka(t *testing.T, version string) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: a real Kafka takes a while")
	}
	err := kafkadist.Available(version)
	if err != nil && !kafkatest.Required() {
		t.Skipf("SKIPPED: %v; ACKPROOF_REQUIRE_KAFKA=1 makes this a failure", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kafkaBase is what runs on a real Kafka have in common.
func kafkaBase(version string) run.Spec {
	base := run.Default()
	base.Target, base.Nemesis, base.Seed = "kafka", []string{"none"}, 1
	if version != "" {
		base.Target += ":" + version
	}
	base.WholeLimit = run.Duration(eventLimit)
	return base
}

// TestKafka is the leg on a real Kafka: one cluster of three nodes, which is
// administered, made to lose by the positive controls, used safely under faults,
// and watched all the while in the kernel's socket table.
func TestKafka(t *testing.T) {
	needKafka(t, "")
	k := &run.Keeper{Spec: kafkaBase(""), Dir: t.TempDir(), Name: "kafka"}
	begin := time.Now()
	bed, err := k.Bed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("three nodes after %v", time.Since(begin).Round(100*time.Millisecond))
	w, stop := watchWays(bed.Cluster())
	defer stop()
	t.Run("cluster", func(t *testing.T) { testCluster(t, bed.Cluster(), k.Dir) })
	t.Run("controls", func(t *testing.T) { testControls(t, k) })
	stop()
	if now, err := k.Bed(t.Context()); err != nil || now != bed {
		t.Fatalf("a scenario failed so that the cluster was replaced (%v): nothing is known of its sockets", err)
	}
	t.Run("every link has its proxy", func(t *testing.T) {
		round, led, err := w.seen()
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range round {
			t.Errorf("%s goes round the proxies", way)
		}
		for _, from := range w.nodes {
			for _, to := range w.nodes {
				if way := from.Name + " → " + to.Name; from.Name != to.Name && !slices.Contains(led, way) {
					t.Errorf("no connection %s was seen: nothing is known of it", way)
				}
			}
		}
	})
	t.Run("a link that is left out is seen", func(t *testing.T) { testLinkLeftOut(t, bed.Cluster(), k.Dir) })
}

// testLinkLeftOut sends n1 straight to n2, and demands that the socket table
// shows that and nothing else.
func testLinkLeftOut(t *testing.T, c target.Cluster, dir string) {
	ctx, cancel := context.WithTimeout(t.Context(), eventLimit)
	defer cancel()
	hosts := only(t, filepath.Join(dir, "*", "data", "n1", "hosts"))
	b, err := os.ReadFile(hosts)
	if err != nil {
		t.Fatal(err)
	}
	var block int
	if _, err := fmt.Sscanf(c.Nodes()[1].Upstream, "127.%d.0.2:", &block); err != nil {
		t.Fatalf("%s: %v", c.Nodes()[1].Upstream, err)
	}
	proxy, node := fmt.Sprintf("127.%d.1.2 ", block), fmt.Sprintf("127.%d.0.2 ", block)
	if !strings.Contains(string(b), proxy) {
		t.Fatalf("the hosts file has no %q:\n%s", proxy, b)
	}
	if err := os.WriteFile(hosts, []byte(strings.Replace(string(b), proxy, node, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	p := c.(nemesis.Processes)
	if err := errors.Join(p.Kill(ctx, "n1"), p.Restart(ctx, "n1")); err != nil {
		t.Fatal(err)
	}
	w, stop := watchWays(c)
	defer stop()
	for {
		round, _, err := w.seen()
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range round {
			if !strings.HasPrefix(way, "n1 → n2 by ") {
				t.Errorf("%s goes round the proxies as well", way)
			}
		}
		if len(round) > 0 {
			return
		}
		select {
		case <-time.After(socketEvery):
		case <-ctx.Done():
			t.Fatal("n1 was sent straight to n2, and nobody saw it")
		}
	}
}

// only is the one file that the pattern names.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// driven is all that a cluster of ours can be told.
type driven interface {
	target.Cluster
	nemesis.Processes
	nemesis.Admin
}

// testCluster takes the cluster through what can be done with it, node by node
// and topic by topic.
func testCluster(t *testing.T, cluster target.Cluster, dir string) {
	c, ctx := cluster.(driven), t.Context()
	if k := c.Contract(); k.MinISR != 2 || k.ReplicationFactor != 3 || *k.UncleanElection || k.Durability != "replicated" || k.Reads != "kafka" {
		t.Errorf("contract without topics %+v", k)
	}
	if err := c.CreateTopics(ctx, []target.Topic{{Name: "safe", Partitions: 4}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Whole(ctx, []string{"safe"}); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes() {
		u, err := proc.Of(c.PID(n.Name))
		if err != nil {
			t.Fatal(err)
		}
		if u.RSS > 250<<20 {
			t.Errorf("%s holds %d MB, more than 250", n.Name, u.RSS>>20)
		}
		t.Logf("%s: %d MB, %s", n.Name, u.RSS>>20, n.Version)
	}
	s, err := c.State(ctx, "safe")
	if err != nil || s.Error != "" || len(s.Alive) != 3 || s.Controller == "" {
		t.Fatalf("state %+v, %v", s, err)
	}
	for i, leader := range []string{"n1", "n2", "n3", "n1"} {
		if p := s.Partitions[i]; p.Leader != leader || len(p.ISR) != 3 || p.End != 0 {
			t.Errorf("partition %+v, want the leader %s", p, leader)
		}
	}
	w := writer(t, c, "safe")
	t.Run("admin", func(t *testing.T) { testAdmin(t, c, w, dir) })
	t.Run("processes", func(t *testing.T) { testProcesses(t, c, w) })
	loose := target.Topic{Name: "loose", Partitions: 1, Config: map[string]string{"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}}
	if err := c.CreateTopics(ctx, []target.Topic{loose}); err != nil {
		t.Fatal(err)
	}
	if k := c.Contract(); k.MinISR != 1 || !*k.UncleanElection {
		t.Errorf("contract %+v", k)
	}
	if err := c.DeleteTopics(ctx, []string{"loose", "safe"}); err != nil {
		t.Error(err)
	}
}

// writer produces to a cluster without going through links, until the test ends.
func writer(t *testing.T, c target.Cluster, topic string) *kgo.Client {
	t.Helper()
	to := map[string]string{}
	var seeds []string
	for _, n := range c.Nodes() {
		to[n.Addr] = n.Upstream
		seeds = append(seeds, n.Addr)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DefaultProduceTopic(topic), kgo.DisableClientMetrics(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(50*time.Millisecond), kgo.UnknownTopicRetries(-1),
		kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, to[addr])
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func send(ctx context.Context, cl *kgo.Client, partition int32, n int) error {
	for i := range n {
		if err := cl.ProduceSync(ctx, &kgo.Record{Partition: partition, Value: fmt.Append(nil, "record ", i)}).FirstErr(); err != nil {
			return err
		}
	}
	return nil
}

func testAdmin(t *testing.T, c driven, w *kgo.Client, dir string) {
	ctx := t.Context()
	if err := errors.Join(c.MoveLeader(ctx, "safe", 0, "n3"), c.MoveLeader(ctx, "safe", 0, "n3")); err != nil {
		t.Fatal(err)
	}
	s, err := c.State(ctx, "safe")
	if p, _ := s.Of("safe", 0); err != nil || p.Leader != "n3" || p.Epoch < 1 {
		t.Errorf("after the move %+v, %v", p, err)
	}
	if err := c.Reassign(ctx, "safe", 3, []string{"n2", "n3"}); err != nil {
		t.Fatal(err)
	}
	s, err = c.State(ctx, "safe")
	if p, _ := s.Of("safe", 3); err != nil || !slices.Equal(p.Replicas, []string{"n2", "n3"}) {
		t.Errorf("after the reassignment %+v, %v", p, err)
	}
	if err := c.MoveLeader(ctx, "safe", 3, "n1"); err == nil || !strings.Contains(err.Error(), "not in sync") {
		t.Errorf("a leader without a replica: %v", err)
	}
	if err := c.Reassign(ctx, "safe", 3, []string{"n1", "n2", "n3"}); err != nil {
		t.Fatal(err)
	}
	rolling, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		for rolling.Err() == nil {
			if err := send(ctx, w, 1, 1); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	if err := c.RollSegments(ctx, "safe"); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, n := range c.Nodes() {
		if files, err := filepath.Glob(filepath.Join(dir, "*", "data", n.Name, "data", "safe-1", "*.log")); err != nil || len(files) < 2 {
			t.Errorf("segments on %s: %v, %v", n.Name, files, err)
		}
	}
}

func testProcesses(t *testing.T, c driven, w *kgo.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*eventLimit)
	defer cancel()
	s, err := c.State(ctx, "safe")
	if err != nil {
		t.Fatal(err)
	}
	follower := "n1"
	if s.Controller == follower {
		follower = "n2"
	}
	if err := c.Pause(ctx, follower); err != nil {
		t.Fatal(err)
	}
	// Others say that it has left; itself, were it asked, would not know.
	for {
		s, err := c.State(ctx, "safe")
		if err == nil && len(s.Alive) == 2 && !slices.Contains(s.Alive, follower) {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("nobody notices the pause of %s: alive are %v, %v", follower, s.Alive, err)
		}
		time.Sleep(socketEvery)
	}
	if err := c.Resume(ctx, follower); err != nil {
		t.Fatal(err)
	}
	if err := c.Whole(ctx, []string{"safe"}); err != nil {
		t.Fatal(err)
	}
	if s, err = c.State(ctx, "safe"); err != nil {
		t.Fatal(err)
	}
	before := c.PID(s.Controller)
	if err := c.Kill(ctx, s.Controller); err != nil || c.PID(s.Controller) != 0 {
		t.Fatalf("kill: %v", err)
	}
	if err := send(ctx, w, 1, 5); err != nil {
		t.Errorf("two of three do not take records: %v", err)
	}
	if err := c.Restart(ctx, s.Controller); err != nil || c.PID(s.Controller) == before {
		t.Fatalf("restart: %v", err)
	}
	if err := c.Whole(ctx, []string{"safe"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(ctx, follower); err != nil {
		t.Error(err)
	}
	if err := c.Restart(ctx, follower); err != nil {
		t.Fatal(err)
	}
	if err := c.Whole(ctx, []string{"safe"}); err != nil {
		t.Fatal(err)
	}
}

// TestKafkaOlder uses the line before the current one safely.
func TestKafkaOlder(t *testing.T) {
	const version = "3.9.2"
	if os.Getenv("ACKPROOF_TEST_ALL") != "1" {
		t.Skip("ACKPROOF_TEST_ALL=1 runs it")
	}
	needKafka(t, version)
	base := kafkaBase(version)
	out, err := RunSuite(t.Context(), []*Scenario{safely(t, false)}, SuiteOptions{
		Name: "older", Base: base, Store: t.TempDir(),
		Options: func(*Scenario) run.Options { return run.Options{Store: t.TempDir(), Tool: "test"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	convicted(t, out[0])
	t.Logf("safely on %s: %v, %d operations", base.Target, out[0].Valid(), out[0].Result.Verdict.Judged.Ops)
}
