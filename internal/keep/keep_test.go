//go:build linux

package keep

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// fakeBroker makes the test's own binary a broker that listens there.
const fakeBroker = "ACKPROOF_TEST_FAKE_BROKER"

func TestMain(m *testing.M) {
	if addr := os.Getenv(fakeBroker); addr != "" {
		_, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(os.Getenv("FAKE_DATA")), kfake.SyncWrites(),
			kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, addr) }))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	}
	os.Exit(m.Run())
}

// processFile is a cluster file of one node, which is this binary.
func processFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fake.yaml")
	text := fmt.Sprintf("name: fake\nnodes: 1\nfirst_id: 0\nports: {kafka: {port: 9092}}\nclients: kafka\nadvertised: \"{{.addr.kafka}}\"\n"+
		"command: [%s]\nenv: {%s: \"{{.addr.kafka}}\", FAKE_DATA: \"{{.data}}\"}\n", os.Args[0], fakeBroker)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// kept starts a keeper in this process and ends it with the test.
func kept(t *testing.T, name string, spec Spec) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- Keep(ctx, name, spec, nil, func() { close(ready) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		dir, _ := Dir(name)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something is left in %s: %v", dir, err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
}

// shortDir is a place for clusters whose sockets' paths are short enough.
func shortDir(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "keep")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(DirVar, dir)
	t.Cleanup(func() { os.RemoveAll(dir) })
}

// TestLent takes a kept cluster through its calls, and through two users.
func TestLent(t *testing.T) {
	shortDir(t)
	kept(t, "one", Spec{Target: "embedded", Nodes: 3})
	ctx := t.Context()
	c, info, err := Borrow(ctx, "one", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Nodes()) != 3 || info.Target != "embedded" || c.Contract().Reads != "strict" {
		t.Errorf("%+v, %+v, %+v", c.Nodes(), info, c.Contract())
	}
	if _, ok := c.(nemesis.Processes); ok {
		t.Error("an embedded cluster's processes are offered")
	}
	if _, _, err := Borrow(ctx, "one", time.Second); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("used by process %d", os.Getpid())) {
		t.Errorf("a second user: %v", err)
	}
	if err := c.CreateTopics(ctx, []target.Topic{{Name: "t", Partitions: 3}}); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopics(ctx, []target.Topic{{Name: "t", Partitions: 3}}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("the same topic again: %v", err)
	}
	if err := c.Whole(ctx, []string{"t"}); err != nil {
		t.Error(err)
	}
	if err := c.Whole(ctx, []string{"missing"}); err == nil {
		t.Error("a topic that is not there is whole")
	}
	s, err := Ask(ctx, "one")
	if err != nil || s.User == "" || len(s.Partitions) != 3 || s.Partitions[0].Leader != "n1" {
		t.Errorf("status %+v, %v", s, err)
	}
	if err := c.DeleteTopics(ctx, []string{"t"}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	c = again(t, "one")
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := Keep(ctx, "one", Spec{Target: "embedded"}, nil, nil); !errors.Is(err, ErrHeld) {
		t.Errorf("kept twice: %v", err)
	}
	if _, _, err := Borrow(ctx, "two", time.Second); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "there are: one") {
		t.Errorf("a cluster that is not there: %v", err)
	}
}

// again borrows a cluster as soon as it is free.
func again(t *testing.T, name string) target.Cluster {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, _, err := Borrow(t.Context(), name, 3*time.Minute)
		if err == nil {
			return c
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestDriven kills and pauses a node through its keeper, hears of its death, and
// finds it back when whoever did it is gone without a heal.
func TestDriven(t *testing.T) {
	shortDir(t)
	kept(t, "one", Spec{Target: "process:" + processFile(t), Nodes: 1})
	ctx := t.Context()
	lent := again(t, "one")
	c, ok := lent.(*Driven)
	if !ok {
		t.Fatalf("%T cannot be driven", lent)
	}
	pid := c.PID("n1")
	if pid == 0 {
		t.Fatal("the node does not run")
	}
	if err := errors.Join(c.Pause(ctx, "n1"), c.Resume(ctx, "n1"), c.Kill(ctx, "n1")); err != nil || c.PID("n1") != 0 {
		t.Fatalf("kill: %v", err)
	}
	if err := c.Kill(ctx, "n7"); err == nil || !strings.Contains(err.Error(), "no node") {
		t.Errorf("a node that is not there: %v", err)
	}
	if err := c.Close(); err != nil { // as if it had been killed: nothing is healed
		t.Fatal(err)
	}
	c = again(t, "one").(*Driven)
	next := c.PID("n1")
	if next == 0 || next == pid {
		t.Errorf("process %d, before %d: the node was not brought back", next, pid)
	}
	died := make(chan target.Exit, 1)
	stop := c.Watch(func(e target.Exit) { died <- e })
	p, err := os.FindProcess(next)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-died:
		if e.Node != "n1" || !strings.Contains(e.How, "killed") {
			t.Errorf("%+v", e)
		}
	case <-time.After(3 * time.Minute):
		t.Error("nobody tells of the death")
	}
	stop()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := Down(ctx, "one"); err != nil {
		t.Error(err)
	}
	if err := Down(ctx, "one"); !errors.Is(err, ErrUnknown) {
		t.Errorf("down twice: %v", err)
	}
}

// TestFailedStart leaves nothing, and says why.
func TestFailedStart(t *testing.T) {
	shortDir(t)
	path := filepath.Join(t.TempDir(), "bad.yaml")
	text := "name: bad\nnodes: 1\nports: {kafka: {port: 9092}}\nclients: kafka\nadvertised: \"{{.addr.kafka}}\"\ncommand: [sh, -c, 'echo out of luck; exit 3']\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	err := Keep(t.Context(), "bad", Spec{Target: "process:" + path, Nodes: 1}, nil, func() { t.Error("it is ready") })
	if err == nil || !strings.Contains(err.Error(), "readiness step 1") || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("error %v", err)
	}
	if names := Names(t.Context()); len(names) > 0 {
		t.Errorf("kept are %v", names)
	}
	if dir, _ := Dir("bad"); dir != "" {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something is left: %v", err)
		}
	}
}
