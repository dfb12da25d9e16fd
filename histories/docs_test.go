package histories

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// examples returns the code blocks of docs/history.md by their language.
func examples(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("../docs/history.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for i, part := range strings.Split(string(b), "```") {
		if i%2 == 1 {
			lang, text, _ := strings.Cut(part, "\n")
			out[lang] = append(out[lang], text)
		}
	}
	return out
}

// The examples of the specification are what it says: one history, three
// formats, byte for byte as we write them.
func TestSpecification(t *testing.T) {
	docs := examples(t)
	h, ok, ops := mustRead(t, "jsonl", []byte(docs["jsonl"][0]))
	if !ok || len(ops) != 12 {
		t.Fatalf("%d entries, header %v", len(ops), ok)
	}
	for _, f := range Formats {
		if got := string(encode(t, f.Name, &h, ops)); got != docs[f.Name][0] {
			t.Errorf("%s is written\n%s\nand specified\n%s", f.Name, got, docs[f.Name][0])
		}
	}
	var v Validator
	for _, o := range ops {
		if p := v.Observe(o); len(p) > 0 {
			t.Errorf("the example is malformed: %v", p)
		}
	}
}

// The examples of the notation, here and in the package's documentation, can be
// read and hold what their words say.
func TestNotationExamples(t *testing.T) {
	_, _, ops := mustRead(t, "txt", []byte(examples(t)["txt"][1]))
	var all []F
	for _, o := range ops {
		if !slices.Contains(all, o.F) {
			all = append(all, o.F)
		}
	}
	for _, f := range []F{Other, Send, Poll, Txn, Assign, Subscribe, Crash, EndOffsets, StartOffsets, Inject, Bite, Note} {
		if !slices.Contains(all, f) {
			t.Errorf("no example has a %s", f)
		}
	}
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var doc strings.Builder
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "//\t"); ok {
			doc.WriteString(text)
		}
	}
	if _, ok, ops := mustRead(t, "txt", []byte(doc.String())); !ok || len(ops) < 20 {
		t.Errorf("%d entries, header %v", len(ops), ok)
	}
}

// What we write satisfies the schema's keys, and the schema's words are ours.
func TestSchema(t *testing.T) {
	b, err := os.ReadFile("../docs/history.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Required   []string
		Properties map[string]struct{ Enum []string }
	}
	var schema struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	var header, entry object
	for name, to := range map[string]*object{"header": &header, "entry": &entry} {
		if err := json.Unmarshal(schema.Defs[name], to); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		h := genHeader().Draw(t, "header")
		satisfies(t, jsonHeader(nil, &h), header.Required, header.Properties)
		satisfies(t, AppendJSON(nil, genOp().Draw(t, "op")), entry.Required, entry.Properties)
	})
	if got := entry.Properties["type"].Enum; !reflect.DeepEqual(got, typeNames[:]) {
		t.Errorf("types %v, want %v", got, typeNames)
	}
	var contract object
	if err := json.Unmarshal(schema.Defs["contract"], &contract); err != nil {
		t.Fatal(err)
	}
	if len(contract.Properties) != len(clauses) {
		t.Errorf("%d clauses, want %d", len(contract.Properties), len(clauses))
	}
	for _, cl := range clauses {
		if got := contract.Properties[cl.name].Enum; !slices.Equal(got, cl.words) {
			t.Errorf("%s may be %v, want %v", cl.name, got, cl.words)
		}
	}
}

// satisfies demands the required keys and no unknown ones.
func satisfies[P any](t *rapid.T, line []byte, required []string, properties map[string]P) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%v\n%s", err, line)
	}
	for _, k := range required {
		if _, ok := m[k]; !ok {
			t.Fatalf("no %s in %s", k, line)
		}
	}
	for k := range m {
		if _, ok := properties[k]; !ok {
			t.Fatalf("the schema does not know %s of %s", k, line)
		}
	}
}
