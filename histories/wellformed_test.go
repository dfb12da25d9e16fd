package histories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestValidator(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // problem@index
	}{
		{"in order", "p0 s 1@0\np1 > p\np0 > s 2\np1 < p 1@0\np0 < s 2 !info\np4 s 3@1", nil},
		{"equal times", "t=5 p0 > s 1\nt=5 p0 < s 1@0\nt=5 p0 c", nil},
		{"indexes with gaps", "i=3 p0 > s 1\ni=9 p0 < s 1@0", nil},
		{"left open", "p0 > s 1\np1 > p", nil},
		{"nemesis entries need no pair", "nemesis phase calm\nnemesis inject id=0\nnemesis inject id=0", nil},
		{"an index twice", "i=3 t=1 p0 > s 1\ni=3 t=2 p0 < s 1@0", []string{"duplicate-index@3"}},
		{"an index back", "i=3 t=1 p0 > s 1\ni=2 t=2 p0 < s 1@0\ni=3 t=3 p0 c", []string{"index-goes-back@2", "duplicate-index@3"}},
		{"time travel", "t=9 p0 > s 1\nt=8 p0 < s 1@0\nt=9 p0 > s 2", []string{"time-goes-back@1"}},
		{"no invocation", "p0 < s 1@0", []string{"completion-without-call@0"}},
		{"two completions", "p0 s 1@0\np0 < s 1@0", []string{"completion-without-call@2"}},
		{"two invocations", "p0 > s 1\np0 > s 2\np0 < s 2@0", []string{"second-call@1"}},
		{"another operation", "p0 > s 1\np0 < p 1@0", []string{"other-operation@1"}},
		{"other records", "p0 > s 1 2\np0 < s 2@0 1@1", []string{"other-operation@1"}},
		{"another log", "p0 > s 1\np0 < s k1 1@0", []string{"other-operation@1"}},
		{"a value that was left out", "p0 > s 1\np0 < s !info", nil},
		{"after an unknown outcome", "p0 s 1 !info\np0 s 2@0\np1 s 3@1", []string{"process-reused@2"}},
		{"after a crash", "p64 c\np64 p", []string{"process-reused@2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, ops := mustRead(t, "txt", []byte(c.text))
			var v Validator
			var got []string
			for _, o := range ops {
				for _, p := range v.Observe(o) {
					got = append(got, fmt.Sprintf("%s@%d", p.What, p.Index))
					if !strings.Contains(p.Why, fmt.Sprint(p.Index)) {
						t.Errorf("%q does not name entry %d", p.Why, p.Index)
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

// What a validator remembers depends on what is in flight, not on how long the
// history is.
func TestValidatorMemory(t *testing.T) {
	var v Validator
	var op Op
	index := int64(0)
	for p := range int64(100_000) { // every process ends with an info
		for _, typ := range []Type{Invoke, Info} {
			op = Op{Index: index, Process: p, Type: typ, F: Crash}
			index++
			if found := v.Observe(&op); len(found) > 0 {
				t.Fatal(found)
			}
		}
	}
	if v.InFlight() != 0 || len(v.ended) > 100_000/64+1 {
		t.Errorf("%d in flight, %d pages of ended processes", v.InFlight(), len(v.ended))
	}
}
