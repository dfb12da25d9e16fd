package checker

import (
	"testing"

	"pgregory.net/rapid"
)

// TestProcessesAndPages: both are maps, whatever the numbers.
func TestProcessesAndPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p processes[int]
		var g paged[[4]int64]
		known, pages := map[int64]int{}, map[int64]int64{}
		number := rapid.OneOf(rapid.Int64Range(0, 40), rapid.Int64Range(maxNear-300, maxNear+300), rapid.Int64())
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			n := number.Draw(t, "number")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				p.drop(n)
				delete(known, n)
			case 1:
				*p.at(n) = i + 1
				known[n] = i + 1
			case 2:
				g.make(n)[0] = int64(i + 1)
				pages[n] = int64(i + 1)
			}
			if got := *p.at(n); got != known[n] {
				t.Fatalf("process %d has %d, want %d", n, got, known[n])
			}
			if got := g.get(n); (got != nil) != (pages[n] != 0) || got != nil && got[0] != pages[n] {
				t.Fatalf("page %d holds %v, want %d", n, got, pages[n])
			}
		}
		numbers := g.numbers()
		if len(numbers) != len(pages) {
			t.Fatalf("%d pages, want %d", len(numbers), len(pages))
		}
		for i, no := range numbers {
			if pages[no] == 0 || i > 0 && numbers[i-1] >= no {
				t.Fatalf("the pages' numbers are %v", numbers)
			}
		}
	})
}
