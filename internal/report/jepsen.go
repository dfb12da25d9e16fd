package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ackproof/ackproof/checker"
)

// Jepsen prints what jepsen.tests.kafka would say, as it would; nil: nothing.
func Jepsen(w io.Writer, v *checker.JepsenVerdict) {
	if v == nil {
		return
	}
	valid := map[checker.Validity]string{checker.Valid: "true", checker.Invalid: "false", checker.Unknown: ":unknown"}[v.Valid]
	fmt.Fprintf(w, "\nby the rules of jepsen.tests.kafka:\n:valid? %s\n", valid)
	fmt.Fprintf(w, ":error-types %s\n", keywords(v.ErrorTypes, nil))
	fmt.Fprintf(w, ":bad-error-types %s\n", keywords(v.BadErrorTypes, nil))
	fmt.Fprintf(w, ":counts %s\n", keywords(v.ErrorTypes, v.Counts))
	if v.Crash != "" {
		fmt.Fprintf(w, "its checker throws on this history: %s\n", v.Crash)
	}
}

// keywords prints a set, or a map where there are counts, as EDN does.
func keywords(names []string, counts map[string]int64) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = ":" + n
		if counts != nil {
			words[i] += fmt.Sprintf(" %d", counts[n])
		}
	}
	if counts != nil {
		return "{" + strings.Join(words, ", ") + "}"
	}
	return "#{" + strings.Join(words, " ") + "}"
}
