//go:build linux

package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
	"github.com/ackproof/ackproof/internal/proc"
)

// BenchmarkFeed judges a simulated feed that comes through a pipe, so that no
// file bounds its length: the built command, every pass, 8 logs, 50 clients.
// It reports the most anonymous memory, also at a quarter and at half of the
// way, and the most that was resident. ACKPROOF_BENCH_OPS=100000000 sets the size.
func BenchmarkFeed(b *testing.B) {
	bin := buildCommand(b)
	for _, n := range benchSizes(b, 1_000_000) {
		b.Run(fmt.Sprintf("ops=%d", n), func(b *testing.B) {
			for b.Loop() {
				feedOnce(b, bin, n)
			}
		})
	}
}

func feedOnce(b *testing.B, bin string, ops int) {
	b.Helper()
	cmd := exec.Command(bin, "check", "--json", "--format", "jsonl", "-")
	cmd.Env = append(os.Environ(), "ACKPROOF_CHILD=1") // one process, so that its memory is the whole
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	w, err := histories.NewWriter(in, histories.Formats[0])
	if err != nil {
		b.Fatal(err)
	}
	o := histtest.Options{Seed: 1, Ops: ops, Clients: 50, Logs: 8, Batches: -1, InfoRate: 0.01}
	h := o.Header()
	if err := w.WriteHeader(&h); err != nil {
		b.Fatal(err)
	}
	var most, rss, quarter, half int64
	seen := 0
	look := func() {
		u, err := proc.Of(cmd.Process.Pid)
		if err != nil {
			return
		}
		most, rss = max(most, u.Anon), max(rss, u.RSS)
		if seen <= ops/2 { // entries; an operation has two of them and more
			quarter = max(quarter, u.Anon)
		}
		if seen <= ops {
			half = max(half, u.Anon)
		}
	}
	histtest.Simulate(o, func(op *histories.Op) {
		_ = w.Write(op) // Close tells the first error
		if seen++; seen%(1<<16) == 0 {
			look()
		}
	})
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	if err := in.Close(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for waiting := true; waiting; {
		select {
		case err = <-done:
			waiting = false
		case <-time.After(50 * time.Millisecond):
			look()
		}
	}
	wall := time.Since(begin)
	var v checker.Verdict
	if jerr := json.Unmarshal(out.Bytes(), &v); err != nil || jerr != nil || v.Valid != checker.Valid {
		b.Fatalf("verdict %v %v: %v %v", v.Valid, v.Unknown, err, jerr)
	}
	b.ReportMetric(float64(v.Judged.Ops)/wall.Seconds(), "ops/s")
	b.ReportMetric(float64(quarter)/1e6, "MB-anon-quarter")
	b.ReportMetric(float64(half)/1e6, "MB-anon-half")
	b.ReportMetric(float64(most)/1e6, "MB-anon-peak")
	b.ReportMetric(float64(rss)/1e6, "MB-resident-peak")
	b.ReportMetric(float64(v.Judged.Records), "records")
}
