package linear

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/streams.txt")

const streamsFile = "testdata/streams.txt"

// TestStreams holds what is said of some small streams to testdata/streams.txt,
// word for word: who contradicts whom, how the windows were cut and judged, and
// what is drawn of the first contradiction. That it is right is what the other
// tests are for. After a change that is meant:
//
//	go test ./checker/linear -run TestStreams -update
func TestStreams(t *testing.T) {
	var b bytes.Buffer
	for seed := range uint64(25) {
		for _, m := range []Model{Strict, Kafka, Session} {
			fmt.Fprintf(&b, "== model %d, %d\n", m, seed)
			r := rand.New(rand.NewPCG(seed, uint64(m)))
			cfg := Config{Model: m, Atomic: seed%2 == 0, Size: 1 + int(seed%3)}
			ops := sessionHistory(r)
			for len(ops) < 9 {
				ops = sessionHistory(r)
			}
			seenAt := make([]int64, len(ops))
			if m == Strict {
				if ops = smallHistory(r, 2); len(ops) == 0 {
					continue
				}
				seenAt = make([]int64, len(ops))
				for i := range ops {
					if ops[i].Unknown {
						seenAt[i] = ops[i].Call + int64(r.IntN(20))
					}
				}
				ops = withWitnesses(ops, &seenAt)
			}
			b.WriteString(show(ops))
			online, windows, results := stream(ops, cfg, seenAt)
			for _, res := range results {
				showResult(&b, res)
			}
			for _, v := range online {
				fmt.Fprintf(&b, "%d is contradicted by %d\n", v.A.Index, v.B.Index)
			}
			for _, v := range windows {
				fmt.Fprintf(&b, "in its window %d is contradicted by %d, torn %v\n", v.A.Index, v.B.Index, v.Torn)
			}
			if all := append(online, windows...); len(all) > 0 {
				showPicture(&b, all[0], ops)
			}
		}
	}
	if *update {
		if err := os.WriteFile(streamsFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(streamsFile)
	if err != nil {
		t.Fatal(err)
	}
	got, held := strings.Split(b.String(), "== "), strings.Split(string(want), "== ")
	for i := range min(len(got), len(held)) {
		if got[i] != held[i] {
			t.Fatalf("got\n%swant\n%s", got[i], held[i])
		}
	}
	if len(got) != len(held) {
		t.Errorf("%d streams, want %d", len(got), len(held))
	}
}

func showResult(b *bytes.Buffer, res Result) {
	w := &res.Window
	fmt.Fprintf(b, "window [%d, %s): closed %d, left %d, decided %v, legal %v", w.Start, num(w.End), w.Closed, w.Left, res.Decided, res.Legal)
	for _, o := range res.Excluded {
		fmt.Fprintf(b, ", without %d", o.Index)
	}
	b.WriteString(":")
	for _, o := range w.Ops {
		fmt.Fprintf(b, " %d[%d,%s]", o.Index, o.Lo, num(o.Hi))
	}
	b.WriteByte('\n')
}

// showPicture prints what porcupine is given to draw.
func showPicture(b *bytes.Buffer, v Violation, ops []Op) {
	p := picture{pair: []Op{v.B, v.A}}
	p.collect(ops)
	p.ranked.refine(&p.window)
	if !p.ranked.rank(false) {
		return
	}
	p.rows()
	model := p.ranked.model()
	fmt.Fprintf(b, "drawn from %d to %d, the log from length %d\n", p.from, p.to, p.window.Start)
	for _, o := range p.operations() {
		fmt.Fprintf(b, "  row %d [%d, %d] %s (%v)\n", o.ClientId, o.Call, o.Return, model.DescribeOperation(o.Input, nil), o.Metadata)
	}
	for _, a := range p.annotations([]Mark{{Name: "cut", From: p.from - 5, To: p.from}, {Name: "later", From: p.to + 1, To: p.to + 5}}) {
		fmt.Fprintf(b, "  %s [%d, %d] %s: %s\n", a.Tag, a.Start, a.End, a.Description, a.Details)
	}
}

// TestPartner: out of all that prove an operation wrong, the one is named that
// shows it best.
func TestPartner(t *testing.T) {
	append := func(index, ret, base int64) Op { return Op{Index: index, Ret: ret, Hi: base, Lo: base + 1} }
	read := func(kind Kind, index, ret, length int64) Op {
		return Op{Index: index, Ret: ret, Kind: kind, Lo: length, Hi: length}
	}
	unknown := func(o Op) Op { o.Unknown = true; return o }
	suspect := func(o Op) Op { o.Suspect = true; return o }
	at := func(call int64, o Op) *Op { o.Call = call; return &o }
	for _, c := range []struct {
		name string
		a    *Op
		ops  []Op
		want int64 // the index, -1: none
	}{
		{"nobody was before it", at(5, append(0, 6, 3)), []Op{append(1, 5, 7)}, -1},
		{"nobody proves more than it allows", at(5, append(0, 6, 3)), []Op{append(1, 4, 2)}, -1},
		{"an acknowledgement by an acknowledgement", at(5, append(0, 6, 3)), []Op{read(End, 1, 4, 4), append(2, 4, 7)}, 2},
		{"an unknown append by whoever is nearest", at(5, unknown(append(0, 6, 3))), []Op{read(End, 1, 4, 4), append(2, 4, 7)}, 1},
		{"not by an unknown append", at(5, append(0, 6, 3)), []Op{read(End, 1, 4, 4), unknown(append(2, 4, 7))}, 1},
		{"a listed end by a listed end", at(5, read(End, 0, 6, 3)), []Op{append(1, 4, 3), read(End, 2, 4, 9), read(Fetch, 3, 4, 4)}, 2},
		{"a fetch by an append rather than a read", at(5, read(Fetch, 0, 6, 3)), []Op{read(Fetch, 1, 2, 4), append(2, 4, 3), read(End, 3, 3, 4)}, 2},
		{"by the nearest", at(5, read(Fetch, 0, 6, 3)), []Op{append(1, 4, 8), append(2, 4, 5), append(3, 4, 6)}, 2},
		{"by the first that returned", at(5, read(Fetch, 0, 6, 3)), []Op{read(End, 1, 4, 4), read(End, 2, 3, 4), read(End, 3, 4, 4)}, 2},
		{"not by who is not believed", at(5, append(0, 6, 3)), []Op{suspect(append(1, 4, 3)), append(2, 4, 9)}, 2},
		{"nor by what nobody did", at(5, append(0, 6, 3)), []Op{{Index: 1, Ret: 4, Kind: filler, Hi: 3, Lo: 9}}, -1},
	} {
		got := int64(-1)
		if b, found := partner(c.a, c.ops); found {
			got = b.Index
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestPageBeginsAtTheLeastLength: the page's log begins at the least length that
// any operation on it speaks of, be it the lower bound of a read alone.
func TestPageBeginsAtTheLeastLength(t *testing.T) {
	b, a := Op{Index: 1, Call: 1, Ret: 2, Hi: 8, Lo: 9}, Op{Index: 2, Call: 5, Ret: 6, Kind: End, Lo: 7, Hi: 7}
	fetch := Op{Index: 3, Call: 3, Ret: 4, Kind: Fetch, Lo: 5, Hi: Inf}
	nothing := Op{Index: 4, Call: 3, Ret: 4, Kind: Fetch, Lo: 0, Hi: Inf}
	for _, c := range []struct {
		ops  []Op
		want int64
	}{{[]Op{a, b}, 7}, {[]Op{a, b, nothing}, 7}, {[]Op{a, b, nothing, fetch}, 5}} {
		p := picture{pair: []Op{b, a}}
		if p.collect(c.ops); p.window.Start != c.want || len(p.window.Ops) != len(c.ops) {
			t.Errorf("of %d operations %d are drawn, from length %d, want %d", len(c.ops), len(p.window.Ops), p.window.Start, c.want)
		}
	}
}

// TestPageOfTooMuch: a page is not drawn of more than porcupine can count.
func TestPageOfTooMuch(t *testing.T) {
	ops := make([]Op, maxMoves+2)
	for i := range ops {
		ops[i] = Op{Index: int64(i), Call: int64(i), Ret: int64(i) + 1, Kind: End, Lo: 1, Hi: 1}
	}
	var b bytes.Buffer
	err := Draw(&b, Violation{A: ops[0], B: ops[1]}, ops, nil, time.Second)
	if err == nil || !strings.Contains(err.Error(), "too many") || b.Len() > 0 {
		t.Errorf("%d operations were drawn on %d bytes: %v", len(ops), b.Len(), err)
	}
}
