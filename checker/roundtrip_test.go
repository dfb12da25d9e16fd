package checker

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestVerdictsSurviveConversion: a history that is written as EDN, for Jepsen's
// tools, and read back, and one that went through JSON Lines after that, get the
// verdict of the original, example by example.
func TestVerdictsSurviveConversion(t *testing.T) {
	files, err := filepath.Glob("../histories/corpus/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("the corpus is missing: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			dir := t.TempDir()
			want, path := verdictOf(t, file), file
			for _, name := range []string{"history.edn", "history.jsonl", "again.edn", "again.txt"} {
				path = converted(t, path, filepath.Join(dir, name))
				if got := verdictOf(t, path); !reflect.DeepEqual(got, want) {
					t.Fatalf("%s as %s:\ngot  %s\nwant %s", file, name, text(got), text(want))
				}
			}
		})
	}
}

func verdictOf(t *testing.T, file string) Verdict {
	t.Helper()
	in, err := histories.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	v, err := Check(in, Options{MinAcked: -1, MinOpsPerFault: -1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// converted writes the history of one file into another, whose name says the
// format.
func converted(t *testing.T, from, to string) string {
	t.Helper()
	format, err := histories.FormatOf(to)
	if err != nil {
		t.Fatal(err)
	}
	in, err := histories.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := histories.Convert(in, out, format); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}
