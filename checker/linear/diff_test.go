package linear

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
)

// rounds is how many small histories a differential test tries: enough to meet
// every shape in seconds, a hundred times as many with ACKPROOF_TEST_ALL.
func rounds(n int) int {
	if os.Getenv("ACKPROOF_TEST_ALL") != "" {
		return 30 * n
	}
	return n
}

// rule is the pairwise rule over the whole history, with batches as wholes.
func rule(ops []Op) bool {
	var s shape
	s.refine(&Window{Atomic: true, Ops: ops})
	return len(s.excluded) == 0 && len(s.torn) == 0 && len(Sweep(s.ops)) == 0
}

// porcupineByRank judges the whole history as one window.
func porcupineByRank(ops []Op) bool {
	var v Verify
	res := v.Window(Window{End: Inf, Atomic: true, Ops: ops})
	return len(res.Excluded) == 0 && res.Legal
}

// TestSweepAgrees: the pairwise rule, porcupine on the plain model, porcupine
// on the ranked model and a search that knows nothing give one answer.
func TestSweepAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	verdicts := map[bool]int{}
	for range rounds(100_000) {
		ops := smallHistory(r, 2)
		want := naive(ops)
		verdicts[want]++
		if got := rule(ops); got != want {
			t.Fatalf("sweep says %v, the search %v:\n%s", got, want, show(ops))
		}
		if got := porcupineByRank(ops); got != want {
			t.Fatalf("porcupine on ranks says %v, the search %v:\n%s", got, want, show(ops))
		}
		if got := porcupine.CheckOperations(plainModel, plainHistory(ops)); got != want {
			t.Fatalf("porcupine on the plain model says %v, the search %v:\n%s", got, want, show(ops))
		}
	}
	if verdicts[true] < 1000 || verdicts[false] < 1000 {
		t.Errorf("verdicts %v: one of them is hardly tested", verdicts)
	}
}

// stream feeds operations to a Log in the order of time, as a run would:
// unknown writes are seen late or never. It returns every violation found,
// while the operations return and in the windows.
func stream(ops []Op, cfg Config, seenAt []int64) (online, windows []Violation, results []Result) {
	var f Flight = *NewFlight()
	var v Verify
	cfg.Window = func(w Window) {
		res := v.Window(w)
		results = append(results, res)
		windows = append(windows, res.Violations...)
	}
	log := NewLog(cfg, &f)
	type event struct {
		at   int64
		rank int // calls before returns
		op   int
		what int
	}
	const call, lose, ret, seen = 0, 1, 2, 3
	var events []event
	for i := range ops {
		events = append(events, event{ops[i].Call, 0, i, call})
		if ops[i].Unknown {
			// The client gives up at a time of its own, which means nothing.
			events = append(events, event{min(seenAt[i], ops[i].Call+3), 1, i, lose})
			events = append(events, event{seenAt[i], 3, i, seen})
		} else {
			events = append(events, event{ops[i].Ret, 2, i, ret})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.rank - b.rank
	})
	tickets := make([]int32, len(ops))
	past := make([]Past, len(ops))
	note := func(v Violation, bad bool) {
		if bad {
			online = append(online, v)
		}
	}
	for _, e := range events {
		o := ops[e.op]
		switch e.what {
		case call:
			tickets[e.op] = f.Call(o.Call)
		case lose:
			past[e.op] = log.Past(o.Call, o.Process)
			f.Return(tickets[e.op])
			log.EndSession(o.Process)
		case ret:
			f.Return(tickets[e.op])
			note(log.Return(o))
		case seen:
			o.Ret = e.at
			note(log.Seen(o, past[e.op]))
		}
	}
	log.Finish()
	return online, windows, results
}

// TestStreamAgrees: what the log says while operations return, together with
// its windows, is what the rule says of the whole history; no window disagrees
// with its sweep.
func TestStreamAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	verdicts := map[bool]int{}
	many := 0
	for range rounds(100_000) {
		ops := smallHistory(r, 2)
		seenAt := make([]int64, len(ops))
		for i := range ops {
			if ops[i].Unknown {
				// A read that proves the write's length is its witness at the
				// latest; before, it may be seen at any time.
				seenAt[i] = ops[i].Call + int64(r.IntN(20))
				ops[i].Ret = Inf
			}
		}
		ops = withWitnesses(ops, &seenAt)
		want := rule(ops)
		if !disjoint(ops) {
			continue
		}
		verdicts[want]++
		online, windows, results := stream(ops, Config{Atomic: true, Size: 1 + r.IntN(3)}, seenAt)
		if got := len(online)+len(windows) == 0; got != want {
			t.Fatalf("stream says %v (%v %v), the rule %v:\n%s", got, online, windows, want, show(ops))
		}
		if len(results) > 1 {
			many++
		}
		for _, res := range results {
			if res.Disagree || res.Panic != nil {
				t.Fatalf("window [%d, %d) of %d disagrees (%v):\n%s\nof\n%s", res.Window.Start, res.Window.End, len(results), res.Panic, show(res.Window.Ops), show(ops))
			}
		}
		for _, v := range online {
			if v.B.Ret >= v.A.Call || v.B.Lo <= v.A.Hi {
				t.Fatalf("%+v does not contradict %+v", v.B, v.A)
			}
		}
	}
	if verdicts[true] < 1000 || verdicts[false] < 1000 || many < 1000 {
		t.Errorf("verdicts %v, %d cut into several windows: something is hardly tested", verdicts, many)
	}
}

// withWitnesses adds, for each unknown write, the read that sees it.
func withWitnesses(ops []Op, seenAt *[]int64) []Op {
	out := slices.Clone(ops)
	for i := range ops {
		if !ops[i].Unknown {
			continue
		}
		at := (*seenAt)[i]
		out = append(out, Op{Call: ops[i].Call, Ret: at, Lo: ops[i].Lo, Hi: Inf, Kind: Fetch,
			Process: int64(100 + i), Index: int64(100 + i), Invoked: -1, Value: -1})
		*seenAt = append(*seenAt, 0)
	}
	return out
}
