package checker

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// TestArena: a history is judged alike wherever its facts lie: on the heap, in a
// file, or where no file can be had after all.
func TestArena(t *testing.T) {
	for seed := range uint64(3) {
		h := histtest.Valid(histtest.Options{Seed: seed, Ops: 3000, Logs: 3, Clients: 5})
		if seed == 2 { // a record is lost, for sentences with offsets and times
			for i := range h.Ops {
				if op := &h.Ops[i]; len(op.Mops) > 0 && op.Mops[0].Send && op.Type == histories.OK {
					op.Mops[0].Value += 1 << 40
					break
				}
			}
		}
		var want []byte
		for _, where := range []string{"heap", "file", "nowhere"} {
			j := NewJudge(h.Header, true, Options{MinAcked: 5, MinOpsPerFault: 1})
			a := j.env.Facts.arena
			a.dir = t.TempDir()
			switch where {
			case "file":
				a.most = 0
			case "nowhere":
				a.most, a.dir = 0, filepath.Join(a.dir, "none")
			}
			for i := range h.Ops {
				j.Observe(&h.Ops[i])
			}
			j.flush()
			var all [batchesUnderWay]*batch
			for i := range all {
				all[i] = <-j.free
			}
			if inFile := len(a.chunk) > 0; inFile != (where == "file" && runtime.GOOS == "linux") {
				t.Errorf("%s: the facts lie in a file: %v", where, inFile)
			}
			if left, _ := os.ReadDir(a.dir); len(left) > 0 {
				t.Errorf("%s: the file has a name: %v", where, left)
			}
			for _, b := range all {
				j.free <- b
			}
			got, err := json.Marshal(j.Finish())
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Errorf("seed %d, %s: the verdicts differ:\n%s\n%s", seed, where, got, want)
			}
		}
	}
}

// TestClockThins: the clock of a long history stays small and tells times to the
// width of what it keeps.
func TestClockThins(t *testing.T) {
	var c clock
	const n = 3 * maxSamples * sampleEvery
	for i := int64(0); i < n; i += sampleEvery {
		c.observe(i, time.Duration(i))
	}
	if len(c.samples) > maxSamples || len(c.samples) < maxSamples/2 {
		t.Errorf("%d samples", len(c.samples))
	}
	for _, at := range []int64{0, 63, n / 3, n - 1} {
		if got := int64(c.at(at)); got > at || at-got > 8*sampleEvery {
			t.Errorf("entry %d is taken for entry %d", at, got)
		}
	}
}
