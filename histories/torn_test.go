package histories

import (
	"bytes"
	"errors"
	"testing"
)

// smallHistory has an entry of each kind, in the formats that runs leave.
func smallHistory() (*Header, []*Op) {
	yes := true
	h := &Header{Format: FormatVersion, Tool: "test", Seed: 7, Contract: Contract{Acks: "all"}, Logs: []Log{{Key: 0, Topic: "orders"}}}
	ops := []*Op{
		{Process: Nemesis, Type: Info, F: Phase, Event: &Event{ID: -1, Phase: PhaseCalm}},
		{Process: 1, F: Assign, Keys: []int64{0}, Seek: Seek{To: SeekBeginning}},
		{Process: 1, Type: OK, F: Assign, Keys: []int64{0}, Seek: Seek{To: SeekBeginning}, Offsets: []KeyOffset{{0, 0}}},
		{Process: Nemesis, Type: Info, F: Bite, Event: &Event{ID: 0, Fault: "latency", On: []string{"n1"}, Held: &yes, Proof: []Probe{{Node: "n1", When: "during", Millis: 12.5}}}},
	}
	send := &Op{Process: 2, F: Send}
	send.AddSend(0, 17)
	sent := send.Clone()
	sent.Type, sent.Error = Info, `no answer: "timeout"`
	poll := &Op{Process: 1, F: Poll}
	poll.AddPoll()
	polled := poll.Clone()
	polled.Type = OK
	polled.AddRun(0, Rec{0, 17}, Rec{OffsetNil, NoValue})
	polled.Fetched = []Fetched{{0, 0, 1, -1}}
	polled.Bad = []BadRec{{0, 1, BadChecksum, "got 1, want 2"}}
	ops = append(ops, send, poll, sent, polled,
		&Op{Process: 1, F: EndOffsets, Keys: []int64{0}},
		&Op{Process: 1, Type: OK, F: EndOffsets, Keys: []int64{0}, Offsets: []KeyOffset{{0, 1}}})
	for i, o := range ops {
		o.Index, o.Time = int64(i), 1000
	}
	return h, ops
}

// A file cut off at any byte gives its whole entries, and then the place to
// which it is whole; or its end, where nothing is missing.
func TestTornTails(t *testing.T) {
	h, ops := smallHistory()
	for _, format := range []string{"jsonl", "edn"} {
		text := encode(t, format, h, ops)
		for n := 1; n < len(text); n++ {
			whole := bytes.LastIndexByte(text[:n], '\n') + 1
			complete := text[n] == '\n' // all but the newline is there
			r, err := NewReader(bytes.NewReader(text[:n]), formatNamed(t, format), "cut")
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(r)
			want := max(bytes.Count(text[:n], newline)-1, 0)
			if complete && whole > 0 {
				want++
			}
			same(t, format, ops[:want], got, text[:n])
			if complete || whole == n {
				if err != nil {
					t.Fatalf("%s cut at byte %d, behind an entry: %v", format, n, err)
				}
				continue
			}
			var syn *SyntaxError
			if !errors.As(err, &syn) || whole > 0 && (!syn.Torn || syn.Byte != int64(whole)) {
				t.Fatalf("%s cut at byte %d: %v, want torn at byte %d", format, n, err, whole)
			}
			if whole > 0 { // what the error says repairs the file
				r, _ := NewReader(bytes.NewReader(text[:syn.Byte]), formatNamed(t, format), "repaired")
				if again, err := readAll(r); err != nil || len(again) != len(got) {
					t.Fatalf("%s truncated to byte %d: %v", format, syn.Byte, err)
				}
			}
		}
	}
}

// In a vector the bracket at the end is missing as well.
func TestTornVector(t *testing.T) {
	_, ops := smallHistory()
	text := append([]byte("["), encode(t, "edn", nil, ops)...)
	for n := 1; n <= len(text); n++ {
		r, err := NewReader(bytes.NewReader(text[:n]), formatNamed(t, "edn"), "cut")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(r)
		var syn *SyntaxError
		if !errors.As(err, &syn) || !syn.Torn {
			t.Fatalf("cut at byte %d: %v", n, err)
		}
		same(t, "edn", ops[:len(got)], got, text[:n])
	}
}

// A compressed file that was cut off gives a prefix and says that it is one,
// wherever the cut is.
func TestTornCompression(t *testing.T) {
	text := typicalHistory(t, "jsonl.zst", 2000)
	_, _, all := mustRead(t, "jsonl.zst", text)
	most := 0
	for n := 1; n < len(text); n += 1 + len(text)/100 {
		r, err := NewReader(bytes.NewReader(text[:n]), formatNamed(t, "jsonl.zst"), "cut")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(r)
		var syn *SyntaxError
		if !errors.As(err, &syn) || !syn.Torn {
			t.Fatalf("cut at byte %d of %d: %v", n, len(text), err)
		}
		same(t, "jsonl.zst", all[:len(got)], got, nil)
		most = max(most, len(got))
	}
	if most == 0 {
		t.Error("no cut left anything")
	}
}

// A damaged compressed file is told from a torn one.
func TestDamagedCompression(t *testing.T) {
	text := typicalHistory(t, "jsonl.zst", 2000)
	for i := len(text) / 3; i < len(text)/3+20; i++ {
		text[i] ^= 0x55
	}
	r, err := NewReader(bytes.NewReader(text), Format{}, "damaged")
	if err != nil {
		t.Fatal(err)
	}
	_, err = readAll(r)
	var syn *SyntaxError
	if !errors.As(err, &syn) || syn.Torn {
		t.Errorf("%v, want damage", err)
	}
}
