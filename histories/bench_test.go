package histories

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"
	"time"
)

// typicalOps are four entries of a run: a record sent, eight polled.
func typicalOps() []*Op {
	send := &Op{Process: 3}
	send.F = Send
	send.AddSend(5, 0)
	sent := send.Clone()
	sent.Type = OK
	poll := &Op{Process: 4, F: Poll}
	poll.AddPoll()
	polled := poll.Clone()
	polled.Type = OK
	polled.AddRun(5, make([]Rec, 8)...)
	return []*Op{send, sent, poll, polled}
}

// vary gives the n-th round of the four entries its own values.
func vary(ops []*Op, n int64) {
	v := 100_000 + n
	ops[0].Mops[0].Value = v
	ops[1].Mops[0].Value, ops[1].Mops[0].Offset = v, v+17
	for j := range ops[3].Recs {
		ops[3].Recs[j] = Rec{v + int64(j) - 5, v + int64(j*7%13) - 5}
	}
}

func typicalHistory(tb testing.TB, format string, rounds int) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, formatNamed(tb, format))
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.WriteHeader(&Header{Format: FormatVersion}); err != nil {
		tb.Fatal(err)
	}
	ops := typicalOps()
	for n := range int64(rounds) {
		vary(ops, n)
		for i, o := range ops {
			o.Index = n*4 + int64(i)
			o.Time = time.Duration(o.Index * 7919)
			if err := w.Write(o); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func benchmarkRecord(b *testing.B, name string) {
	r, err := Create(filepath.Join(b.TempDir(), name), Header{Format: FormatVersion}, RecorderOptions{})
	if err != nil {
		b.Fatal(err)
	}
	ops := typicalOps()
	b.ReportAllocs()
	cpu := cpuTime(b)
	for i := 0; b.Loop(); i++ {
		if i%4 == 0 {
			vary(ops, int64(i/4))
		}
		if err := r.Record(ops[i%4]); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/(cpuTime(b)-cpu).Seconds(), "entries/cpu-s")
}

func BenchmarkRecord(b *testing.B)     { benchmarkRecord(b, HistoryFile) }
func BenchmarkRecordZstd(b *testing.B) { benchmarkRecord(b, HistoryFile+zstdExt) }

func benchmarkRead(b *testing.B, format string) {
	const rounds = 50_000
	text := typicalHistory(b, format, rounds)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	cpu := cpuTime(b)
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(text), formatNamed(b, format), "bench")
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 4*rounds {
			b.Fatalf("%d entries", n)
		}
		_ = r.Close()
	}
	used := (cpuTime(b) - cpu).Seconds()
	b.ReportMetric(float64(b.N)*4*rounds/used, "entries/cpu-s")
	b.ReportMetric(float64(b.N)*float64(len(text))/1e6/used, "MB/cpu-s")
}

func BenchmarkReadJSON(b *testing.B)     { benchmarkRead(b, "jsonl") }
func BenchmarkReadJSONZstd(b *testing.B) { benchmarkRead(b, "jsonl.zst") }
func BenchmarkReadEDN(b *testing.B)      { benchmarkRead(b, "edn") }

func BenchmarkValidator(b *testing.B) {
	ops := typicalOps()
	var v Validator
	for i := 0; b.Loop(); i++ {
		o := ops[i%4]
		o.Index, o.Time = int64(i), time.Duration(i)
		if p := v.Observe(o); len(p) > 0 {
			b.Fatal(p)
		}
	}
}
