//go:build linux

package scenario

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/nemesis"
)

// standInVar makes the test's own binary a node of Chronik's topology.
const standInVar = "ACKPROOF_TEST_CHRONIK"

func TestMain(m *testing.M) {
	if os.Getenv(standInVar) != "" {
		fmt.Println(serveStandIn(os.Args[1:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// chronikNode is what a node's file says, as far as it matters who talks to whom.
type chronikNode struct {
	id    string
	bind  map[string]string
	peers []map[string]string
}

// readChronik reads the file of a node: tables of strings and numbers.
func readChronik(path string) (n chronikNode, err error) {
	b, err := os.ReadFile(path)
	table := map[string]string{}
	top := table
	for line := range strings.Lines(string(b)) {
		switch line = strings.TrimSpace(line); line {
		case "[[peers]]":
			table = map[string]string{}
			n.peers = append(n.peers, table)
		case "[bind]", "[advertise]":
			table = map[string]string{}
			if line == "[bind]" {
				n.bind = table
			}
		default:
			if key, value, ok := strings.Cut(line, " = "); ok {
				table[key] = strings.Trim(value, `"`)
			}
		}
	}
	n.id = top["node_id"]
	return n, err
}

// serveStandIn listens where the file says and talks to its peers where the file
// says they are, as Chronik's Raft and WAL do. It returns only where it cannot.
func serveStandIn(args []string) error {
	i := slices.Index(args, "--config")
	if i < 0 || args[0] != "start" {
		return fmt.Errorf("%q: want start --config FILE", args)
	}
	n, err := readChronik(args[i+1])
	if err != nil {
		return err
	}
	for _, port := range []string{"raft", "wal"} {
		ln, err := net.Listen("tcp", n.bind[port])
		if err != nil {
			return err
		}
		go func() {
			for {
				if _, err := ln.Accept(); err != nil { // held open: nothing has to be said
					return
				}
			}
		}()
		for _, p := range n.peers {
			if p["id"] != n.id {
				go talk(p[port])
			}
		}
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, n.bind["kafka"]) }))
	if err != nil {
		return err
	}
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		for _, p := range n.peers {
			b := kmsg.NewMetadataResponseBroker()
			var port string
			b.Host, port, _ = net.SplitHostPort(p["kafka"])
			_, _ = fmt.Sscan(p["id"], &b.NodeID)
			_, _ = fmt.Sscan(port, &b.Port)
			resp.Brokers = append(resp.Brokers, b)
		}
		resp.ControllerID = resp.Brokers[0].NodeID
		return resp, nil, true
	})
	select {}
}

// talk holds a connection to a peer, and dials again when it is gone.
func talk(addr string) {
	for ; ; time.Sleep(100 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		for err == nil {
			_, err = c.Write([]byte("append entries"))
			time.Sleep(50 * time.Millisecond)
		}
		if c != nil {
			c.Close()
		}
	}
}

// TestChronikTopology starts the topology of chronik.yaml with a stand-in for its
// binary: every node reaches every other by the proxies that the file gives it,
// and by nothing else; one that is killed comes back.
func TestChronikTopology(t *testing.T) {
	t.Setenv("CHRONIK_SERVER", os.Args[0])
	t.Setenv(standInVar, "1")
	spec := run.Default()
	spec.Target, spec.Nemesis = "process:chronik", []string{"none"}
	bed, err := run.OpenBed(t.Context(), spec, run.BedConfig{DataDir: t.TempDir(), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := bed.Close(); err != nil {
			t.Error(err)
		}
	}()
	w, stop := watchWays(bed.Cluster())
	defer stop()
	p := bed.Cluster().(nemesis.Processes)
	for end := time.Now().Add(eventLimit); ; time.Sleep(socketEvery) {
		round, led, err := w.seen()
		if err != nil {
			t.Fatal(err)
		}
		if len(round) > 0 {
			t.Fatalf("round the proxies go %v", round)
		}
		if len(led) == 6 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("only %v of 6 ways between nodes are in use", led)
		}
	}
	if err := p.Kill(t.Context(), "n2"); err != nil {
		t.Error(err)
	}
	if err := p.Restart(t.Context(), "n2"); err != nil || p.PID("n2") == 0 {
		t.Errorf("restart: %v", err)
	}
}
