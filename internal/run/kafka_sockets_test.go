//go:build linux

package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
	"github.com/ackproof/ackproof/internal/target/kafkatest"
	"github.com/ackproof/ackproof/nemesis"
)

// socketEvery is the pause between two looks at the kernel's socket table: a
// connection that is refused stands in it for a moment only.
const socketEvery = 20 * time.Millisecond

// ways notes which ways the nodes of a cluster are seen to take to each other.
type ways struct {
	nodes []target.Node
	procs nemesis.Processes

	mu     sync.Mutex
	led    map[string]bool // n1 → n2, through the proxy
	round  map[string]bool // round it
	failed error
}

// look reads the socket table once. A node that dials comes from 127.0.0.1, so
// that the other end of its socket says where to: 127.B.0.j is node j itself,
// 127.B.i.j the proxy that stands between i and j.
func (w *ways) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, n := range w.nodes {
		pid := w.procs.PID(n.Name)
		if pid == 0 {
			continue
		}
		sockets, err := proc.Sockets(pid)
		if err != nil && w.procs.PID(n.Name) == pid {
			w.failed = err
		}
		for _, s := range sockets {
			var block, from, to int
			if _, err := fmt.Sscanf(s.Remote, "127.%d.%d.%d:", &block, &from, &to); err != nil || block < 77 || to == i+1 {
				continue // somebody else's end of what the node accepted, or itself
			}
			switch way := fmt.Sprintf("n%d → n%d", i+1, to); from {
			case 0:
				w.round[way+" by "+s.Remote] = true
			case i + 1:
				w.led[way] = true
			}
		}
	}
}

// watchWays looks again and again until stop is called.
func watchWays(b *Bed) (w *ways, stop func()) {
	w = &ways{nodes: b.cluster.Nodes(), procs: b.world().Processes, led: map[string]bool{}, round: map[string]bool{}}
	quit := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			w.look()
			select {
			case <-quit:
				return
			case <-time.After(socketEvery):
			}
		}
	})
	return w, func() {
		close(quit)
		group.Wait()
	}
}

// openKafka opens a bed on three nodes of a target, with a topic.
func openKafka(t *testing.T, where string) *Bed {
	t.Helper()
	spec := Default()
	spec.Target = where
	b, err := OpenBed(t.Context(), spec, BedConfig{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := b.cluster.CreateTopics(t.Context(), []target.Topic{{Name: "ways", Partitions: 3}}); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNoConnectionGoesRoundTheProxies looks at the kernel's socket table while
// a real Kafka's nodes lose their connections and dial again, and while leaders
// move; and finds the one link that is left out of another cluster.
func TestNoConnectionGoesRoundTheProxies(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: a real Kafka takes a while")
	}
	if err := kafkadist.Available(""); err != nil {
		if kafkatest.Required() {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED: %v; ACKPROOF_REQUIRE_KAFKA=1 makes this a failure", err)
	}
	t.Run("every link", func(t *testing.T) {
		b := openKafka(t, "kafka")
		w, stop := watchWays(b)
		disturb(t, b)
		stop()
		if w.failed != nil {
			t.Fatal(w.failed)
		}
		for way := range w.round {
			t.Errorf("%s goes round the proxies", way)
		}
		for _, from := range w.nodes {
			for _, to := range w.nodes {
				if way := from.Name + " → " + to.Name; from.Name != to.Name && !w.led[way] {
					t.Errorf("no connection %s was seen: nothing is known of it", way)
				}
			}
		}
	})
	t.Run("one left out", func(t *testing.T) {
		b := openKafka(t, "process:"+withoutLink(t))
		w, stop := watchWays(b)
		if err := b.cluster.Whole(t.Context(), []string{"ways"}); err != nil {
			t.Error(err)
		}
		stop()
		if w.failed != nil {
			t.Fatal(w.failed)
		}
		for way := range w.round {
			if !strings.HasPrefix(way, "n1 → n2 by ") {
				t.Errorf("%s goes round the proxies as well", way)
			}
		}
		if len(w.round) == 0 {
			t.Error("n1 was sent straight to n2, and nobody saw it")
		}
	})
}

// disturb makes every node dial anew: its connections are cut, its leaders move,
// and it is killed and comes back.
func disturb(t *testing.T, b *Bed) {
	t.Helper()
	world := b.world()
	world.Topics = []string{"ways"}
	nem := nemesis.New(nemesis.Config{World: world, Log: t.Output()})
	for i, e := range []nemesis.Event{
		{Fault: "isolate-down", On: []string{"n1"}, For: 2 * time.Second},
		{Fault: "move-leaders", On: []string{"n2"}, For: time.Second},
		{Fault: "isolate-down", On: []string{nemesis.AtController}, For: 2 * time.Second},
		{Fault: "kill", On: []string{"n3"}, For: time.Second},
	} {
		e.ID = i
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := nem.Hold(ctx, e); err != nil {
			t.Error(err)
		}
		cancel()
	}
	if err := nem.Heal(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.cluster.Whole(t.Context(), []string{"ways"}); err != nil {
		t.Error(err)
	}
}

// withoutLink is Kafka's cluster file, but for the hosts file of n1, which leads
// straight to n2.
func withoutLink(t *testing.T) string {
	t.Helper()
	d, err := target.InstallKafka(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../target/clusterfile/shipped/kafka.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for old, now := range map[string]string{
		"{{range .peers}}{{.host}} k{{.id}}.lab": "{{range .peers}}{{if and (eq $.id 1) (eq .id 2)}}127.{{$.block}}.0.2{{else}}{{.host}}{{end}} k{{.id}}.lab",
		"java: java":                             "java: " + d.Java,
		`classpath: ""`:                          "classpath: " + d.ClassPath(),
		"  cds: -Xshare:auto":                    "  cds: -XX:SharedArchiveFile=" + d.Archive,
	} {
		if !strings.Contains(text, old) {
			t.Fatalf("the cluster file has no %q", old)
		}
		text = strings.Replace(text, old, now, 1)
	}
	path := filepath.Join(t.TempDir(), "kafka.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
