//go:build linux

package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
	"github.com/ackproof/ackproof/internal/target/kafkatest"
)

// needKafka skips where Kafka cannot be run, unless it must.
func needKafka(t *testing.T) {
	t.Helper()
	err := kafkadist.Available("")
	if err != nil && !kafkatest.Required() {
		t.Skipf("SKIPPED: %v; ACKPROOF_REQUIRE_KAFKA=1 makes this a failure", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// writer produces to a cluster without going through links, until it is stopped.
func writer(t *testing.T, c *managed, topic string) *kgo.Client {
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

// TestKafkaCluster takes a real cluster of three through all that can be done
// with it, node by node and topic by topic.
func TestKafkaCluster(t *testing.T) {
	needKafka(t)
	dir := t.TempDir()
	begin := time.Now()
	c := start(t, "kafka", Config{Nodes: 3, DataDir: dir, Timeout: 30 * time.Second, WholeLimit: time.Minute}).(*managed)
	started := time.Since(begin)
	ctx := t.Context()
	if k := c.Contract(); k.MinISR != 2 || k.ReplicationFactor != 3 || *k.UncleanElection || k.Durability != "replicated" || k.Reads != "kafka" {
		t.Errorf("contract without topics %+v", k)
	}
	if err := c.CreateTopics(ctx, []Topic{{Name: "safe", Partitions: 4}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Whole(ctx, []string{"safe"}); err != nil {
		t.Fatal(err)
	}
	t.Logf("three nodes after %v, whole with topics after %v", started.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
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
	t.Run("admin", func(t *testing.T) { testAdmin(t, c, w) })
	t.Run("processes", func(t *testing.T) { testProcesses(t, c, w) })
	t.Run("power loss", func(t *testing.T) { testPowerLoss(t, c, w) })
	t.Run("contract", func(t *testing.T) {
		loose := Topic{Name: "loose", Partitions: 1, Config: map[string]string{"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}}
		if err := c.CreateTopics(ctx, []Topic{loose}); err != nil {
			t.Fatal(err)
		}
		if k := c.Contract(); k.MinISR != 1 || !*k.UncleanElection {
			t.Errorf("contract %+v", k)
		}
		if err := c.DeleteTopics(ctx, []string{"loose", "safe"}); err != nil {
			t.Error(err)
		}
	})
}

func testAdmin(t *testing.T, c *managed, w *kgo.Client) {
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
	if files, err := c.nodes[1].segments("safe", 1); err != nil || len(files) < 2 {
		t.Errorf("segments %v, %v", files, err)
	}
}

func testProcesses(t *testing.T, c *managed, w *kgo.Client) {
	ctx := t.Context()
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
	deadline, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = c.until(deadline, func() error {
		s, err := c.State(ctx, "safe")
		if err == nil && (len(s.Alive) != 2 || slices.Contains(s.Alive, follower)) {
			err = fmt.Errorf("alive are %v", s.Alive)
		}
		return err
	})
	if err != nil {
		t.Errorf("nobody notices the pause of %s: %v", follower, err)
	}
	if err := c.Resume(ctx, follower); err != nil {
		t.Fatal(err)
	}
	if err := c.Whole(ctx, []string{"safe"}); err != nil {
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

// testPowerLoss kills all three, truncates the same log on each, and finds that
// acknowledged records are gone.
func testPowerLoss(t *testing.T, c *managed, w *kgo.Client) {
	ctx := t.Context()
	if err := send(ctx, w, 2, 200); err != nil {
		t.Fatal(err)
	}
	s, err := c.State(ctx, "safe")
	if err != nil {
		t.Fatal(err)
	}
	before, _ := s.Of("safe", 2)
	for _, n := range c.Nodes() {
		if err := c.Kill(ctx, n.Name); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range c.Nodes() {
		if lost, err := c.LoseTail(ctx, n.Name, "safe", 2, 2000); err != nil || lost != 2000 {
			t.Errorf("%s lost %d bytes, %v", n.Name, lost, err)
		}
	}
	for _, n := range c.Nodes() { // one after the other: the first cannot answer alone
		if err := c.Restart(ctx, n.Name); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Whole(ctx, []string{"safe"}); err != nil {
		t.Fatal(err)
	}
	if s, err = c.State(ctx, "safe"); err != nil {
		t.Fatal(err)
	}
	after, _ := s.Of("safe", 2)
	if lost := before.End - after.End; lost < 1 || lost > 100 {
		t.Errorf("%d records are gone (%d of %d stay), want some", lost, after.End, before.End)
	} else {
		t.Logf("%d of %d acknowledged records are gone", lost, before.End)
	}
}

// TestKilledHarness kills whoever started Kafka outright: no JVM lives on, and
// the addresses are free.
func TestKilledHarness(t *testing.T) {
	needKafka(t)
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), kafkaParent+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pid, block int
	if _, err := fmt.Sscan(line, &pid, &block); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil || strings.Contains(string(b), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the JVM lives on")
		}
	}
	held, err := net.Listen("unix", fmt.Sprintf("@ackproof-127.%d", block))
	if err != nil {
		t.Fatalf("the addresses are not free: %v", err)
	}
	held.Close()
}

// kafkaParent makes the test's own binary start a Kafka in that directory.
const kafkaParent = "ACKPROOF_TEST_KAFKA_PARENT"

func serveKafka(dir string) {
	c, err := Start(context.Background(), "kafka", Config{Nodes: 1, DataDir: dir, Timeout: 30 * time.Second})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.(*managed).PID("n1"), c.(*managed).block.number)
	select {}
}
