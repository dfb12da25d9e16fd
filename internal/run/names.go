package run

import (
	"fmt"
	"strings"
)

// ByName returns the row with this name, or an error that names the nearest.
func ByName[T any](what, name string, rows []T, nameOf func(T) string) (T, error) {
	names := make([]string, len(rows))
	for i, r := range rows {
		if nameOf(r) == name {
			return r, nil
		}
		names[i] = nameOf(r)
	}
	var zero T
	return zero, fmt.Errorf("unknown %s %q%s; there are: %s", what, name, nearest(name, names), strings.Join(names, ", "))
}

// nearest proposes the name that needs the fewest edits, if that is plausible.
func nearest(name string, names []string) string {
	best, at := len(name)/2+2, ""
	for _, n := range names {
		if d := edits(name, n); d < best {
			best, at = d, n
		}
	}
	if at == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", at)
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func oneOf(field, v string, allowed ...string) error {
	for _, a := range allowed {
		if v == a {
			return nil
		}
	}
	return fmt.Errorf("%s %q%s; allowed are: %s", field, v, nearest(v, allowed), strings.Join(allowed, ", "))
}
