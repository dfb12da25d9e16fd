package generator

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// planned returns the first n counted operations of a worker in a run where
// nothing goes wrong and nobody else is there.
func planned(w Workload, cfg Config, worker, n int) []byte {
	g := w.New(cfg)
	var b []byte
	var op histories.Op
	now := time.Duration(0)
	for n > 0 {
		op.Reset()
		if g.Next(now, worker, &op) == Go {
			if cfg.Counted(worker, &op) {
				b = histories.AppendJSON(b, &op)
				n--
			}
			op.Type = histories.OK
			g.Saw(worker, &op)
		}
		now += time.Second
	}
	return b
}

// TestOperationsAreAFunctionOfSeedWorkerAndNumber gives a generator random
// outcomes in a random interleaving and demands the planned operations all the
// same.
func TestOperationsAreAFunctionOfSeedWorkerAndNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom(Workloads).Draw(t, "workload")
		cfg := Config{
			Seed:        rapid.Uint64().Draw(t, "seed"),
			Concurrency: rapid.IntRange(1, 5).Draw(t, "concurrency"),
			Logs:        histtest.Options{Logs: rapid.IntRange(1, 4).Draw(t, "logs")}.Header().Logs,
			Groups:      w.Groups,
			Batch:       rapid.IntRange(0, 8).Draw(t, "batch"),
		}
		g := w.New(cfg)
		got := make([][]byte, w.Workers(cfg))
		counts := make([]int, w.Workers(cfg))
		now := time.Duration(0)
		var op histories.Op
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 1<<16), 0, 300).Draw(t, "steps") {
			worker := step % len(got)
			now += time.Duration(step) * time.Microsecond
			op.Reset()
			switch g.Next(now, worker, &op) {
			case Wait:
				continue
			case Done:
				t.Fatalf("worker %d has nothing more to do", worker)
			}
			if cfg.Counted(worker, &op) {
				op.Process = 0
				got[worker] = histories.AppendJSON(got[worker], &op)
				counts[worker]++
			}
			op.Type = []histories.Type{histories.OK, histories.OK, histories.Fail, histories.Info}[step>>8&3]
			g.Saw(worker, &op)
		}
		for worker := range got {
			if want := planned(w, cfg, worker, counts[worker]); !bytes.Equal(got[worker], want) {
				t.Fatalf("worker %d:\n%s\nwant\n%s", worker, got[worker], want)
			}
		}
	})
}

var update = flag.Bool("update", false, "write the golden files")

// TestGoldenOperations holds the operations of a seed byte for byte: changing
// them breaks the replay of every saved run.
func TestGoldenOperations(t *testing.T) {
	for _, w := range Workloads {
		_, cfg := config(1, 3, 4)
		if cfg.Groups = w.Groups; len(w.Groups) > 0 {
			cfg.Concurrency = rolesCycle
		}
		var got []byte
		for worker := range cfg.Concurrency + 1 {
			got = append(got, planned(w, cfg, worker, 40)...)
		}
		name := filepath.Join("testdata", w.Name+".golden")
		if *update {
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the operations of seed 1 changed; got\n%s", w.Name, got)
		}
	}
}

func TestMixes(t *testing.T) {
	for _, w := range Workloads {
		m, ok := map[string]mix{"log": logMix, "queue": queueMix}[w.Name]
		if !ok {
			continue
		}
		sum := 0
		for _, c := range m {
			sum += c.share
		}
		if sum != 1000 {
			t.Errorf("%s: the shares add up to %d", w.Name, sum)
		}
		_, cfg := config(9, 1, 4)
		c := newClient(cfg, 0, m)
		const n = 200_000
		counts := map[histories.F]int{}
		batches, beginnings := 0, 0
		var op histories.Op
		for range n {
			op.Reset()
			m.pick(c.rand).draw(c, &op)
			counts[op.F]++
			if len(op.Mops) > 1 {
				batches++
			}
			if op.F == histories.Assign && op.Seek.To == histories.SeekBeginning {
				beginnings++
			}
			if len(op.Mops) > cfg.Batch {
				t.Fatalf("%s: a batch of %d", w.Name, len(op.Mops))
			}
		}
		within := func(what string, got int, low, high float64) {
			if share := float64(got) / n; share < low || share > high {
				t.Errorf("%s: %s are %.4f of the operations, want %g to %g", w.Name, what, share, low, high)
			}
		}
		within("sends", counts[histories.Send], 0.55, 0.60)
		within("batches", batches, 0.09, 0.20)
		within("polls", counts[histories.Poll], 0.34, 0.40)
		within("end offsets", counts[histories.EndOffsets], 0.015, 0.05)
		within("assignments", counts[histories.Assign], 0.017, 0.023)
		within("assignments to the beginning", beginnings, 0.00005, 0.0004)
		within("crashes", counts[histories.Crash], 0.0005, 0.002)
	}
}

// TestTransactionMixes holds the shares of transactions, their aborts and their
// parts.
func TestTransactionMixes(t *testing.T) {
	const n = 100_000
	for name, m := range map[string]mix{"transactors": txnMix, "transformers": transformMix} {
		sum := 0
		for _, c := range m {
			sum += c.share
		}
		if sum != 1000 {
			t.Errorf("%s: the shares add up to %d", name, sum)
		}
		_, cfg := config(9, 6, 4)
		c := newTransformer(cfg, 2)
		counts, txns, aborts, sends, polls := map[histories.F]int{}, 0, 0, 0, 0
		var op histories.Op
		for range n {
			op.Reset()
			m.pick(c.rand).draw(c, &op)
			counts[op.F]++
			if op.F != histories.Txn {
				continue
			}
			txns++
			if op.Abort != 0 {
				aborts++
			}
			if len(op.Mops) < 1 || len(op.Mops) > maxMops || int(op.Abort) > len(op.Mops)+1 {
				t.Fatalf("%s: %+v", name, op)
			}
			for _, mop := range op.Mops {
				if mop.Send {
					sends++
				} else {
					polls++
				}
			}
			if op.Group != "" && (op.Mops[0].Send || polls != txns) {
				t.Fatalf("%s: a transformation polls once, first: %+v", name, op)
			}
		}
		if share := float64(aborts) / float64(txns); share < 0.11 || share > 0.14 {
			t.Errorf("%s: %.3f of the transactions are aborted", name, share)
		}
		if txns < n/2 || sends < txns || polls < txns/2 {
			t.Errorf("%s: %d transactions with %d sends and %d polls", name, txns, sends, polls)
		}
		if name == "transactors" {
			for _, f := range []histories.F{histories.Fence, histories.StableOffsets, histories.Send, histories.Poll, histories.Crash, histories.Assign} {
				if counts[f] < n/1000 {
					t.Errorf("%d of %v", counts[f], f)
				}
			}
		}
	}
}

// TestCatalogue demands what the reference pages and the header rely on.
func TestCatalogue(t *testing.T) {
	if Workloads[0].Name != "log" {
		t.Errorf("the default workload is %q", Workloads[0].Name)
	}
	for _, w := range Workloads {
		if w.Name == "" || w.Doc == "" || w.Client == "" {
			t.Errorf("workload %+v lacks a name, a description or a client", w)
		}
		var c histories.Contract
		if tailed := w.Contract(&c); !tailed || c.Attempts == "" || c.Consumers != "assign" && len(w.Groups) == 0 {
			t.Errorf("%s: tailed %v, contract %+v", w.Name, tailed, c)
		}
		_, cfg := config(1, 3, 4)
		if n := w.Workers(cfg); n != 7 {
			t.Errorf("%s: %d workers", w.Name, n)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	_, cfg := config(1, 15, 8)
	g := Workloads[0].New(cfg)
	var op histories.Op
	now := time.Duration(0)
	for i := 0; b.Loop(); i++ {
		op.Reset()
		g.Next(now, i%23, &op)
		op.Type = histories.OK
		g.Saw(i%23, &op)
		now += time.Microsecond
	}
}
