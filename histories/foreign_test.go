package histories

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// asText reads text and returns it in the notation, one line an entry without
// places, or the error.
func asText(t *testing.T, text, format string) (string, error) {
	t.Helper()
	var f Format
	if format != "" {
		f = formatNamed(t, format)
	}
	r, err := NewReader(strings.NewReader(text), f, "test")
	if err != nil {
		t.Fatal(err)
	}
	ops, err := readAll(r)
	var b []byte
	for _, o := range ops {
		b = append(appendTextEntry(b, o, true), '\n')
	}
	return strings.TrimSuffix(string(b), "\n"), err
}

func TestForeignEDN(t *testing.T) {
	const send = `{:index 0, :time 1, :type :ok, :process 3, :f :send, :value [[:send 0 [5 17]]]}`
	const sent = "p3 < s 17@5"
	for _, c := range []struct{ name, edn, want string }{
		{"one a line", send + "\n" + send + "\n", sent + "\n" + sent},
		{"no newline at the end", send, sent},
		{"side by side", send + send, sent + "\n" + sent},
		{"a vector", "[" + send + "\n" + send + "]", sent + "\n" + sent},
		{"a list with commas", "(" + send + " , " + send + ")\n", sent + "\n" + sent},
		{"an empty vector", "[]", ""},
		{"over several lines", strings.ReplaceAll(send, ", ", "\n  "), sent},
		{"any order", `{:value [[:send 0 [5 17]]] :f :send :process 3 :type :ok}`, sent},
		{"symbols and strings", `{"type" "ok", process 3, f send, value [["send" 0 [5 17]]]}`, sent},
		{"symbol values", `{:type ok :process 3 :f send :value [[send 0 [5 17]]]}`, sent},
		{"namespaced values", `{:type :jepsen/ok :process 3 :f :kafka.ops/send :value [[:send 0 [5 17]]]}`, sent},
		{"a list as value", `{:type :ok :process 3 :f :send :value ((:send 0 (5 17)))}`, sent},
		{"comments", ";; a file\n; of jepsen\n" + send + " ; behind\n;", sent},
		{"discarded", "#_ {:a 1} #_#_ 1 2 " + strings.Replace(send, ":process", "#_(1 2) :process", 1) + " #_ x", sent},
		{"metadata", "^{:a 1} " + strings.Replace(send, "[[:send", "^:fast [[:send", 1), sent},
		{"a record", "#jepsen.history.Op" + send, sent},
		{"extra keys of all kinds", `{:type :ok :process 3 :f :send :value [[:send 0 [5 17]]]
		   :a nil :b 3/4 :c "s\"}" :d \} :e \newline :g #{1 #{2}} :h #inst "2026-01-01" :i #jepsen.X{:a [1]} :j ##NaN
		   :k {:nested {:f :poll}} :l 1.5e3M :m 12345678901234567890123N :n #"a.*\"b" :o/p true :node n1 :end-process? true}`, sent},
		{"acknowledged without an offset", `{:type :ok :process 3 :f :send :value [[:send 0 [nil 17]]]}`, "p3 < s 17@?"},
		{"nothing known", `{:type :info :process 3 :f :send :value [[:send 0 17]] :error :timeout}`, `p3 < s 17 !info "timeout"`},
		{"error of a structure", `{:type :fail :process 3 :f :send :value [[:send 0 17]] :error [:consumer-commit "no"]}`, `p3 < s 17 !fail "[:consumer-commit \"no\"]"`},
		{"polls", `{:type :ok :process 3 :f :poll :value [[:poll {0 [[5 17] [nil 18]], 2 []}]]}`, "p3 < p 17@5 18@? k2"},
		{"no records", `{:type :ok :process 3 :f :poll :value [[:poll {}]]}`, "p3 < p"},
		{"not polled", `{:type :fail :process 3 :f :poll :value [[:poll]]}`, "p3 < p !fail"},
		{"not polled, said twice", `{:type :fail :process 3 :f :poll :value [[:poll nil]]}`, "p3 < p !fail"},
		{"polled before failing", `{:type :fail :process 3 :f :poll :value [[:poll {0 [[1 2]]}]]}`, "p3 < p 2@1 !fail"},
		{"a transaction", `{:type :ok :process 3 :f :txn :value [[:send 0 [5 17]] [:poll {1 [[2 3]]}]] :rebalance-log [{:type :assigned :keys [0]}]}`, "p3 < t s 17@5 | p k1 3@2 rebalance=assigned:-1:0"},
		{"keys with names", `{:type :ok :process 3 :f :poll :value [[:poll {:x [[1 2]], y/z [[3 4]] "7" [[5 6]] :x [[7 8]]}]]}`, "p3 < p k1099511627776 2@1 k1099511627777 4@3 k7 6@5 k1099511627776 8@7"},
		{"assign", `{:type :invoke :process 3 :f :assign :value [0 1] :seek-to-beginning? true}`, "p3 > a 0 1 seek=beginning"},
		{"assign without seek", `{:type :invoke :process 3 :f :assign :value [0 1] :seek-to-beginning? false}`, "p3 > a 0 1"},
		{"subscribe", `{:type :ok :process 3 :f :subscribe :value [0]}`, "p3 < u 0"},
		{"crash", `{:type :info :process 3 :f :crash :value nil}`, "p3 < c"},
		{"debug with a map", `{:type :ok :process 3 :f :debug-topic-partitions :value {0 {:leader 1, :replicas [1 2]}}}`, "p3 < d"},
		{"unknown", `{:type :ok :process 3 :f :compact :value {:a #{1}}}`, `p3 < other="compact"`},
		{"no f", `{:type :ok :process 3}`, `p3 < other=""`},
		{"nemesis", `{:type :info :process :nemesis :f :start-partition :value [:isolated {"n1" #{"n2"}}]}`, `nemesis other="start-partition"`},
		{"nemesis with our words", `{:type :info :process :nemesis :f :heal :value nil}` + `{:type :info :process :chaos :f :inject :value [:majority]}`, "nemesis other=\"heal\"\nnemesis other=\"inject\""},
		{"nemesis of ours", `{:type :info :process :nemesis :f :inject :value {:id 3, :fault "latency", :on ["n1"]}}`, "nemesis inject id=3 fault=latency on=n1"},
		{"ends in the clear", `{:type :ok :process 3 :f :end-offsets :value {0 5, 1 nil}}`, "p3 < e 0:5 1:-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := asText(t, c.edn, "edn")
			if err != nil || got != c.want {
				t.Errorf("got\n%s\n%v\nwant\n%s", got, err, c.want)
			}
		})
	}
}

// A map with its namespace in front is refused where its keys count, and no
// trouble where nobody reads it.
func TestNamespacedMaps(t *testing.T) {
	for _, c := range []struct {
		edn string
		ok  bool
	}{
		{`{:type :ok :process 3 :f :poll :value [[:poll #:my.ns{:k [[0 1]]}]]}`, false},
		{`{:type :ok :process 3 :f :poll :value [[:poll #::{:k [[0 1]]}]]}`, false},
		{`#:my.ns{:type :ok :process 3 :f :poll :value [[:poll {0 [[0 1]]}]]}`, false},
		{`{:type :ok :process 3 :f :poll :value [[:poll {0 [[0 1]]}]] :more #:my.ns{:k 1}}`, true},
		{`{:type :info :process :nemesis :f :kill :value #:my.ns{:k 1}}`, true},
		{`{:type :info :process 3 :f :poll :value [[:poll]] :error #:my.ns{:k 1}}`, true},
	} {
		_, err := asText(t, c.edn, "edn")
		var syntax *SyntaxError
		switch {
		case c.ok && err != nil:
			t.Errorf("%s: %v", c.edn, err)
		case !c.ok && (!errors.As(err, &syntax) || !strings.Contains(err.Error(), "namespace")):
			t.Errorf("%s: %v, want a refusal that names the namespace", c.edn, err)
		}
	}
}

func TestForeignJSON(t *testing.T) {
	const sent = "p3 < s 17@5"
	for _, c := range []struct{ name, json, want string }{
		{"spaces", ` { "type" : "ok" , "process" : 3 , "f" : "send" , "value" : [ [ "send" , 0 , [ 5 , 17 ] ] ] } `, sent},
		{"any order", `{"value":[["send",0,[5,17]]],"f":"send","process":3,"type":"ok"}`, sent},
		{"blank lines", "\n\n" + `{"type":"ok","process":3,"f":"send","value":[["send",0,[5,17]]]}` + "\r\n \r\n", sent},
		{"byte order mark", "\xEF\xBB\xBF" + `{"type":"ok","process":3,"f":"send","value":[["send",0,[5,17]]]}`, sent},
		{"unknown keys", `{"a":{"b":[1,{"c":"}"}]},"type":"ok","x":1.5e3,"y":null,"z":true,"process":3,"f":"send","value":[["send",0,[5,17]]]}`, sent},
		{"poll as an object", `{"type":"ok","process":3,"f":"poll","value":[["poll",{"0":[[5,17]],"x":[]}]]}`, "p3 < p 17@5 k1099511627776"},
		{"value null", `{"type":"info","process":3,"f":"send","value":null}`, "p3 < s !info"},
		{"escapes", `{"type":"fail","process":3,"f":"crash","value":null,"error":"\u00fc\ud834\udd1e\ud834 \"\\\/\b\f"}`, `p3 < c !fail "ü𝄞` + "\uFFFD" + ` \"\\/\u0008\u000c"`},
		{"64 bits", `{"type":"ok","process":9223372036854775807,"f":"send","value":[["send",-9223372036854775808,[9223372036854775807,1000000000000000000]]]}`,
			"p9223372036854775807 < s k-9223372036854775808 1000000000000000000@9223372036854775807"},
		{"a foreign nemesis", `{"type":"info","process":"nemesis","f":"heal","value":{"x":1}}`, `nemesis other="heal"`},
		{"a nemesis of another name", `{"type":"info","process":"chaos-monkey","f":"kill","value":17}`, `nemesis other="kill"`},
		{"a client with the nemesis' word", `{"type":"ok","process":1,"f":"heal","value":{"id":1}}`, `p1 < other="heal"`},
		{"an offset below zero", `{"type":"ok","process":3,"f":"send","value":[["send",0,[-1,17]]]}`, "p3 < s 17@?"},
		{"ends", `{"type":"ok","process":3,"f":"end-offsets","value":[[0,5],[1,null]]}`, "p3 < e 0:5 1:-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := asText(t, c.json, "jsonl")
			if err != nil || got != c.want {
				t.Errorf("got\n%s\n%v\nwant\n%s", got, err, c.want)
			}
		})
	}
}

// Index and time may be missing; then they follow from the entry before.
func TestMissingPlaces(t *testing.T) {
	_, _, ops := mustRead(t, "edn", []byte(`{:type :invoke :process 1 :f :crash} {:type :info :process 1 :f :crash} {:index 7 :time 9 :type :invoke :process 2 :f :crash} {:type :info :process 2 :f :crash}`))
	for i, want := range [][2]int64{{0, 0}, {1, 0}, {7, 9}, {8, 9}} {
		if ops[i].Index != want[0] || int64(ops[i].Time) != want[1] {
			t.Errorf("entry %d has index %d and time %d, want %v", i, ops[i].Index, ops[i].Time, want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	good := `{"index":0,"time":0,"process":3,"type":"invoke","f":"send","value":[["send",0,17]]}` + "\n"
	for _, c := range []struct {
		name, format, text string
		line               int64
		want               string // in the message
	}{
		{"empty", "jsonl", "", 1, "the file is empty"},
		{"blank", "", " \n\n", 1, "the file is empty"},
		{"binary", "", "\x00\x01\x02\xff", 1, "this is no history"},
		{"binary by name", "jsonl", "\x89PNG\r\n\x1a\n\x00\x00", 1, `want an entry`},
		{"binary notation", "txt", "p0 s\x00 1\n", 1, "binary data"},
		{"prose", "", "Dear reader,\n", 1, "this is no history"},
		{"a later format", "", `{"ackproof":2,"seed":1,"contract":{}}` + "\n" + good, 1, "has format 2 and this version reads format 1"},
		{"a later format in EDN", "", `;; ackproof {"ackproof":2,"seed":1,"contract":{}}` + "\n", 1, "has format 2"},
		{"a word for the format", "", `{"ackproof":"one"}` + "\n" + good, 1, "has a string where int is wanted"},
		{"one log twice", "", `{"ackproof":1,"seed":1,"contract":{},"logs":[{"key":0,"topic":"a","partition":0},{"key":1,"topic":"a","partition":0}]}` + "\n", 1, "a/0 has the keys 0 and 1"},
		{"one key twice", "", `{"ackproof":1,"seed":1,"contract":{},"logs":[{"key":0,"topic":"a","partition":0},{"key":0,"topic":"b","partition":0}]}` + "\n", 1, "key 0 stands twice"},
		{"a contract of nobody", "", `{"ackproof":1,"seed":1,"contract":{"acks":"some"}}` + "\n", 1, "acks=some: want all or 1 or 0"},
		{"a contradiction", "", `{"ackproof":1,"seed":1,"contract":{"min_isr":3,"replication_factor":2}}` + "\n", 1, "min_isr=3 contradicts replication_factor=2"},
		{"no JSON", "jsonl", good + "{index:1}\n", 2, "want a name"},
		{"two headers", "", `{"ackproof":1,"seed":1,"contract":{}}` + "\n" + good + `{"ackproof":1,"seed":1,"contract":{}}` + "\n", 3, "a second header"},
		{"a type of nobody", "jsonl", good + `{"type":"maybe"}` + "\n", 2, `type: want invoke, ok, fail or info, found "\"maybe\"}"`},
		{"no type", "jsonl", good + `{"process":1}` + "\n", 2, "the entry has no type"},
		{"no process", "jsonl", good + `{"type":"ok"}` + "\n", 2, "the entry has no process"},
		{"a process below zero", "jsonl", `{"type":"ok","process":-2}` + "\n", 1, "process: want a process, 0 or more"},
		{"a fraction", "jsonl", good + `{"type":"ok","process":1.5}` + "\n", 2, "process: want an integer"},
		{"65 bits", "jsonl", `{"index":9223372036854775808}` + "\n", 1, "index: want an integer of 64 bits"},
		{"a poll in a send", "jsonl", `{"type":"ok","process":1,"f":"send","value":[["poll"]]}` + "\n", 1, "value: want only sends in a send"},
		{"a mop of nobody", "jsonl", `{"type":"ok","process":1,"f":"txn","value":[["fetch",1]]}` + "\n", 1, "value: want a micro-operation, send or poll"},
		{"two on a line", "jsonl", strings.TrimSpace(good) + good, 1, "one entry a line"},
		{"a comma too many", "jsonl", `{"type":"ok","process":1,"f":"assign","value":[1,]}` + "\n", 1, "value: want a name"},
		{"no comma", "jsonl", `{"type":"ok","process":1,"f":"assign","value":[1 2]}` + "\n", 1, "value: want a comma or ]"},
		{"a wrong escape", "jsonl", `{"type":"ok","process":1,"f":"crash","error":"\x"}` + "\n", 1, "error: want an escape"},
		{"a key twice", "jsonl", `{"type":"ok","process":1,"process":2}` + "\n", 1, "process: this key stands twice"},
		{"seek to nowhere", "jsonl", `{"type":"ok","process":1,"f":"assign","seek":"middle"}` + "\n", 1, "seek: want beginning, end, committed or back"},
		{"a float for an offset", "edn", "\n\n" + `{:type :ok :process 1 :f :send :value [[:send 0 [1.5 2]]]}` + strings.Repeat(" ", 200), 3, "value: want an integer"},
		{"a ratio for an offset", "edn", `{:type :ok :process 1 :f :send :value [[:send 0 [1/2 2]]]}` + strings.Repeat(" ", 200), 1, "value: want an integer"},
		{"a bracket that closes nothing", "edn", `{:type :ok :process 1 :f :crash :value (]}` + strings.Repeat(" ", 200), 1, "value: want a value"},
		{"a number for an entry", "edn", `{:type :info :process 1 :f :crash} 17` + strings.Repeat(" ", 200), 1, "want an entry"},
		{"runs that do not fit", "edn", `{:type :ok :process 1 :f :poll :value [[:poll {0 [[1 2]]}]] :runs [[[0 2]]]}`, 1, "runs: want runs that have as many records as the polls"},
		{"notation: no process", "txt", "p0 s 1@0\nx y\n", 2, "want a process"},
		{"notation: no operation", "txt", "p0 w 1\n", 1, "want an operation"},
		{"notation: header late", "txt", "p0 s 1\nheader acks=all\n", 2, "want it once, before every entry"},
		{"notation: header wrong", "txt", "header acks=some\n", 1, "acks=some: want all or 1 or 0"},
		{"notation: quote open", "txt", "p0 s 1 \"x\n", 1, "want a closing quote"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := asText(t, c.text, c.format)
			var syn *SyntaxError
			if !errors.As(err, &syn) || syn.Line != c.line || syn.Torn || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want line %d and %q", err, c.line, c.want)
			}
			if syn != nil && (syn.File != "test" || syn.Byte < 0 || syn.Byte > int64(len(c.text))) {
				t.Errorf("the place is %s byte %d of %d", syn.File, syn.Byte, len(c.text))
			}
		})
	}
}

// After an error nothing more comes, and the prefix came before it.
func TestErrorSticks(t *testing.T) {
	text := `{"index":0,"process":1,"type":"invoke","f":"crash"}` + "\n?\n" + `{"index":1,"process":1,"type":"info","f":"crash"}` + "\n"
	r, err := NewReader(strings.NewReader(text), Format{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	_, first := r.Next()
	_, second := r.Next()
	if first == nil || first != second {
		t.Errorf("%v, then %v", first, second)
	}
}

// One vector around a large history on a single line is read in the same
// memory as a file of lines.
func TestVectorIsStreamed(t *testing.T) {
	text := typicalHistory(t, "edn", 20_000)
	text = text[bytes.IndexByte(text, '\n')+1:]
	text = append(append([]byte{'['}, bytes.ReplaceAll(text, newline, []byte(" "))...), ']')
	src := newSource(bytes.NewReader(text), "test")
	n := 0
	for r := openEDN(src); ; n++ {
		if _, err := r.Next(); err != nil {
			if n != 80_000 {
				t.Fatalf("%d entries: %v", n, err)
			}
			break
		}
	}
	if len(src.buf) != sourceBuffer {
		t.Errorf("the window grew to %d bytes for entries of at most a few hundred", len(src.buf))
	}
}
