package client

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
)

// TestPayloadRoundTrip: what was written is read, at any size.
func TestPayloadRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayload(t)
		size := rapid.IntRange(0, 300).Draw(t, "size")
		b := AppendPayload([]byte("before"), p, size)[len("before"):]
		if len(b) != max(size, MinRecordSize) {
			t.Fatalf("%d bytes for size %d", len(b), size)
		}
		got, why, detail := DecodePayload(b, p.Run, p.Key)
		if why != "" || got != p {
			t.Fatalf("read %+v, %s %s, wrote %+v", got, why, detail, p)
		}
	})
}

// TestPayloadDamage: a changed byte never passes, and the value is told only
// where it is the one that was sent.
func TestPayloadDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayload(t)
		b := AppendPayload(nil, p, rapid.IntRange(0, 200).Draw(t, "size"))
		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b[at] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		got, why, _ := DecodePayload(b, p.Run, p.Key)
		if why != histories.BadChecksum {
			t.Fatalf("byte %d changed: %q", at, why)
		}
		if got.Value != p.Value && got.Value != histories.NoValue {
			t.Fatalf("byte %d changed: value %d, sent %d", at, got.Value, p.Value)
		}
		if at >= identityLen+4 && got.Value != p.Value {
			t.Fatalf("byte %d of the padding changed and the value is lost", at)
		}
	})
}

// TestPayloadOrigin: foreign and misrouted records are told apart.
func TestPayloadOrigin(t *testing.T) {
	p := Payload{Run: 7, Key: 3, Value: 11, Process: 5}
	b := AppendPayload(nil, p, 100)
	for _, tc := range []struct {
		name  string
		b     []byte
		run   uint64
		key   int64
		why   string
		value int64
	}{
		{"ours", b, 7, 3, "", 11},
		{"other log", b, 7, 4, histories.BadLog, 11},
		{"other run", b, 8, 3, histories.BadForeign, histories.NoValue},
		{"nothing", nil, 7, 3, histories.BadForeign, histories.NoValue},
		{"text", []byte("a record that some other program wrote to this topic, longer than a payload"), 7, 3, histories.BadForeign, histories.NoValue},
		{"short text", []byte("hello"), 7, 3, histories.BadForeign, histories.NoValue},
		{"cut short", b[:30], 7, 3, histories.BadChecksum, histories.NoValue},
		{"cut in the padding", b[:60], 7, 3, histories.BadChecksum, 11},
	} {
		got, why, detail := DecodePayload(tc.b, tc.run, tc.key)
		if why != tc.why || got.Value != tc.value {
			t.Errorf("%s: %q with value %d, want %q with %d", tc.name, why, got.Value, tc.why, tc.value)
		}
		if (why != "") != (detail != "") {
			t.Errorf("%s: detail %q", tc.name, detail)
		}
	}
}

func drawPayload(t *rapid.T) Payload {
	return Payload{
		Run:     rapid.Uint64().Draw(t, "run"),
		Key:     rapid.Int64Min(0).Draw(t, "key"),
		Value:   rapid.Int64Min(0).Draw(t, "value"),
		Process: rapid.Int64Min(0).Draw(t, "process"),
	}
}

// FuzzDecodePayload: any bytes are classified; only what AppendPayload would
// write passes; a value is told only beside an intact identity.
func FuzzDecodePayload(f *testing.F) {
	good := AppendPayload(nil, Payload{Run: 7, Key: 3, Value: 11, Process: 5}, 64)
	f.Add(good, uint64(7), int64(3))
	f.Add(good, uint64(8), int64(3))
	f.Add(good[:50], uint64(7), int64(4))
	f.Add([]byte("AKP1"), uint64(7), int64(3))
	f.Fuzz(func(t *testing.T, b []byte, run uint64, key int64) {
		p, why, _ := DecodePayload(b, run, key)
		switch why {
		case "":
			if p.Run != run || p.Key != key {
				t.Errorf("a payload of run %x, log %d passed as of run %x, log %d", p.Run, p.Key, run, key)
			}
		case histories.BadLog:
			if p.Key == key || p.Run != run {
				t.Errorf("misrouted although it is of run %x, log %d", p.Run, p.Key)
			}
		case histories.BadForeign:
			if p.Value != histories.NoValue {
				t.Errorf("a foreign record has value %d", p.Value)
			}
		case histories.BadChecksum:
		default:
			t.Errorf("unknown reason %q", why)
		}
	})
}
