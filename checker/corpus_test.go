package checker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestCorpus judges the saved histories. Each begins with a story and says
// what its verdict has to be:
//
//	# verdict: invalid
//	# kinds: truncated-ack 1 / inconsistent-offset 1
//
// The kinds are the headlines with their counts, and after the slash what
// follows from them. No number of records or operations is asked for.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../histories/corpus/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("the corpus is missing: %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			verdict, ok := remark(string(b), "# verdict:")
			kinds, ok2 := remark(string(b), "# kinds:")
			if !ok || !ok2 {
				t.Fatal("the file does not say its verdict and kinds")
			}
			in, err := histories.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			v, err := Check(in, Options{MinAcked: -1, MinOpsPerFault: -1})
			if err != nil {
				t.Fatal(err)
			}
			if got := headlinesOf(v); got != kinds || v.Valid.String() != verdict {
				t.Fatalf("got  %s, %s\nwant %s, %s\n%s", v.Valid, got, verdict, kinds, text(v))
			}
		})
	}
}

// remark returns what a comment line of the file says.
func remark(file, name string) (string, bool) {
	for line := range strings.Lines(file) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}
