package checker

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// TestGuiltyStands: whatever ends a run early is a violation in the verdict of
// the whole history, under the contract as it is and under one that allows loss;
// and most kinds are seen before the end.
func TestGuiltyStands(t *testing.T) {
	early := map[string]bool{}
	for _, m := range slices.Concat(histtest.Mutations, histtest.Allowed, histtest.Innocents) {
		for seed := range uint64(2) {
			h := histtest.Valid(histtest.Options{Seed: seed, Ops: 800, Logs: 2, Clients: 3 + int(seed), InfoRate: 0.03, FailRate: 0.02})
			h, _, err := m.Apply(rand.New(rand.NewPCG(seed, 5)), h)
			if err != nil {
				continue
			}
			for _, acks := range []string{h.Header.Contract.Acks, "1"} {
				h.Header.Contract.Acks = acks
				kind, v := guilty(h.Header, true, h.Ops)
				if kind != "" && v.Valid != Invalid {
					t.Errorf("%s, seed %d, acks=%s: %s was certain, and the verdict is %v: %s", m.Name, seed, acks, kind, v.Valid, headlinesOf(v))
				}
				early[string(kind)] = true
			}
		}
	}
	files, err := filepath.Glob("../histories/corpus/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("the corpus is missing")
	}
	for _, file := range files {
		in, err := histories.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		h, has := in.Header()
		var ops []histories.Op
		for op, err := in.Next(); err == nil; op, err = in.Next() {
			ops = append(ops, histories.Op{})
			op.CopyTo(&ops[len(ops)-1])
		}
		in.Close()
		kind, v := guilty(h, has, ops)
		if kind != "" && v.Valid != Invalid {
			t.Errorf("%s: %s was certain, and the verdict is %v: %s", file, kind, v.Valid, headlinesOf(v))
		}
		early[string(kind)] = true
	}
	for _, k := range []Kind{
		CorruptRecord, InconsistentOffset, Duplicate, AbortedRead, NonmonotonicPoll, OffsetRegression, NonlinearizableLog, EndOffsetRegression,
		LeaderEpochRegression, CommittedOffsetRegression, CommittedOffsetLost, CommittedOffsetNonlinearizable, TwoOwners,
	} {
		if !early[string(k)] {
			t.Errorf("%s was never seen before the end: %v", k, early)
		}
	}
}

// guilty judges a history and tells for what it was called guilty before its end.
func guilty(h histories.Header, has bool, ops []histories.Op) (Kind, Verdict) {
	j := NewJudge(h, has, Options{MinAcked: -1, MinOpsPerFault: -1})
	for _, p := range j.passes {
		if g, ok := p.Pass.(*groups); ok {
			g.looks.every = -1 // at every completion
		}
	}
	for i := range ops {
		j.Observe(&ops[i])
	}
	j.flush()
	var all [batchesUnderWay]*batch
	for i := range all { // all of them are back: everybody has seen everything
		all[i] = <-j.free
	}
	kind := j.Conviction()
	for _, b := range all {
		j.free <- b
	}
	return kind, j.Finish()
}

// TestStopped: a history that ended early because of a violation says so, and
// that too little was done by then raises no doubt; where the whole history
// explains what was seen, the doubt stays.
func TestStopped(t *testing.T) {
	const head = `header acks=all reads=strict retention=none final-reads log=0:t/0; nemesis phase calm; `
	const tail = `; nemesis phase evidence why="inconsistent-offset"; p9 epochs 0:1 ids=3; nemesis phase heal; nemesis phase final; p10 b 0:0; p10 e 0:1; p10 a 0 seek=beginning; p10 p 1@0; p10 e 0:1; nemesis phase end`
	for _, tt := range []struct {
		name, body string
		valid      Validity
		reasons    int
	}{
		{"convicted", "p0 s 1@0; p1 s 2@0", Invalid, 0},
		{"explained", "p0 s 1@0", Unknown, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			format, err := histories.FormatOf("table.txt")
			if err != nil {
				t.Fatal(err)
			}
			in, err := histories.NewReader(strings.NewReader(strings.ReplaceAll(head+tt.body+tail, "; ", "\n")+"\n"), format, "table")
			if err != nil {
				t.Fatal(err)
			}
			v, err := Check(in, Options{MinAcked: 50})
			if err != nil {
				t.Fatal(err)
			}
			little := 0
			for _, r := range v.Unknown {
				if r.Kind == TooLittleWork {
					little++
				}
			}
			if v.Valid != tt.valid || v.Stopped != "inconsistent-offset" || little != tt.reasons {
				t.Errorf("%s", text(v))
			}
		})
	}
}
