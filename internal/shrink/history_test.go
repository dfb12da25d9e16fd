package shrink

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// judge judges a file as the corpus does.
func judge(t testing.TB, path string) checker.Verdict {
	t.Helper()
	in, err := histories.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	v, err := checker.Check(in, checker.Options{MinAcked: -1, MinOpsPerFault: -1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// proves demands that every file that was written is convicted of the kind.
func proves(t *testing.T, h *History, limit int) {
	t.Helper()
	dir := t.TempDir()
	paths, err := h.Save(dir, "the test")
	if err != nil {
		t.Fatal(err)
	}
	if h.Ops > limit {
		text, _ := h.Text("the test")
		t.Errorf("%s: %d operations; want at most %d\n%s", h.Kind, h.Ops, limit, text)
	}
	if len(paths) != 3 {
		t.Fatalf("wrote %v", paths)
	}
	for _, path := range paths {
		v := judge(t, path)
		found := false
		for _, a := range v.Anomalies {
			found = found || a.Kind == h.Kind
		}
		if !found {
			b, _ := os.ReadFile(path)
			t.Errorf("%s does not show %s but %s:\n%s", filepath.Base(path), h.Kind, headlines(&v), b)
		}
	}
}

// most is how many operations may be left of a kind: what groups and
// transactions did, and that nothing went on although it was asked for, is told
// by more steps than what became of a record.
func most(k checker.Kind) int {
	switch groupOf(k) {
	case checker.GroupConsumer, checker.GroupTxn, checker.GroupLiveness:
		return 8
	}
	return 6
}

// TestCorpusShrinks shrinks every saved history that has a headline, for each
// of its headlines.
func TestCorpusShrinks(t *testing.T) {
	files, err := filepath.Glob("../../histories/corpus/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("the corpus is missing: %d files, %v", len(files), err)
	}
	guilty := 0
	for _, file := range files {
		v := judge(t, file)
		for _, a := range v.Anomalies {
			guilty++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+string(a.Kind), func(t *testing.T) {
				h, err := Shrink(file, Options{Kind: a.Kind})
				if err != nil {
					t.Fatal(err)
				}
				proves(t, h, most(a.Kind))
			})
		}
	}
	if guilty < 25 {
		t.Errorf("%d headlines were shrunk", guilty)
	}
}

// usual are the sins whose runs are shrunk by make test; ACKPROOF_TEST_ALL=1
// takes all of the catalogue.
var usual = []string{
	"two-values", "truncate", "vanish", "lose", "never-append", "duplicate", "append-failed", "reorder-producer", "go-back",
	"skip-inside", "end-back", "stale", "delete-early",
}

// TestMutatedRunsShrink shrinks simulated runs of which each commits one sin of
// the catalogue.
func TestMutatedRunsShrink(t *testing.T) {
	plain := histtest.Valid(histtest.Options{Seed: 1, Ops: 3000, Clients: 6, InfoRate: 0.03, FailRate: 0.02, Ends: 60, Starts: 30, Assigns: 60, Crashes: 8})
	txns := histtest.Valid(histtest.Options{Seed: 1, Ops: 1000, Clients: 6, Txns: true, InfoRate: 0.03, FailRate: 0.02})
	for i, m := range histtest.Mutations {
		t.Run(m.Name, func(t *testing.T) {
			if os.Getenv("ACKPROOF_TEST_ALL") != "1" && !slices.Contains(usual, m.Name) {
				t.Skip("ACKPROOF_TEST_ALL=1 runs it")
			}
			base := plain
			if m.Txns {
				base = txns
			}
			h, _, err := m.Apply(rand.New(rand.NewPCG(1, uint64(i))), base)
			if err != nil && m.Txns {
				t.Skip(err) // not every run of transactions has the opportunity
			}
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "history.jsonl")
			save(t, path, h)
			s, err := Shrink(path, Options{Kind: checker.Kind(m.Kind)})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d operations, the checker was asked %d times", m.Name, s.Ops, s.Judged)
			proves(t, s, most(checker.Kind(m.Kind)))
		})
	}
}

func save(t testing.TB, path string, h histtest.History) {
	t.Helper()
	f, err := histories.FormatOf(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Save(out, f); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsSpare: no operation and no part of one can be taken away, and
// what is missing convicts nobody: the case is one of the whole history.
func TestNothingIsSpare(t *testing.T) {
	base := histtest.Valid(histtest.Options{Seed: 3, Ops: 1500, Clients: 5, InfoRate: 0.03, FailRate: 0.02})
	for i, m := range histtest.Mutations {
		if m.Kind != "truncated-ack" && m.Kind != "poll-skip" && m.Kind != "inconsistent-offset" {
			continue
		}
		h, e, err := m.Apply(rand.New(rand.NewPCG(3, uint64(i))), base)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "history.jsonl")
		save(t, path, h)
		got, err := Shrink(path, Options{Kind: checker.Kind(m.Kind)})
		if err != nil {
			t.Fatal(err)
		}
		if got.Example.Log != e.Log || got.Example.Offset != e.Offset {
			t.Errorf("%s: shows offset %d of log %d; the sin is at %d of log %d", m.Name, got.Example.Offset, got.Example.Log, e.Offset, e.Log)
		}
		small := filepath.Join(t.TempDir(), "history.txt")
		text, err := got.Text(path)
		if err == nil {
			err = os.WriteFile(small, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := Shrink(small, Options{Kind: checker.Kind(m.Kind)})
		if err != nil {
			t.Fatal(err)
		}
		if again.Ops != got.Ops || len(again.Entries) != len(got.Entries) {
			t.Errorf("%s: of %d operations %d were enough:\n%s", m.Name, got.Ops, again.Ops, text)
		}
	}
}

// TestNothingToShrink: a history without such a headline is told in a sentence.
func TestNothingToShrink(t *testing.T) {
	valid := filepath.Join(t.TempDir(), "history.jsonl")
	save(t, valid, histtest.Valid(histtest.Options{Ops: 300}))
	for path, kind := range map[string]checker.Kind{
		valid: "",
		"../../histories/corpus/lost-below-the-end.txt":          checker.TruncatedAck,
		"../../histories/corpus/ack-then-reuse-under-acks-1.txt": "",
	} {
		_, err := Shrink(path, Options{Kind: kind})
		var nothing *Nothing
		if !errors.As(err, &nothing) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// BenchmarkShrink shrinks a history of a million operations in which one
// acknowledged record is in no poll, and tells how much longer that takes than
// a check. ACKPROOF_BENCH_SHRINK sets another number of operations.
func BenchmarkShrink(b *testing.B) {
	n := 1_000_000
	if s := os.Getenv("ACKPROOF_BENCH_SHRINK"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(b.TempDir(), "history.jsonl")
	loseOne(b, path, histtest.Options{Seed: 1, Ops: n, Clients: 50, Logs: 8, Batches: -1}, int64(n/30))
	for b.Loop() {
		begin, cpu := time.Now(), cpuTime()
		if v := judge(b, path); v.Valid != checker.Invalid {
			b.Fatalf("the history is %s", v.Valid)
		}
		check, checkCPU := time.Since(begin), cpuTime()-cpu
		h, err := Shrink(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(check.Seconds(), "s-check")
		b.ReportMetric(h.Beyond.Seconds(), "s-beyond")
		b.ReportMetric(checkCPU.Seconds(), "cpu-s-check")
		b.ReportMetric((cpuTime() - cpu - 2*checkCPU).Seconds(), "cpu-s-beyond")
		b.ReportMetric(float64(h.Ops), "ops-left")
	}
}

// loseOne writes a simulated history in which the record at one offset of the
// first log was acknowledged and is in no poll.
func loseOne(b *testing.B, path string, o histtest.Options, offset int64) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	format, err := histories.FormatOf(path)
	if err != nil {
		b.Fatal(err)
	}
	w, err := histories.NewWriter(f, format)
	if err != nil {
		b.Fatal(err)
	}
	h := o.Header()
	if err := w.WriteHeader(&h); err != nil {
		b.Fatal(err)
	}
	histtest.Simulate(o, func(op *histories.Op) {
		if op.F == histories.Poll && has(op, 0, offset) {
			op = lessOf(op, &cut{}, func(log int64, r histories.Rec) bool { return log == 0 && r.Offset == offset })
		}
		_ = w.Write(op) // Close tells
	})
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		b.Fatal(err)
	}
}

// cpuTime is what this process has used of the processors: on a busy machine it
// says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
