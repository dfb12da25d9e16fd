package generator

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// world runs a workload on the simulated cluster and returns its history.
func world(o histtest.Options, w Workload, cfg Config) histtest.History {
	h := histtest.History{Header: o.Header()}
	histtest.Drive(o, w.New(cfg), w.Final(cfg), h.Keep)
	return h
}

func config(s uint64, clients, logs int) (histtest.Options, Config) {
	o := histtest.Options{Seed: s, Clients: clients, Logs: logs, Ops: 4000}
	return o, Config{Seed: s, Concurrency: clients, Logs: o.Header().Logs, Batch: 10}
}

// TestFinalReadsSeeTheListedEnd holds the final reads to their promise, also
// where every third operation fails and sends land late.
func TestFinalReadsSeeTheListedEnd(t *testing.T) {
	for _, w := range Workloads {
		for _, fail := range []float64{-1, 0.3} {
			o, cfg := config(7, 5, 3)
			o.FailRate, o.InfoRate = fail, 0.05
			h := world(o, w, cfg)
			read := map[int64]map[int64]bool{}
			ends, reached := map[int64]int64{}, map[int64]int64{}
			starts := map[int64]bool{}
			final := false
			for i := range h.Ops {
				op := &h.Ops[i]
				final = final || op.Event != nil && op.Event.Phase == histories.PhaseFinal
				if !final || op.Type != histories.OK {
					continue
				}
				for k, rec := range op.Polled() {
					if read[k] == nil {
						read[k] = map[int64]bool{}
					}
					read[k][rec.Offset] = true
				}
				for _, f := range op.Fetched {
					reached[f.Key] = max(reached[f.Key], f.Position)
				}
				for _, end := range op.Offsets {
					switch op.F {
					case histories.EndOffsets:
						ends[end.Key] = end.Offset
					case histories.StartOffsets:
						starts[end.Key] = true
					}
				}
			}
			for _, l := range cfg.Logs {
				// Markers and aborted records are nobody's.
				if w.Client == "txn" && starts[l.Key] && len(read[l.Key]) > 100 && reached[l.Key] >= ends[l.Key] {
					continue
				}
				if !starts[l.Key] || ends[l.Key] < 100 || int64(len(read[l.Key])) != ends[l.Key] {
					t.Errorf("%s, %g failing: log %d: read %d of %d, start listed: %v", w.Name, fail, l.Key, len(read[l.Key]), ends[l.Key], starts[l.Key])
				}
			}
		}
	}
}

// TestTailingReadersSeeEveryOffset demands that each tailing reader's polls
// are contiguous from the first offset on.
func TestTailingReadersSeeEveryOffset(t *testing.T) {
	for _, w := range Workloads {
		o, cfg := config(3, 6, 2)
		o.FailRate = 0.1
		h := world(o, w, cfg)
		next := map[int64]int64{}
		for i := range h.Ops {
			op := &h.Ops[i]
			if op.Event != nil && op.Event.Phase == histories.PhaseQuiet {
				break
			}
			worker := int(op.Process) % w.Workers(cfg)
			if op.Process < 0 || worker < cfg.Concurrency || op.Type != histories.OK {
				continue
			}
			for k, rec := range op.Polled() {
				if w.Client == "txn" && rec.Offset > next[k] { // behind a marker
					next[k] = rec.Offset
				}
				if k != int64(worker-cfg.Concurrency) || rec.Offset != next[k] {
					t.Fatalf("%s: tailing reader %d polled log %d at %d, want %d", w.Name, worker, k, rec.Offset, next[k])
				}
				next[k]++
			}
		}
		for _, l := range cfg.Logs {
			if next[l.Key] < 100 {
				t.Errorf("%s: the tailing reader of log %d saw %d records", w.Name, l.Key, next[l.Key])
			}
		}
	}
}

// TestPollsHaveAnAssignment demands that nearly no poll fails for want of one:
// only those may whose renewal failed.
func TestPollsHaveAnAssignment(t *testing.T) {
	for _, w := range Workloads {
		o, cfg := config(11, 6, 2)
		o.FailRate, o.InfoRate = -1, 0.1
		h := world(o, w, cfg)
		polls, retired := 0, 0
		for i := range h.Ops {
			op := &h.Ops[i]
			switch {
			case op.Type == histories.Info && op.Event == nil:
				retired++
			case op.Type != histories.Invoke && op.F == histories.Txn && op.Type == histories.OK && polledAny(op):
				polls++
			case op.Type != histories.Invoke && op.F == histories.Poll:
				polls++
				if op.Type != histories.OK {
					t.Fatalf("%s: entry %d: poll of process %d: %s", w.Name, op.Index, op.Process, op.Error)
				}
			}
		}
		if polls < 1000 || retired < 100 {
			t.Errorf("%s: %d polls, %d retired processes", w.Name, polls, retired)
		}
	}
}

// polledAny tells whether the transaction made a poll.
func polledAny(op *histories.Op) bool {
	return slices.ContainsFunc(op.Mops, func(m histories.Mop) bool { return m.Polled })
}

// TestValuesTellTheirOrigin demands dense values that say who sent them.
func TestValuesTellTheirOrigin(t *testing.T) {
	for _, w := range Workloads {
		o, cfg := config(5, 7, 3)
		h := world(o, w, cfg)
		sent := make([]int64, cfg.Concurrency)
		for i := range h.Ops {
			op := &h.Ops[i]
			if op.Type != histories.Invoke || op.F != histories.Send && op.F != histories.Txn {
				continue
			}
			worker := int(op.Process) % w.Workers(cfg)
			for m := range op.Sends() {
				if want := cfg.Value(worker, sent[worker]); m.Value != want || op.F == histories.Send && m.Key != op.Mops[0].Key {
					t.Fatalf("%s: entry %d: worker %d sends %+v, want the value %d", w.Name, op.Index, worker, m, want)
				}
				sent[worker]++
			}
		}
	}
}

func ExampleConfig_Value() {
	cfg := Config{Concurrency: 10}
	fmt.Println(cfg.Value(3, 0), cfg.Value(3, 1), cfg.Value(4, 1))
	// Output: 3 13 14
}
