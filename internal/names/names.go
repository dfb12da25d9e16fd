// Package names finds the name that a user probably meant.
package names

import (
	"fmt"
	"strings"
)

// longest is the longest name that is compared: catalogues have none longer.
const longest = 64

// Nearest returns the name that needs the fewest edits, letters of either case
// being the same; empty where none is close.
func Nearest(name string, names []string) string {
	best, at := len(name)/2+2, ""
	if len(name) > longest {
		return ""
	}
	for _, n := range names {
		if d := edits(strings.ToLower(name), strings.ToLower(n)); d < best {
			best, at = d, n
		}
	}
	return at
}

// Hint is Nearest as a remark behind a refused name: empty, or
// ` (did you mean "latency"?)`.
func Hint(name string, names []string) string {
	if n := Nearest(name, names); n != "" {
		return fmt.Sprintf(" (did you mean %q?)", n)
	}
	return ""
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
