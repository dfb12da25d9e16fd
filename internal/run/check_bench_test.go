package run

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/histtest"
)

// BenchmarkCheck judges generated histories from file with the built command,
// every pass and porcupine on every window, and reports operations per second
// and the peak memory of the process. 8 logs, 50 clients, 1 % unknown outcomes.
// ACKPROOF_BENCH_OPS=10000000 sets the size; the default keeps make bench short.
func BenchmarkCheck(b *testing.B) {
	bin := buildCommand(b)
	for _, n := range benchSizes(b, 100_000, 1_000_000) {
		b.Run(fmt.Sprintf("ops=%d", n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "history.jsonl")
			if _, err := histtest.Write(path, histtest.Options{Seed: 1, Ops: n, Clients: 50, Logs: 8, Batches: -1, InfoRate: 0.01}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				checkOnce(b, bin, path)
			}
		})
	}
}

// benchSizes are the numbers of operations that were asked for, or these.
func benchSizes(b *testing.B, sizes ...int) []int {
	b.Helper()
	s := os.Getenv("ACKPROOF_BENCH_OPS")
	if s == "" {
		return sizes
	}
	sizes = nil
	for f := range strings.SplitSeq(s, ",") {
		n := 0
		if _, err := fmt.Sscan(f, &n); err != nil {
			b.Fatalf("ACKPROOF_BENCH_OPS: %v", err)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// buildCommand builds the command for the benchmark and returns its path.
func buildCommand(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "ackproof")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/ackproof/ackproof/cmd/ackproof").CombinedOutput(); err != nil {
		b.Fatalf("build the command: %v\n%s", err, out)
	}
	return bin
}

func checkOnce(b *testing.B, bin, path string, flags ...string) {
	b.Helper()
	cmd := exec.Command(bin, append([]string{"check", "--json", path}, flags...)...)
	cmd.Env = append(os.Environ(), "ACKPROOF_CHILD=1") // one process, so that its memory is the whole
	begin := time.Now()
	out, err := cmd.Output()
	wall := time.Since(begin)
	if err != nil {
		b.Fatalf("check: %v\n%s", err, out)
	}
	var v checker.Verdict
	if err := json.Unmarshal(out, &v); err != nil || v.Valid != checker.Valid {
		b.Fatalf("verdict %v %v: %v", v.Valid, v.Unknown, err)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("no resource usage")
	}
	b.ReportMetric(float64(v.Judged.Ops)/wall.Seconds(), "ops/s")
	b.ReportMetric(float64(wall.Nanoseconds())/float64(v.Judged.Ops), "ns/op")
	b.ReportMetric(float64(usage.Maxrss)/1024, "MB-peak")
	b.ReportMetric(float64(usage.Utime.Nano()+usage.Stime.Nano())/1e9, "cpu-s") // tells more than the clock beside other work
	b.ReportMetric(float64(v.Judged.Records), "records")
	b.ReportMetric(float64(v.Judged.Windows), "windows")
}
