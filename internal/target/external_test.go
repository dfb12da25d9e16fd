package target

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"
)

// TestExternal finds a cluster that somebody else runs by one of its addresses.
func TestExternal(t *testing.T) {
	theirs := start(t, "embedded", Config{})
	var log bytes.Buffer
	c := start(t, "external:"+theirs.Nodes()[1].Addr, Config{Log: &log})
	got, want := c.Nodes(), theirs.Nodes()
	if len(got) != len(want) {
		t.Fatalf("nodes %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i].Name != want[i].Name || got[i].ID != want[i].ID || got[i].Addr != want[i].Addr || got[i].Version == "" {
			t.Errorf("node %+v, want %+v and a version", got[i], want[i])
		}
		if !strings.Contains(log.String(), want[i].Addr) {
			t.Errorf("the log does not tell of %s: %s", want[i].Addr, &log)
		}
	}
	ctx := t.Context()
	if k := c.Contract(); k.Reads != "kafka" || k.ReplicationFactor != 3 || k.MinISR != 2 || *k.UncleanElection {
		t.Errorf("contract %+v", k)
	}
	if err := c.CreateTopics(ctx, []Topic{{Name: "ours", Partitions: 5, RF: 2}}); err != nil {
		t.Fatal(err)
	}
	if k := c.Contract(); k.ReplicationFactor != 2 || k.MinISR != 1 {
		t.Errorf("the contract does not say what the topics were created with: %+v", k)
	}
	if err := c.Whole(ctx, []string{"ours"}); err != nil {
		t.Error(err)
	}
	if n := len(leaders(t, theirs, "ours")["ours"]); n != 5 {
		t.Errorf("%d partitions", n)
	}
	if err := c.DeleteTopics(ctx, []string{"ours"}); err != nil {
		t.Error(err)
	}
	if err := c.Ledger(&log); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := theirs.CreateTopics(ctx, []Topic{{Name: "later", Partitions: 1}}); err != nil {
		t.Errorf("closing our end closed their cluster: %v", err)
	}
}

// TestUnreachable: a broker that refuses, and one that never says a word, are
// one sentence within a bounded time.
func TestUnreachable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() }) // the subtests run after this function
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	for what, addr := range map[string]string{"silent": silent.Addr().String(), "refused": refused.Addr().String()} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			c, err := Start(t.Context(), "external:"+addr, Config{Timeout: time.Second})
			if err == nil {
				c.Close()
				t.Fatal("it starts")
			}
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("it took %v", d)
			}
			if s := err.Error(); !strings.Contains(s, "no broker answers at "+addr) || strings.Contains(s, "\n") {
				t.Errorf("error %q", s)
			}
		})
	}
}
