package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/internal/proc"
)

// guidePorts are the ports of the guide's topology.
var guidePorts = []int{8474, 9092, 9093, 9094, 19092, 19093, 19094, 15001, 15002, 15003}

// TestQuickStart pastes every block of docs/quickstart.md into one shell, beside
// a Toxiproxy server that is built from its Go module.
func TestQuickStart(t *testing.T) {
	for _, port := range guidePorts {
		all, _ := proc.Listeners(port)
		for _, held := range all {
			if !held.Takes("127.0.0.1") {
				continue
			}
			if os.Getenv("CI") != "" {
				t.Fatalf("port %d of the guide is held by %+v", port, held)
			}
			t.Skipf("SKIPPED: port %d of the guide is held by %+v", port, held)
		}
	}
	doc, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	server := filepath.Join(bin, "toxiproxy-server")
	if out, err := exec.Command("go", "build", "-o", server, "github.com/Shopify/toxiproxy/v2/cmd/server").CombinedOutput(); err != nil {
		t.Fatalf("build toxiproxy-server: %v\n%s", err, out)
	}
	var script strings.Builder
	script.WriteString("set -eu\ntrap 'kill $(jobs -p)' EXIT\n")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	for _, b := range blocks {
		if !strings.Contains(b[1], "go install") { // built above, so that no network is needed
			script.WriteString(b[1])
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"chronik-node3-raft   127.0.0.1:15003", // the six proxies are listed
		"carries nothing",                      // the doctor on the Raft proxies
		"verdict: valid",                       // of a run through them
		`"name": "chronik-node1-kafka"`,        // looked at as JSON
		"reset 0 proxies",                      // the run left nothing behind
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the quick start does not say %q:\n%s", want, out.String())
		}
	}
	if len(blocks) != 5 {
		t.Errorf("%d blocks, want 5", len(blocks))
	}
}
