package histories

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// checkPlain holds the readers of plain spelling against the decoder: what they
// read of a text, the decoder reads the same. It tells whether they read it.
func checkPlain(t fataler, text []byte) (edn, json bool) {
	t.Helper()
	var d, plain decoder
	var got, want Op
	d.edn, plain.edn = true, true
	if edn = plain.plainEDN(text, &got); edn {
		if !d.decode(text, &want) {
			t.Fatalf("plain EDN, but %s at %d\n%s", d.msg, d.at, text)
		}
		if plain.i != d.i || !reflect.DeepEqual(canon(&got), canon(&want)) {
			t.Fatalf("%+v, %d bytes, in plain EDN is\n%+v, %d bytes, to the decoder\n%s", got, plain.i, want, d.i, text)
		}
	}
	d = decoder{}
	if json = plainJSON(text, &got); json {
		if !d.decode(text, &want) || d.i != len(text) {
			t.Fatalf("plain JSON, but %s at %d\n%s", d.msg, d.at, text)
		}
		if !reflect.DeepEqual(canon(&got), canon(&want)) {
			t.Fatalf("%+v in plain JSON is\n%+v to the decoder\n%s", got, want, text)
		}
	}
	return edn, json
}

// TestPlain: what is read without the grammar is what the grammar says, also
// where a byte is missing, doubled or another.
func TestPlain(t *testing.T) {
	edn, json := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		o := rapid.OneOf(genOp(), genUsual(), genUsual()).Draw(t, "op")
		for _, text := range [][]byte{AppendEDN(nil, o), AppendJSON(nil, o)} {
			text = bytes.TrimSuffix(text, []byte("\n"))
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			switch rapid.IntRange(0, 4).Draw(t, "change") {
			case 0:
				text = append(text[:at:at], text[at+1:]...)
			case 1:
				text = append(text[:at+1:at+1], text[at:]...)
			case 2:
				text[at] = rapid.SampledFrom([]byte(`[]{}(),: -0N"\`)).Draw(t, "byte")
			case 3:
				text = text[:at]
			}
			e, j := checkPlain(t, text)
			if e {
				edn++
			}
			if j {
				json++
			}
		}
	})
	t.Logf("%d entries of EDN and %d of JSON were plain", edn, json)
}

// genUsual draws an entry of the kind that most are of.
func genUsual() *rapid.Generator[*Op] {
	return rapid.Custom(func(t *rapid.T) *Op {
		n := genInt(0)
		o := &Op{Index: n.Draw(t, "index"), Time: time.Duration(n.Draw(t, "time")), Process: n.Draw(t, "process"),
			Type: rapid.SampledFrom([]Type{Invoke, OK, Fail, Info}).Draw(t, "type"),
			F:    rapid.SampledFrom([]F{Send, Poll, Txn}).Draw(t, "f")}
		for range rapid.IntRange(1, 3).Draw(t, "mops") {
			if o.F == Send || o.F == Txn && rapid.Bool().Draw(t, "send") {
				o.AddSend(n.Draw(t, "key"), n.Draw(t, "value"))
				o.Mops[len(o.Mops)-1].Offset = n.Draw(t, "offset") + OffsetUnknown
				continue
			}
			o.AddPoll()
			for key := range rapid.Int64Range(0, 2).Draw(t, "runs") {
				var recs []Rec
				for range rapid.IntRange(0, 2).Draw(t, "records") {
					recs = append(recs, Rec{n.Draw(t, "offset"), n.Draw(t, "value")})
				}
				o.AddRun(key, recs...)
				if rapid.Bool().Draw(t, "fetched") {
					o.Fetched = append(o.Fetched, Fetched{key, n.Draw(t, "position"), n.Draw(t, "high watermark"), n.Draw(t, "epoch") - 1})
				}
			}
		}
		return o
	})
}

// TestPlainIsUsual: the entries that histories mostly consist of are read so.
func TestPlainIsUsual(t *testing.T) {
	for _, line := range bytes.Split(bytes.TrimSpace(typicalHistory(t, "edn", 20)), []byte("\n")) {
		if edn, _ := checkPlain(t, line); !edn && !bytes.HasPrefix(line, []byte(headerMark)) && !bytes.Contains(line, []byte(":fetched")) {
			t.Errorf("not read as plain: %s", line)
		}
	}
	for _, line := range bytes.Split(bytes.TrimSpace(typicalHistory(t, "jsonl", 20)), []byte("\n")) {
		if _, json := checkPlain(t, line); !json && !isJSONHeader(line) {
			t.Errorf("not read as plain: %s", line)
		}
	}
	for _, line := range []string{
		`{:process 1, :type :invoke, :f :send, :value [[:send 0 5]], :index 2, :time 100}`,
		`{:index 3, :time 1, :type :ok, :process 1, :f :txn, :value [[:send 0 [7 5]] [:poll {0 [[1 2] [3 4]], 1 [[5 6]]}] [:poll {}] [:poll]]}`,
	} {
		if edn, _ := checkPlain(t, []byte(line)); !edn {
			t.Errorf("not read as plain: %s", line)
		}
	}
}
