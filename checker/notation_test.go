package checker

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// parse reads the one-line notation, with semicolons for line ends.
func parse(t testing.TB, text string) histtest.History {
	t.Helper()
	f, err := histories.FormatOf("table.txt")
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(text, ";", "\n") + "\n# end\n"
	in, err := histories.NewReader(strings.NewReader(text), f, "table")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var h histtest.History
	for {
		op, err := in.Next()
		if errors.Is(err, io.EOF) {
			return h
		}
		if err != nil {
			t.Fatal(err)
		}
		h.Ops = append(h.Ops, histories.Op{})
		op.CopyTo(&h.Ops[len(h.Ops)-1])
	}
}
