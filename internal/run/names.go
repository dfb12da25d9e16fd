package run

import (
	"fmt"
	"strings"

	"github.com/ackproof/ackproof/internal/names"
)

// ByName returns the row with this name, or an error that names the nearest.
func ByName[T any](what, name string, rows []T, nameOf func(T) string) (T, error) {
	known := make([]string, len(rows))
	for i, r := range rows {
		if nameOf(r) == name {
			return r, nil
		}
		known[i] = nameOf(r)
	}
	var zero T
	return zero, fmt.Errorf("unknown %s %q%s; there are: %s", what, name, names.Hint(name, known), strings.Join(known, ", "))
}

func oneOf(field, v string, allowed ...string) error {
	for _, a := range allowed {
		if v == a {
			return nil
		}
	}
	return fmt.Errorf("%s %q%s; allowed are: %s", field, v, names.Hint(v, allowed), strings.Join(allowed, ", "))
}
