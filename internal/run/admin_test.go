package run

import (
	"context"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
)

// TestAdmin runs the workload for long enough that every kind of administration
// removed something, and demands that none of it is held against the broker.
func TestAdmin(t *testing.T) {
	var v checker.Verdict
	for _, limit := range []time.Duration{7 * time.Second, 15 * time.Second, 40 * time.Second} { // a busy machine does less
		spec := Default()
		spec.Workload, spec.Nemesis, spec.Rate = "admin", []string{"none"}, 2000
		spec.TimeLimit, spec.Quiet = Duration(limit), Duration(500*time.Millisecond)
		res, err := Run(context.Background(), spec, Options{Store: t.TempDir(), Tool: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if v = res.Verdict; v.Valid != checker.Unknown {
			break
		}
		t.Log(told(v))
	}
	if v.Valid != checker.Valid {
		t.Fatalf("%s", told(v))
	}
	a := v.Judged.Admin
	if a == nil || a.DeleteRecords == 0 || a.RecordsDeleted == 0 || a.RetainedOut == 0 || a.Compacted == 0 || a.TopicsRecreated == 0 || a.PartitionsAdded != 2 {
		t.Errorf("administration: %+v", a)
	}
}
