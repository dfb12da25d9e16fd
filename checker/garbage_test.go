package checker

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// garbage draws a history without sense: any process, any outcome, offsets and
// values from everywhere, completions of nothing.
func garbage(draw func(n int) int, n int) histtest.History {
	numbers := []int64{-1, 0, 1, 2, 3, 4, 5, 127, 128, 1 << 20, 50_000_000, 1 << 40, 1 << 62, math.MaxInt64, math.MinInt64}
	number := func() int64 { return numbers[draw(len(numbers))] }
	var h histtest.History
	for i := range n {
		op := histories.Op{Index: int64(i), Time: time.Duration(draw(3) * i), Process: int64(draw(4)) - 1, Type: histories.Type(draw(4)), F: histories.F(draw(int(histories.Note) + 1))}
		if draw(20) == 0 {
			op.Index, op.Process = number(), number()
		}
		for range draw(3) {
			op.Mops = append(op.Mops, histories.Mop{Send: true, Key: int64(draw(2)), Value: number(), Offset: max(-2, number())})
		}
		for range draw(2) {
			m := histories.Mop{Polled: true, From: int32(len(op.Runs))}
			for range draw(3) {
				run := histories.Run{Key: int64(draw(2)), From: int32(len(op.Recs))}
				for range draw(4) {
					op.Recs = append(op.Recs, histories.Rec{Offset: max(-2, number()), Value: number()})
				}
				run.To = int32(len(op.Recs))
				op.Runs = append(op.Runs, run)
			}
			m.To = int32(len(op.Runs))
			op.Mops = append(op.Mops, m)
		}
		for range draw(2) {
			op.Keys = append(op.Keys, int64(draw(3)))
			op.Offsets = append(op.Offsets, histories.KeyOffset{Key: int64(draw(3)), Offset: number()})
			op.Fetched = append(op.Fetched, histories.Fetched{Key: int64(draw(3)), Position: number(), HighWatermark: number(), Epoch: number()})
			op.Bad = append(op.Bad, histories.BadRec{Key: int64(draw(2)), Offset: number(), Why: histories.BadForeign})
		}
		if op.Process == histories.Nemesis && draw(4) > 0 {
			held := draw(2) == 0
			phases := []string{histories.PhaseFinal, histories.PhaseEnd, histories.PhaseCalm, ""}
			op.Event = &histories.Event{ID: draw(3), Fault: "down", Phase: phases[draw(len(phases))], Held: &held, Why: "too-little-work: so"}
		}
		h.Ops = append(h.Ops, op)
	}
	return h
}

// TestGarbageNeverStopsTheCheck: no pass may fail on any history; where one
// does, its reason names it.
func TestGarbageNeverStopsTheCheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		n := rapid.IntRange(0, 300).Draw(t, "entries")
		r := rand.New(rand.NewPCG(seed, 1))
		h := garbage(r.IntN, n)
		h.Header = promised(seed%2 == 0)
		mustSurvive(t, h)
	})
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Add([]byte("the quick brown fox jumps over the lazy dog and back again, twice"))
	f.Fuzz(func(t *testing.T, b []byte) {
		i := 0
		draw := func(n int) int {
			if i >= len(b) {
				return 0
			}
			i++
			return int(b[i-1]) % n
		}
		h := garbage(draw, min(len(b)/8, 200))
		h.Header = promised(len(b)%2 == 0)
		mustSurvive(t, h)
	})
}

func mustSurvive(t interface{ Fatalf(string, ...any) }, h histtest.History) {
	j := NewJudge(h.Header, true, Options{MaxExamples: -1})
	for i := range h.Ops {
		j.Observe(&h.Ops[i])
	}
	v := j.Finish()
	for _, p := range j.passes {
		if p.broken {
			t.Fatalf("%s failed: %+v", p.name, p.report.unknown)
		}
	}
	if _, err := json.Marshal(v); err != nil {
		t.Fatalf("verdict: %v", err)
	}
}

// TestSameHistorySameVerdict: byte for byte, whatever the scheduling.
func TestSameHistorySameVerdict(t *testing.T) {
	for seed := range uint64(30) {
		h := garbage(rand.New(rand.NewPCG(seed, 7)).IntN, 400)
		h.Header = promised(true)
		var first []byte
		for range 3 {
			v, err := json.Marshal(judge(h, Options{}))
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = v
			} else if !reflect.DeepEqual(first, v) {
				t.Fatalf("seed %d: two verdicts\n%s\n%s", seed, first, v)
			}
		}
	}
}

// TestFarOffsetsCostLittle: memory follows the number of records, not their offsets.
func TestFarOffsetsCostLittle(t *testing.T) {
	var f records
	var s slots
	for i := range int64(1000) {
		far := i << 50
		s.set(s.at(far), far, -far)
		rec := f.at(0, -far)
		rec.setOffset(far)
		if got := rec.offset(); got != far {
			t.Fatalf("offset %d, want %d", got, far)
		}
		if p, ok := s.find(far); !ok || s.value(p, far) != -far {
			t.Fatalf("value at %d is lost", far)
		}
	}
	if perRecord := int(reflect.TypeFor[slotPage]().Size() + reflect.TypeFor[recordPage]().Size()); perRecord > 4096 {
		t.Fatalf("a record far from all others costs %d bytes, want at most 4096", perRecord)
	}
}
