//go:build linux

package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/nemesis"
)

// testControls: a real Kafka that really loses or duplicates is convicted, by
// name and with the clause that allows it, and one that is used safely is not,
// whatever is done to it. Under ACKPROOF_TEST_ALL=1 each control has to convict
// three times out of three, and the safe run meets every fault there is.
//
// With ACKPROOF_TRACK_RECORD the table of what was found is written into the
// file that it names (make track-record).
func testControls(t *testing.T, k *run.Keeper) {
	list, _, err := Select("controls", k.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 4 {
		t.Fatalf("%d positive controls, want power loss, unclean election, acks=1 and lost acks at least", len(list))
	}
	safe := safely(t, os.Getenv("ACKPROOF_TEST_ALL") == "1")
	rounds := 1
	if os.Getenv("ACKPROOF_TEST_ALL") == "1" {
		rounds = 3
	}
	all := slices.Concat(slices.Repeat(list, rounds), []*Scenario{safe})
	out, err := RunSuite(t.Context(), all, SuiteOptions{
		Name: "controls", Base: k.Spec, Keeper: k, Store: t.TempDir(),
		Options: func(*Scenario) run.Options { return run.Options{Store: t.TempDir(), Tool: "test"} },
		Done: func(o Outcome) {
			t.Logf("control %s: %v after %v", o.Scenario.Name, o.Valid(), o.Took.Round(time.Second))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(all) {
		t.Fatalf("%d of %d scenarios ran", len(out), len(all))
	}
	for _, o := range out {
		convicted(t, o)
	}
	if path := os.Getenv("ACKPROOF_TRACK_RECORD"); path != "" {
		if err := writeTrackRecord(path, out[:len(list)]); err != nil {
			t.Error(err)
		}
	}
}

// convicted fails unless the outcome is what its scenario expects.
func convicted(t *testing.T, o Outcome) {
	v := o.Result.Verdict
	for _, e := range v.Expectations {
		if e.Met != checker.Valid {
			t.Errorf("%s: %s: %v: %s", o.Scenario.Name, e.Name, e.Met, e.Why)
		}
	}
	if o.Valid() != checker.Valid {
		t.Errorf("%s: %v: %v %+v %+v", o.Scenario.Name, o.Valid(), o.Err, v.Unknown, v.Anomalies)
	}
	if o.Scenario.Name != "power-loss" {
		return
	}
	// The same history where disks are promised: nothing allows the loss then.
	in, err := histories.Open(o.Result.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	h, _ := in.Header()
	h.Contract.Durability = "synced"
	v, err = checker.Check(in, checker.Options{Contract: &h.Contract})
	if err != nil {
		t.Fatal(err)
	}
	lost := false
	for _, a := range v.Anomalies {
		lost = lost || a.AllowedBy == "" && isLoss(a)
	}
	if v.Valid != checker.Invalid || !lost {
		t.Errorf("power loss under durability=synced is %v: %+v", v.Valid, v.Anomalies)
	}
}

// isLoss tells whether records were lost, as the headline or behind it.
func isLoss(a checker.Anomaly) bool {
	loss := []checker.Kind{checker.LostWrite, checker.TruncatedAck, checker.Unseen}
	return slices.Contains(loss, a.Kind) || slices.ContainsFunc(a.Follows, func(f checker.Follow) bool { return slices.Contains(loss, f.Kind) })
}

// safely is a scenario under --safe: one fault after the other, of those that
// stay inside the contract, each held until it is proven.
func safely(t *testing.T, every bool) *Scenario {
	t.Helper()
	some := []string{"oneway-reply", "isolate", "kill", "pause", "move-leaders"}
	var b strings.Builder
	b.WriteString("name: safe\ndoc: What is acknowledged by a safe cluster stays.\ntargets: [kafka]\n" +
		"spec: {workload: queue, rate: 300, topics: 1, partitions: 3, replication: 3, acks: all, idempotence: true, " +
		"topic_config: {min.insync.replicas: '2'}, calm: 1s, recovery: 2s, whole_limit: 120s}\nsteps:\n  - {phase: baseline, for: 1s}\n")
	nodes := []string{"n1", "n2", "n3"}
	for i, name := range nemesis.FaultNames(run.OfferOf("kafka", 3, "", false)) {
		f, ok := nemesis.FindFault(name)
		if !ok || !every && !slices.Contains(some, name) {
			continue
		}
		on := nodes[i%3 : i%3+1]
		if f.Hits == nemesis.HitsAll {
			on = nodes
		}
		fmt.Fprintf(&b, "  - phase: %s\n    for: 1s\n    limit: 120s\n    faults:\n      - {fault: %s, on: [%s]", name, name, strings.Join(on, ", "))
		if len(f.Directions) > 0 {
			fmt.Fprintf(&b, ", direction: %s", f.Directions[0])
		}
		if len(f.Args) > 0 {
			var args []string
			for _, a := range f.Args {
				args = append(args, fmt.Sprintf("%s: %v", a.Name, a.Max))
			}
			fmt.Fprintf(&b, ", args: {%s}", strings.Join(args, ", "))
		}
		fmt.Fprintf(&b, "}\n  - {phase: after-%s, acks: 20, whole: true, limit: 120s}\n", name)
	}
	b.WriteString("expect:\n  - {name: nothing lost, kind: anomalies}\n  - {name: whole again, kind: whole, args: {at_most_ms: 150000}}\n")
	s, err := Parse("safe.yaml", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return s
}

// writeTrackRecord writes the table of what was found between its marks.
func writeTrackRecord(path string, out []Outcome) error {
	var rows []report.TrackRow
	for _, o := range out {
		row := report.TrackRow{What: strings.TrimPrefix(o.Scenario.Doc, controlPrefix), Took: o.Took,
			Command: "ackproof scenario run " + o.Scenario.Name + " --target kafka"}
		for _, e := range o.Result.Verdict.Expectations {
			row.How = append(row.How, e.Why)
		}
		rows = append(rows, row)
	}
	page, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err
	}
	page, err = report.PutTrackRecord(page, rows)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, page, 0o644)
}
