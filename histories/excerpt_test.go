package histories_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// An excerpt is what a reader of the whole would have picked.
func TestExcerpt(t *testing.T) {
	dir := t.TempDir()
	paths := []string{"history.jsonl", "history.jsonl.zst", "history.edn", "history.txt"}
	for i, name := range paths {
		paths[i] = filepath.Join(dir, name)
		if _, err := histtest.Write(paths[i], histtest.Options{Seed: 11, Ops: 12_000}); err != nil {
			t.Fatal(err)
		}
	}
	whole := read(t, paths[0])
	if info, err := os.Stat(paths[0]); err != nil || info.Size() < 1<<20 {
		t.Fatalf("the history is too small to be entered in its middle (%v)", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		ends := rapid.SliceOfNDistinct(rapid.Int64Range(0, int64(len(whole))+100), 2, 8, rapid.ID).Draw(t, "ends")
		slices.Sort(ends)
		var spans []histories.Span
		for i := 0; i+1 < len(ends); i += 2 {
			spans = append(spans, histories.Span{First: ends[i], Last: ends[i+1]})
		}
		var want []string
		for _, s := range spans {
			want = append(want, whole[min(s.First, int64(len(whole))):min(s.Last+1, int64(len(whole)))]...)
		}
		path := rapid.SampledFrom(paths).Draw(t, "path")
		var have []string
		if err := histories.Excerpt(path, spans, func(op *histories.Op) { have = append(have, string(histories.AppendJSON(nil, op))) }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(have, want) {
			t.Fatalf("%d entries of %v, want %d", len(have), spans, len(want))
		}
	})
}

func read(t *testing.T, path string) []string {
	t.Helper()
	r, err := histories.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := histtest.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range h.Ops {
		lines = append(lines, string(histories.AppendJSON(nil, &h.Ops[i])))
	}
	return lines
}

// A torn history gives what is whole, a missing one an error.
func TestExcerptOfBadFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if _, err := histtest.Write(path, histtest.Options{Seed: 1, Ops: 200}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := b[:bytes.LastIndexByte(b[:len(b)/2], '\n')+20]
	if err := os.WriteFile(path, cut, 0o644); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := histories.Excerpt(path, []histories.Span{{First: 0, Last: 1 << 40}}, func(*histories.Op) { n++ }); err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(cut, []byte("\n")) - 1; n != lines {
		t.Errorf("%d entries of %d whole lines", n, lines)
	}
	if err := histories.Excerpt(filepath.Join(t.TempDir(), "nothing"), nil, nil); err == nil {
		t.Error("no error for a file that is not there")
	}
	garbage := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("garbage without an end "), 100_000), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := histories.Excerpt(garbage, []histories.Span{{First: 5, Last: 9}}, func(op *histories.Op) { t.Errorf("entry %d of garbage", op.Index) }); err != nil {
		t.Log(err)
	}
}
