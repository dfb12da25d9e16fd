package checker

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSpans holds the set of ranges against a plain set.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s spans
		plain := map[int64]bool{}
		for _, o := range rapid.SliceOf(rapid.Int64Range(0, 30)).Draw(t, "offsets") {
			if s.add(o) == plain[o] {
				t.Fatalf("adding %d to %v: it was there: %v", o, s.list, plain[o])
			}
			plain[o] = true
		}
		end := int64(0)
		for o := range plain {
			end = max(end, o+1)
		}
		if s.end() != end {
			t.Fatalf("%v ends at %d, want %d", s.list, s.end(), end)
		}
		first, last := rapid.Int64Range(0, 30).Draw(t, "first"), rapid.Int64Range(0, 40).Draw(t, "last")
		missing := map[int64]bool{}
		s.gaps(first, last, func(from, to int64) {
			for o := from; o < to; o++ {
				missing[o] = true
			}
		})
		for o := int64(0); o < 45; o++ {
			if want := !plain[o] && o >= first && o < last; missing[o] != want {
				t.Fatalf("%v, from %d to %d: %d is missing: %v", s.list, first, last, o, missing[o])
			}
		}
	})
}

// TestSpansAreBounded: beyond the limit what is lowest counts as delivered.
func TestSpansAreBounded(t *testing.T) {
	var s spans
	for i := range int64(2 * maxSpans) {
		s.add(2 * i)
	}
	if len(s.list) != maxSpans || s.list[0].from != 0 || s.end() != 4*maxSpans-1 {
		t.Errorf("%d ranges from %d to %d", len(s.list), s.list[0].from, s.end())
	}
}
