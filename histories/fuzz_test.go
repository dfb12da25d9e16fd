package histories

import (
	"bytes"
	"errors"
	"testing"
)

// fuzzSeeds are histories of ours in every format, and oddities.
func fuzzSeeds(f *testing.F, format string, odd ...string) {
	h, ops := smallHistory()
	f.Add(encode(f, format, h, ops))
	f.Add(encode(f, format, nil, ops))
	for _, o := range ops {
		f.Add(encode(f, format, nil, []*Op{o}))
	}
	for _, s := range odd {
		f.Add([]byte(s))
	}
}

// checkDecoder holds what every decoder owes to any input:
//   - it does not panic, and its failures are SyntaxErrors with a place in the file;
//   - what it read, written in any format and read again, is the same;
//   - what it wrote, read and written again, is the same bytes.
//   - what is read without the grammar is what the grammar says.
func checkDecoder(t *testing.T, format string, text []byte) {
	checkPlain(t, text)
	for line := range bytes.Lines(text) {
		checkPlain(t, bytes.TrimSuffix(line, []byte("\n")))
	}
	r, err := NewReader(bytes.NewReader(text), formatNamed(t, format), "fuzz")
	if err != nil {
		t.Fatal(err)
	}
	h, hasHead := r.Header()
	ops, err := readAll(r)
	var syn *SyntaxError
	if err != nil && (!errors.As(err, &syn) || syn.Byte < 0 || syn.Byte > int64(len(text)) || syn.Msg == "") {
		t.Fatalf("failed with %v", err)
	}
	if !hasHead && len(ops) == 0 {
		return
	}
	var head *Header
	if hasHead {
		head = &h
	}
	for _, f := range Formats {
		out := encode(t, f.Name, head, ops)
		_, _, again := mustRead(t, f.Name, out)
		same(t, f.Name, ops, again, out)
		if twice := encode(t, f.Name, head, again); !bytes.Equal(out, twice) {
			t.Fatalf("%s changes:\n%s\n%s", f.Name, out, twice)
		}
	}
}

func FuzzJSON(f *testing.F) {
	fuzzSeeds(f, "jsonl",
		`{"type":"ok","process":1,"f":"poll","value":[["poll",{"x":[[null,null]],"3":null}]],"seek":{"back":-1}}`,
		`{"type":"info","process":"n","f":"bite","value":{"id":1,"args":{"a":1e300}},"error":["x",{"y":"}"}]}`,
		`{"value":[[1,2],[3,4]],"positions":[[5,6]],"f":"end-offsets","type":"ok","process":0}`,
		`{"type":"ok","process":1,"f":"\ud800\u0000","value":nul}`)
	f.Fuzz(func(t *testing.T, text []byte) { checkDecoder(t, "jsonl", text) })
}

func FuzzEDN(f *testing.F) {
	fuzzSeeds(f, "edn",
		`[{:type :ok :process 1 :f :poll :value [[:poll {0 [[5 17]] :a [] "b" ([nil nil])}]]} #_x {:type :info, :process :n, :f :heal, :value nil}]`,
		`#jepsen.Op{:type :ok, :process 1N, :f :txn, :value ^:m [[:send 0 [1 2]] #t [:poll]] :error #{\a "b"}}`,
		`{:type :ok :process 1 :f :debug-topic-partitions :value {:ackproof/f :end-offsets :offsets {0 1}}}`,
		`{:type :ok :process 1 :f :poll :value [[:poll {0 [[1 2] [3 4]] 1 [[5 6]]}]] :runs [[[1 1] [0 1] [7 0] [0 1]]]}`,
		`#_#_#_ ; x`, `{:a #`, `^`, `##Inf`, `\`)
	f.Fuzz(func(t *testing.T, text []byte) { checkDecoder(t, "edn", text) })
}

func FuzzText(f *testing.F) {
	fuzzSeeds(f, "txt",
		"header acks=all log=0:\"a b\"/3 tailed\np0 s 1@0 k1 2@? !fail \"x\"\n",
		"t=5..9 p1 t s 1@0 | p k3 k3 4@5 -1@-2 | s | p {}\n",
		"i=7 p1 < p () bad=0:1:corrupt:\"d\" fetch=0:5/10 fetch=1:2 pos=1:2 seek=back:3 # end\n",
		"nemesis > inject id=3 on=a,b held=true why=\"{\" !x\nnemesis other=\"{\" !fail\np0 e 0:1 !info\np0 c !ok")
	f.Fuzz(func(t *testing.T, text []byte) { checkDecoder(t, "txt", text) })
}
