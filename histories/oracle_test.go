package histories

import (
	"bytes"
	"reflect"
	"testing"

	"olympos.io/encoding/edn"
	"pgregory.net/rapid"
)

// Another reader takes our EDN and finds in it what Jepsen's checker looks for.
func TestEDNByAnotherReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := genOp().Draw(t, "op")
		line := AppendEDN(nil, o)
		var m map[edn.Keyword]any
		dec := edn.NewDecoder(bytes.NewReader(line))
		if err := dec.Decode(&m); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		want := map[edn.Keyword]any{"index": o.Index, "time": int64(o.Time), "type": edn.Keyword(o.Type.String()), "process": o.Process}
		if o.Process == Nemesis {
			want["process"] = edn.Keyword("nemesis")
		}
		if o.Error != "" {
			want["error"] = o.Error
		}
		for k, v := range want {
			if !reflect.DeepEqual(m[k], v) {
				t.Fatalf(":%s is %#v, want %#v\n%s", k, m[k], v, line)
			}
		}
		switch {
		case o.F.hidden():
			if m["f"] != edn.Keyword("debug-topic-partitions") {
				t.Fatalf(":f is %v, which Jepsen's checker does not ignore", m["f"])
			}
		case o.F != Other && m["f"] != edn.Keyword(o.F.String()):
			t.Fatalf(":f is %v", m["f"])
		case o.F.hasMops():
			checkMops(t, o, m["value"].([]any), line)
		}
	})
}

// checkMops holds the value against the operation as jepsen.tests.kafka reads it.
func checkMops(t *rapid.T, o *Op, value []any, line []byte) {
	if len(value) != len(o.Mops) {
		t.Fatalf("%d mops, want %d\n%s", len(value), len(o.Mops), line)
	}
	for i, v := range value {
		mop, m := v.([]any), &o.Mops[i]
		var want []any
		switch {
		case m.Send && m.Offset == OffsetUnknown:
			want = []any{edn.Keyword("send"), m.Key, m.Value}
		case m.Send:
			want = []any{edn.Keyword("send"), m.Key, []any{offsetOrNil(m.Offset), m.Value}}
		case !m.Polled:
			want = []any{edn.Keyword("poll")}
		default:
			polled := map[any]any{}
			for _, run := range o.Runs[m.From:m.To] {
				recs, _ := polled[run.Key].([]any)
				for _, r := range o.Recs[run.From:run.To] {
					recs = append(recs, []any{offsetOrNil(r.Offset), r.Value})
				}
				if len(recs) > 0 { // Jepsen's checker crashes on an empty list
					polled[run.Key] = recs
				}
			}
			want = []any{edn.Keyword("poll"), polled}
		}
		if !reflect.DeepEqual(mop, want) {
			t.Fatalf("mop %d is %#v, want %#v\n%s", i, mop, want, line)
		}
	}
}

func offsetOrNil(offset int64) any {
	if offset == OffsetNil {
		return nil
	}
	return offset
}
