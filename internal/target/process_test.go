//go:build linux

package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fakeBroker makes the test's own binary a broker that listens there.
const fakeBroker = "ACKPROOF_TEST_FAKE_BROKER"

func TestMain(m *testing.M) {
	if addr := os.Getenv(fakeBroker); addr != "" {
		serveFake(addr)
	}
	if dir := os.Getenv(kafkaParent); dir != "" {
		serveKafka(dir)
	}
	os.Exit(m.Run())
}

func serveFake(addr string) {
	fmt.Println("fake broker at", addr)
	if os.Getenv("FAKE_DIES") != "" {
		fmt.Println("the disk is on fire")
		os.Exit(7)
	}
	_, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(os.Getenv("FAKE_DATA")), kfake.SyncWrites(),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, addr) }))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("serving")
	select {}
}

// writeFile writes a cluster file whose nodes are this binary.
func writeFile(t *testing.T, nodes int, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fake.yaml")
	text := fmt.Sprintf(`name: fake
nodes: %d
first_id: 0
ports:
  kafka: {port: 9092}
  gossip: {port: 9099, peers: true}
clients: kafka
advertised: "{{.addr.kafka}}"
command: [%s]
env: {%s: "{{.addr.kafka}}", FAKE_DATA: "{{.data}}"}
segments: "{{.data}}/partitions/{{.topic}}-{{.partition}}/*.dat"
%s
`, nodes, os.Args[0], fakeBroker, more)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// produce sends a record and waits for its acknowledgement.
func produce(t *testing.T, addr, topic, value string, limit time.Duration) error {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic), kgo.DisableClientMetrics(),
		kgo.RecordDeliveryTimeout(limit), kgo.RequestTimeoutOverhead(limit/2))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	return cl.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr()
}

// TestProcess takes a node of a process target through its life.
func TestProcess(t *testing.T) {
	dir := t.TempDir()
	var routed []Route
	cfg := Config{DataDir: dir, WholeLimit: 2 * time.Minute, Peers: func(_ context.Context, r []Route) error { routed = r; return nil }}
	c := start(t, "process:"+writeFile(t, 1, ""), cfg)
	m := c.(*managed)
	ctx := t.Context()
	if len(routed) != 0 {
		t.Errorf("a single node has peers: %v", routed)
	}
	node := c.Nodes()[0]
	if err := c.CreateTopics(ctx, []Topic{{Name: "ours", Partitions: 1, Config: map[string]string{
		"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}}}); err != nil {
		t.Fatal(err)
	}
	if k := c.Contract(); k.MinISR != 1 || k.ReplicationFactor != 1 || !*k.UncleanElection || k.Reads != "kafka" || k.Durability != "replicated" {
		t.Errorf("contract %+v", k)
	}
	if err := c.Whole(ctx, []string{"ours"}); err != nil {
		t.Fatal(err)
	}
	if err := produce(t, node.Addr, "ours", "x", 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	s, err := m.State(ctx)
	if err != nil || len(s.Partitions) != 1 || s.Partitions[0].End != 1 || s.Partitions[0].Leader != "n1" || s.Error != "" {
		t.Errorf("state %+v, %v", s, err)
	}

	pid := m.PID("n1")
	if err := m.Pause(ctx, "n1"); err != nil {
		t.Fatal(err)
	}
	if err := produce(t, node.Addr, "ours", "y", 2*time.Second); err == nil {
		t.Error("a paused broker answers")
	}
	if err := errors.Join(m.Resume(ctx, "n1"), m.Resume(ctx, "n1")); err != nil || m.PID("n1") != pid {
		t.Errorf("after the pause: %v, process %d instead of %d", err, m.PID("n1"), pid)
	}

	if _, err := m.LoseTail(ctx, "n1", "ours", 0, 10); err == nil || !strings.Contains(err.Error(), "kill it first") {
		t.Errorf("a running node lost its tail: %v", err)
	}
	if err := errors.Join(m.Kill(ctx, "n1"), m.Kill(ctx, "n1")); err != nil || m.PID("n1") != 0 {
		t.Errorf("kill: %v, process %d", err, m.PID("n1"))
	}
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := c.Whole(short, []string{"ours"}); err == nil || !strings.Contains(err.Error(), "n1 does not run") {
		t.Errorf("whole without a node: %v", err)
	}
	if lost, err := m.LoseTail(ctx, "n1", "ours", 0, 10); err != nil || lost != 10 {
		t.Errorf("lost %d, %v", lost, err)
	}
	if err := m.Restart(ctx, "n1"); err != nil || m.PID("n1") == pid {
		t.Fatalf("restart: %v", err)
	}
	if err := c.Whole(ctx, []string{"ours"}); err != nil {
		t.Error(err)
	}
	if err := m.Stop(ctx, "n1"); err != nil || m.PID("n1") != 0 {
		t.Errorf("stop: %v", err)
	}
	if err := m.Kill(ctx, "n2"); err == nil || !strings.Contains(err.Error(), `no node "n2"`) {
		t.Error(err)
	}
	m.DiscardData()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "n1", "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data stay: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "n1", "log")); err != nil {
		t.Errorf("the log does not stay: %v", err)
	}
}

// TestProcesses starts two clusters of three side by side: they do not share an
// address, and a node that ends by itself is told of.
func TestProcesses(t *testing.T) {
	var routed []Route
	peers := func(_ context.Context, r []Route) error { routed = r; return nil }
	file := writeFile(t, 3, "ready: {steps: [{tcp: kafka}, {log: serving}]}")
	one := start(t, "process:"+file, Config{Peers: peers}).(*managed)
	two := start(t, "process:"+file, Config{})
	if len(routed) != 6 {
		t.Errorf("%d routes, want 6", len(routed))
	}
	for _, r := range routed {
		if !strings.HasPrefix(r.Listen, fmt.Sprintf("127.%d.", one.block.number)) || r.Port != "gossip" {
			t.Errorf("route %+v", r)
		}
	}
	for i, n := range one.Nodes() {
		if n.Addr == two.Nodes()[i].Addr {
			t.Errorf("%s is at %s in both clusters", n.Name, n.Addr)
		}
	}
	exits := make(chan Exit, 3)
	stop := one.Watch(func(e Exit) { exits <- e })
	defer stop()
	ctx := t.Context()
	if err := one.Kill(ctx, "n1"); err != nil {
		t.Fatal(err)
	}
	p, _ := one.nodes[1].process()
	if err := p.Kill(ctx); err != nil { // behind the cluster's back
		t.Fatal(err)
	}
	select {
	case e := <-exits:
		if e.Node != "n2" || e.How != "signal: killed" || !strings.Contains(e.Log, "serving") {
			t.Errorf("%+v", e)
		}
	case <-time.After(2 * time.Minute):
		t.Error("nobody told of the death")
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if len(exits) > 0 {
		t.Errorf("what we end is told as a death: %+v", <-exits)
	}
	three := start(t, "process:"+file, Config{}).(*managed)
	if three.block.number != one.block.number {
		t.Errorf("the addresses 127.%d of a closed cluster are not free: got 127.%d", one.block.number, three.block.number)
	}
}

// TestProcessDoesNotStart says which step failed and shows the end of the log.
func TestProcessDoesNotStart(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) // ready at once
	defer web.Close()
	for _, c := range []struct {
		name, more string
		want       []string
	}{
		{"it ends", "warm: []\nvars: {x: ''}\nready: {limit: 180s, steps: [{tcp: kafka}]}", []string{
			"n1 is not ready", "readiness step 1 (tcp: kafka): the process has ended: exit status 7", "last lines of its log", "the disk is on fire"}},
		{"it never gets ready", "prepare: [[echo, prepared]]\nready: {limit: 1s, steps: [{http: '" + web.URL + "'}, {log: no such line}]}", []string{
			"n1 is not ready", "readiness step 2 (log: no such line): the log does not hold that text", "  prepared"}},
		{"it cannot be prepared", "prepare: [[sh, -c, 'echo broken; exit 3']]", []string{"prepare n1: run sh: exit status 3", "broken"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "it ends" {
				t.Setenv("FAKE_DIES", "1")
			}
			dir := t.TempDir()
			_, err := Start(t.Context(), "process:"+writeFile(t, 1, c.more), Config{DataDir: dir})
			if err == nil {
				t.Fatal("it started")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v\ndoes not say %q", err, w)
				}
			}
		})
	}
	if _, err := Start(t.Context(), "process:"+writeFile(t, 1, ""), Config{Nodes: 12}); err == nil || !strings.Contains(err.Error(), "12 nodes: want 1 to 9") {
		t.Error(err)
	}
	if err := Check("process:"); err == nil || !strings.Contains(err.Error(), "want a cluster file") {
		t.Error(err)
	}
}

// TestOverrides drives nodes by the file's own commands, as for containers.
func TestOverrides(t *testing.T) {
	c := start(t, "process:"+writeFile(t, 1, `
pause: [sh, -c, 'kill -STOP $(cat {{.dir}}/pid)']
resume: [sh, -c, 'kill -CONT $(cat {{.dir}}/pid)']
kill: [sh, -c, 'echo killed; kill -KILL $(cat {{.dir}}/pid)']
pid: [cat, "{{.dir}}/pid"]
cleanup: [sh, -c, 'echo cleaned']
stop: {run: [sh, -c, 'echo asked; kill -KILL $(cat {{.dir}}/pid)']}
`), Config{DataDir: t.TempDir()}).(*managed)
	n, ctx := c.nodes[0], t.Context()
	p, _ := n.process()
	pid := func() {
		p, _ = n.process()
		if err := os.WriteFile(filepath.Join(n.Dir, "pid"), fmt.Append(nil, p.PID()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pid()
	if err := c.Pause(ctx, "n1"); err != nil {
		t.Fatal(err)
	}
	if err := p.AwaitStopped(ctx, true); err != nil {
		t.Error(err)
	}
	if err := c.Resume(ctx, "n1"); err != nil {
		t.Fatal(err)
	}
	if c.PID("n1") != p.PID() {
		t.Errorf("process %d, want %d", c.PID("n1"), p.PID())
	}
	if err := c.Kill(ctx, "n1"); err != nil || p.Alive() {
		t.Fatalf("kill: %v", err)
	}
	if err := os.Remove(filepath.Join(n.Dir, "pid")); err != nil {
		t.Fatal(err)
	}
	if err := n.launch(); err != nil {
		t.Fatal(err)
	}
	pid()
	if err := c.Stop(ctx, "n1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(n.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"killed", "asked", "cleaned"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the log does not say %q: %s", want, b)
		}
	}
}
