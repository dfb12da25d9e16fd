package checker

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestOrderOfWholeBatches: where the offsets of a batch of unknown outcome are
// another's already, only the record that was seen stands where it was seen.
func TestOrderOfWholeBatches(t *testing.T) {
	lose := func(s *story, process int64, values ...int64) *story {
		return s.call(process, histories.Send, values...).end(process, histories.Info, nil)
	}
	for _, c := range []struct {
		name  string
		story *story
		want  string
	}{
		{"the offset before it is free", lose(lose(&story{}, 1, 10, 11).poll(3, 0, -1, 10), 2, 20, 21).poll(3, 3, -1, 21).ended(4, 4), ""},
		{"it is another batch's", lose(lose(&story{}, 1, 10, 11).poll(3, 0, -1, 10).ended(4, 2), 2, 20, 21).poll(3, 2, -1, 21).ended(4, 3), ""},
		{"and what was seen is another's too", lose(lose(&story{}, 1, 10, 11).poll(3, 0, -1, 10).ended(4, 3), 2, 20, 21).poll(3, 2, -1, 21), "nonlinearizable-log×1"},
	} {
		if got := kindsOf(judgeOrder(contract(Strict), Options{}, c.story.ops)); got != c.want {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

// TestOrderNamesBothRecords: a case names the record that contradicts, beside
// the one that is contradicted; a listed end has none.
func TestOrderNamesBothRecords(t *testing.T) {
	for _, c := range []struct {
		story  *story
		value  int64
		others []int64
	}{
		{(&story{}).send(1, 5, 10).send(2, 3, 20), 20, []int64{10}},
		{(&story{}).ended(1, 7).send(2, 3, 20), 20, nil},
		{(&story{}).send(1, 5, 10).ended(2, 5), histories.NoValue, []int64{10}},
		{(&story{}).ended(1, 7).ended(2, 6), histories.NoValue, nil},
	} {
		r := judgeOrder(contract(Strict), Options{}, c.story.ops)
		if len(r.cases) != 1 {
			t.Fatalf("found %q", kindsOf(r))
		}
		if got := &r.cases[0]; got.Value != c.value || !slices.Equal(got.Others, c.others) {
			t.Errorf("record %d against %v, want %d against %v", got.Value, got.Others, c.value, c.others)
		}
	}
}

// TestStalenessOfEachLog: the oldest state that a read of a log returned is told
// of those logs of which one did.
func TestStalenessOfEachLog(t *testing.T) {
	h := parse(t, "p0 s 1@0; t=1000000000 p0 s k1 2@0; t=3000000000 p2 p fetch=0:0/0; t=4000000000 p2 p 1@0 fetch=0:0/1; p2 p k1 2@0 fetch=1:0/1")
	h.Header = promised(false)
	h.Header.Contract.Reads = Kafka
	var s Stats
	if err := json.Unmarshal(judge(h, Options{MinAcked: -1}).Stats, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Staleness) != 1 || s.Staleness[0].Log != 0 || s.Staleness[0].Op != 5 || s.Staleness[0].Millis < 2000 || s.Staleness[0].Millis > 3000 {
		t.Errorf("staleness %+v", s.Staleness)
	}
}

// TestOffsetsOfAWildAnswer: one offset far beyond the others does not push out
// what is in use; without it the lowest are given up.
func TestOffsetsOfAWildAnswer(t *testing.T) {
	page := func(n int64) int64 { return n * offsetsPerPage }
	for _, c := range []struct {
		wild   []int64
		lowest bool // is still known by itself
	}{
		{nil, false},
		{[]int64{page(1 << 40)}, true},
		{[]int64{page(1 << 40), page(1<<40 - 1)}, false}, // two beside each other are no accident
	} {
		var s offsetSet
		for _, at := range c.wild {
			s.add(at)
		}
		for n := range int64(maxOffsetPages + 1 - len(c.wild)) {
			s.add(page(n) + 1)
		}
		if got := !s.has(0); got != c.lowest {
			t.Errorf("beside %v: the lowest offsets are kept: %v, want %v", c.wild, got, c.lowest)
		}
		for n := int64(2); n < maxOffsetPages-1; n++ {
			if !s.has(page(n)+1) || s.has(page(n)+2) {
				t.Fatalf("beside %v: page %d is not what was put there", c.wild, n)
			}
		}
		if len(s.pages) > maxOffsetPages {
			t.Errorf("beside %v: %d pages are kept", c.wild, len(s.pages))
		}
	}
}
