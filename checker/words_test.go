package checker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

var updateWords = flag.Bool("update", false, "write testdata/words.txt")

const wordsFile = "testdata/words.txt"

// TestWords holds what is said of the histories of the corpus and of the tables
// to testdata/words.txt, word for word: the sentence of every case, the entries
// that prove it, the reasons for doubt, the proofs of faults and what was
// judged. After a change that is meant:
//
//	go test ./checker -run TestWords -update
//
// A history that is not in the file yet is held to its kinds alone, by the test
// of its table.
func TestWords(t *testing.T) {
	said := allWords(t)
	names := make([]string, 0, len(said))
	for name := range said {
		names = append(names, name)
	}
	slices.Sort(names)
	if *updateWords {
		var b bytes.Buffer
		for _, name := range names {
			fmt.Fprintf(&b, "== %s\n%s", name, said[name])
		}
		if err := os.WriteFile(wordsFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(wordsFile)
	if err != nil {
		t.Fatal(err)
	}
	held := strings.Split("\n"+string(b), "\n== ")[1:]
	if len(held) < 200 {
		t.Fatalf("%s holds the words of %d histories only", wordsFile, len(held))
	}
	for _, h := range held {
		name, want, _ := strings.Cut(h, "\n")
		got, ok := said[name]
		if want = strings.TrimSuffix(want, "\n"); !ok {
			t.Errorf("%s: no history has this name", name)
		} else if got = strings.TrimSuffix(got, "\n"); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", name, got, want)
		}
	}
}

// allWords are the words about every history, by its name.
func allWords(t *testing.T) map[string]string {
	t.Helper()
	said := map[string]string{}
	put := func(name string, v Verdict) {
		if said[name] != "" {
			t.Fatalf("two histories are called %s", name)
		}
		said[name] = words(v)
	}
	o := Options{MinAcked: -1, MinOpsPerFault: -1}
	files, err := filepath.Glob("../histories/corpus/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		in, err := histories.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Check(in, o)
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
		put("corpus: "+strings.TrimSuffix(filepath.Base(file), ".txt"), v)
	}
	table := func(name string, h histtest.History, header histories.Header, model string) {
		h.Header = header
		put(name, judge(h, Options{Model: model, MinAcked: -1, MinOpsPerFault: -1}))
	}
	for _, c := range kindCases {
		table("kinds: "+c.name, parse(t, c.history), c.header(), Session)
	}
	for _, c := range edgeCases {
		table("edges: "+c.name, parse(t, c.history), c.header(), Session)
	}
	for _, c := range stableCases {
		table("stable: "+c.name, parse(t, c.history), c.header(), Strict)
	}
	for _, c := range groupCases {
		table("groups: "+c.name, parse(t, c.history), grouped(cmp.Or(c.model, Strict)), "")
	}
	return said
}

// words are what a verdict says, a line for each thing.
func words(v Verdict) string {
	var b strings.Builder
	fmt.Fprintln(&b, v.Valid)
	for _, a := range v.Anomalies {
		fmt.Fprintf(&b, "%s %d", a.Kind, a.Count)
		if a.AllowedBy != "" {
			fmt.Fprintf(&b, " (%s)", a.AllowedBy)
		}
		if a.Log != nil {
			fmt.Fprintf(&b, " in log %d", *a.Log)
		}
		for _, f := range a.Follows {
			fmt.Fprintf(&b, " / %s %d", f.Kind, f.Count)
		}
		b.WriteByte('\n')
		for _, e := range a.Examples {
			fmt.Fprintf(&b, "  log %d offset %d value %d ops %v", e.Log, e.Offset, e.Value, e.Ops)
			if e.Group != "" {
				fmt.Fprintf(&b, " group %s", e.Group)
			}
			fmt.Fprintf(&b, ": %s\n", e.Why)
		}
	}
	for _, u := range v.Unknown {
		fmt.Fprintf(&b, "unknown, %s: %s\n", u.Checker, u.Why)
	}
	for _, f := range v.Faults {
		fmt.Fprintf(&b, "fault %d, %s on %v: bit %v, healed %v: %s\n", f.ID, f.Fault, f.On, f.Bit, f.Healed, f.Why)
	}
	judged, _ := json.Marshal(v.Judged)
	fmt.Fprintf(&b, "judged %s\n", judged)
	return b.String()
}
