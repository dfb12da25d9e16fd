package cycles

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSeek: wherever the last read was, the next one is found where a search of
// the whole log finds it.
func TestSeek(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offsets := rapid.SliceOfN(rapid.Int64Range(0, 60), 0, 80).Draw(t, "offsets")
		slices.Sort(offsets) // a place may stand twice
		l := log{offsets: offsets}
		for _, offset := range rapid.SliceOfN(rapid.Int64Range(-1, 61), 1, 20).Draw(t, "reads") {
			want, _ := slices.BinarySearch(offsets, offset)
			if got := l.seek(offset); got != want {
				t.Fatalf("offset %d is sought at %d, want %d", offset, got, want)
			}
		}
	})
}
