package histories

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func formatNamed(t fataler, name string) Format {
	t.Helper()
	f, err := FormatOf("x." + name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return f
}

// encode writes a history in the format.
func encode(t fataler, format string, h *Header, ops []*Op) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, formatNamed(t, format))
	if err != nil {
		t.Fatalf("%v", err)
	}
	if h != nil {
		if err := w.WriteHeader(h); err != nil {
			t.Fatalf("%v", err)
		}
	}
	for _, o := range ops {
		if err := w.Write(o); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes()
}

// readAll reads to the end, or to the error that is returned.
func readAll(r Reader) (ops []*Op, err error) {
	defer r.Close()
	for {
		op, err := r.Next()
		if err == io.EOF {
			return ops, nil
		}
		if err != nil {
			return ops, err
		}
		ops = append(ops, op.Clone())
	}
}

func mustRead(t fataler, format string, text []byte) (Header, bool, []*Op) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(text), formatNamed(t, format), "test."+format)
	if err != nil {
		t.Fatalf("%v", err)
	}
	h, ok := r.Header()
	ops, err := readAll(r)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return h, ok, ops
}

// canon makes entries comparable: no difference between nil and empty.
func canon(o *Op) Op {
	c := *o.Clone()
	for _, p := range []any{&c.Mops, &c.Runs, &c.Recs, &c.Fetched, &c.Bad, &c.Keys, &c.Offsets} {
		if v := reflect.ValueOf(p).Elem(); v.Len() == 0 {
			v.SetZero()
		}
	}
	return c
}

func same(t fataler, what string, want, got []*Op, text []byte) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: %d entries, want %d\n%s", what, len(got), len(want), text)
	}
	for i := range want {
		if w, g := canon(want[i]), canon(got[i]); !reflect.DeepEqual(w, g) {
			t.Fatalf("%s: entry %d is\n%+v\nwant\n%+v\nin\n%s", what, i, g, w, text)
		}
	}
}

// Every format holds everything, and converting between them and back changes
// no byte.
func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := genHistory().Draw(t, "history")
		var head *Header
		if len(ops) == 0 || rapid.Bool().Draw(t, "header") {
			h := genHeader().Draw(t, "head")
			head = &h
		}
		text := map[string][]byte{}
		for _, f := range Formats {
			text[f.Name] = encode(t, f.Name, head, ops)
			h, ok, got := mustRead(t, f.Name, text[f.Name])
			if ok != (head != nil) || ok && !reflect.DeepEqual(h, *head) {
				t.Fatalf("%s: header %+v, want %+v", f.Name, h, head)
			}
			same(t, f.Name, ops, got, text[f.Name])
		}
		for _, from := range Formats {
			for _, to := range Formats {
				r, err := NewReader(bytes.NewReader(text[from.Name]), Format{}, "test")
				if err != nil {
					t.Fatalf("%v", err)
				}
				var out bytes.Buffer
				if err := Convert(r, &out, to); err != nil {
					t.Fatalf("%s to %s: %v\n%s", from.Name, to.Name, err, text[from.Name])
				}
				if !bytes.Equal(out.Bytes(), text[to.Name]) {
					t.Fatalf("%s to %s:\n%s\nwant\n%s", from.Name, to.Name, out.Bytes(), text[to.Name])
				}
			}
		}
	})
}

// A single entry as AppendText writes it stands for itself.
func TestAppendText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := genOp().Draw(t, "op")
		o.Index, o.Time = 7, 9
		line := AppendText(nil, o)
		if strings.Count(string(line), "\n") != 1 {
			t.Fatalf("not one line: %q", line)
		}
		_, _, got := mustRead(t, "txt", line)
		same(t, "text", []*Op{o}, got, line)
	})
}
