package histories

import (
	"fmt"
	"strings"
)

// SyntaxError says where and why a history cannot be read. What was read
// before it is sound.
type SyntaxError struct {
	File string // the name the reader was given
	Line int64  // from 1; 0 where lines mean nothing
	// Byte is the offset from the file's beginning, from 0; in a compressed
	// file, that of the text within. For a torn tail it is where the last
	// whole entry ends: truncating the text there repairs the file.
	Byte  int64
	Field string // the key whose value is wrong; empty: the entry itself
	Msg   string // what is wrong and what is allowed
	// Torn says that the file merely ends too early, as it does when its
	// writer was killed.
	Torn bool
}

// Error is one sentence with the place in front.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ": line %d", e.Line)
	}
	fmt.Fprintf(&b, ", byte %d: ", e.Byte)
	if e.Field != "" {
		fmt.Fprintf(&b, "%s: ", e.Field)
	}
	b.WriteString(e.Msg)
	return b.String()
}
