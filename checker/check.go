package checker

import (
	"errors"
	"fmt"
	"io"

	"github.com/ackproof/ackproof/histories"
)

// Check judges a history. Reading and judging go on at the same time. A
// history that breaks off or cannot be read to its end is judged as far as it
// goes, with the reason in the verdict. An error means that nothing could be
// judged, because the history could not be read at all.
func Check(in histories.Reader, o Options) (Verdict, error) {
	h, hasHeader := in.Header()
	j := NewJudge(h, hasHeader, o)
	read := false
	for {
		op, err := in.Next()
		switch {
		case err == nil:
			read = true
			j.Observe(op)
			continue
		case err == io.EOF:
		default:
			var syntax *histories.SyntaxError
			if !errors.As(err, &syntax) && !read {
				j.Finish() // ends the passes; there is nothing to say
				return Verdict{}, fmt.Errorf("check the history: %w", err)
			}
			j.Cut(err.Error())
		}
		return j.Finish(), nil
	}
}
