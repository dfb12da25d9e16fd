package shrink

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMinimal: whatever the property, what is returned has it, is a part of
// what was given in its order, and has no element to spare.
func TestMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		// A subset fails if it holds all elements of one of the causes.
		causes := rapid.SliceOfN(rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 1, min(n, 6), rapid.ID), 1, 4).Draw(t, "causes")
		fails := func(part []int) bool {
			return slices.ContainsFunc(causes, func(cause []int) bool {
				return !slices.ContainsFunc(cause, func(i int) bool { return !slices.Contains(part, i) })
			})
		}
		got := Minimal(all, fails)
		if !fails(got) || !slices.IsSorted(got) {
			t.Fatalf("%v of causes %v", got, causes)
		}
		for i := range got {
			if fails(without(got, i, i+1)) {
				t.Fatalf("%v of causes %v: %d can be spared", got, causes, got[i])
			}
		}
	})
}

// TestMinimalOfNothing: where nothing at all is enough, nothing is left.
func TestMinimalOfNothing(t *testing.T) {
	if got := Minimal([]int{1, 2, 3, 4, 5}, func([]int) bool { return true }); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
