package histories

import (
	"bytes"
	"io"
	"slices"
	"testing"
)

// Reading takes the memory of one window, however long the history is.
func TestReadersAllocateNothing(t *testing.T) {
	for _, format := range []string{"jsonl", "edn"} {
		texts := [][]byte{typicalHistory(t, format, 2_000), typicalHistory(t, format, 20_000)}
		var got [2]float64
		for i, text := range texts {
			text = bytes.ReplaceAll(text, []byte(`"type":"ok"`), []byte(`"error":"the broker \"hung up\"","type":"ok"`))
			got[i] = testing.AllocsPerRun(2, func() {
				r, err := NewReader(bytes.NewReader(text), formatNamed(t, format), "test")
				if err != nil {
					t.Fatal(err)
				}
				for err == nil {
					_, err = r.Next()
				}
				if err != io.EOF {
					t.Fatal(err)
				}
			})
		}
		if got[1] > got[0]+10 {
			t.Errorf("%s: %v allocations for 8,000 entries, %v for 80,000", format, got[0], got[1])
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 1<<16)
	for _, o := range typicalOps() {
		if n := testing.AllocsPerRun(10, func() { b = AppendJSON(b[:0], o); b = AppendEDN(b[:0], o) }); n > 0 {
			t.Errorf("%v allocations for a %s %s", n, o.Type, o.F)
		}
	}
}

// The interner is bounded and gives the same string for the same bytes.
func TestInterner(t *testing.T) {
	var n interner
	b := []byte("timed out")
	if got := testing.AllocsPerRun(100, func() { n.string(b) }); got > 0 {
		t.Errorf("%v allocations for a string that is known", got)
	}
	for i := range 10 * maxInterned {
		n.string(appendInt(nil, int64(i)))
	}
	if len(n.known) > maxInterned {
		t.Errorf("it knows %d strings", len(n.known))
	}
}

func TestOpHelpers(t *testing.T) {
	_, _, ops := mustRead(t, "txt", []byte(`p0 t s 1@5 k2 2 | p 7@8 k1 9@? | p k3 4@4 !info "x"`))
	o := ops[1]
	var sent, polled []int64
	for m := range o.Sends() {
		sent = append(sent, m.Key, m.Value, m.Offset)
	}
	for k, r := range o.Polled() {
		polled = append(polled, k, r.Value, r.Offset)
	}
	if want := []int64{0, 1, 5, 2, 2, OffsetUnknown}; !slices.Equal(sent, want) {
		t.Errorf("sends %v, want %v", sent, want)
	}
	if want := []int64{0, 7, 8, 1, 9, OffsetNil, 3, 4, 4}; !slices.Equal(polled, want) {
		t.Errorf("polled %v, want %v", polled, want)
	}
	for range o.Sends() {
		break
	}
	for range o.Polled() {
		break
	}
	c := o.Clone()
	same(t, "clone", []*Op{o}, []*Op{c}, nil)
	o.Reset()
	same(t, "reset", []*Op{{}}, []*Op{o}, nil)
	if c.Mops[0].Value != 1 || c.Recs[0].Offset != 8 {
		t.Error("the clone lost its slices with the original")
	}
	ends := &Op{Offsets: []KeyOffset{{1, 5}, {2, -1}}}
	for key, want := range map[int64]int64{1: 5, 2: -1, 3: -1} {
		got, ok := ends.OffsetOf(key)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("log %d: %d, %v", key, got, ok)
		}
	}
}

func TestNames(t *testing.T) {
	for i := range typeNames {
		if got, ok := ParseType(Type(i).String()); !ok || got != Type(i) {
			t.Errorf("type %s is read as %s", Type(i), got)
		}
	}
	for i := 1; i < len(fNames); i++ {
		if got, ok := ParseF(F(i).String()); !ok || got != F(i) {
			t.Errorf("operation %s is read as %s", F(i), got)
		}
	}
	if _, ok := ParseF("other"); ok {
		t.Error("other is an operation")
	}
}
