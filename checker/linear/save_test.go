package linear

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestSavedWindows: a window that was saved is the window that it was, and
// porcupine and the sweep agree on every window in testdata. A disagreement
// found in a run goes there.
func TestSavedWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	var v Verify
	agree := func(w Window) {
		t.Helper()
		var s shape
		s.refine(&w)
		if res := v.Window(w); !res.Decided || res.Legal != (len(s.torn)+len(Sweep(s.ops)) == 0) {
			t.Errorf("porcupine says %v, the sweep %v %v", res.Legal, s.torn, Sweep(s.ops))
		}
	}
	for range 100 {
		ops := smallHistory(r, 2)
		for i := range ops {
			ops[i].violates = false
		}
		w := Window{Log: 3, End: Inf, Atomic: true, Ops: ops, Closed: len(ops)}
		b, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		var back Window
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if len(ops) > 0 && !reflect.DeepEqual(w, back) {
			t.Fatalf("saved %+v, read %+v", w, back)
		}
		agree(back)
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w Window
		if err := json.Unmarshal(b, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		agree(w)
	}
}
