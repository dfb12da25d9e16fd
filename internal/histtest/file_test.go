package histtest

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// TestWrittenHistoriesComeBack writes a simulated history in every format and
// demands the same history from the file.
func TestWrittenHistoriesComeBack(t *testing.T) {
	o := Options{Seed: 4, Ops: 1000, InfoRate: 0.05}
	text := func(h History) string {
		var b []byte
		for i := range h.Ops {
			b = histories.AppendJSON(b, &h.Ops[i])
		}
		return string(b)
	}
	want := text(Valid(o))
	for _, name := range []string{"h.jsonl", "h.jsonl.zst", "h.edn"} {
		path := filepath.Join(t.TempDir(), name)
		st, err := Write(path, o)
		if err != nil {
			t.Fatal(err)
		}
		r, err := histories.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		h, err := Read(r)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(h.Ops)) != st.Entries || text(h) != want || h.Header.Seed != 4 {
			t.Errorf("%s: %d of %d entries came back, or others", name, len(h.Ops), st.Entries)
		}
	}
	if _, err := Write(filepath.Join(t.TempDir(), "h.unknown"), o); err == nil {
		t.Error("a format that does not exist was written")
	}
}

func TestSave(t *testing.T) {
	h := Valid(Options{Ops: 50})
	f, err := histories.FormatOf("h.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := h.Save(&b, f); err != nil {
		t.Fatal(err)
	}
	r, err := histories.NewReader(&b, f, "saved")
	if err != nil {
		t.Fatal(err)
	}
	back, err := Read(r)
	if err != nil || len(back.Ops) != len(h.Ops) {
		t.Errorf("%d of %d entries came back: %v", len(back.Ops), len(h.Ops), err)
	}
}
