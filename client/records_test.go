package client

import (
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
)

const testRun = 0xabcdef

// codecs are the names of every compression.
var codecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// makeBatch builds a batch that a broker has put at base.
func makeBatch(t testing.TB, codec string, base int64, size int, values ...int64) []byte {
	t.Helper()
	c, err := newCompressor(codec)
	if err != nil {
		t.Fatal(err)
	}
	w := batchWriter{codec: c}
	w.begin()
	for _, v := range values {
		w.add(Payload{Run: testRun, Key: 1, Value: v, Process: 2}, size)
	}
	b, err := w.end(1_700_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(b, uint64(base))
	return b
}

// seal computes a changed batch's checksum again.
func seal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[batchCRCAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
	return b
}

// decodeAll decodes fetched bytes from a position.
func decodeAll(position int64, isolation string, data []byte, aborted ...kmsg.FetchResponseTopicPartitionAbortedTransaction) (*histories.Op, int64, error) {
	d := newDecoder(testRun, isolation)
	op := new(histories.Op)
	next, _, err := d.decode(op, 1, position, &kmsg.FetchResponseTopicPartition{RecordBatches: data, AbortedTransactions: aborted})
	return op, next, err
}

// TestBatchRoundTrip: every compression, read by our decoder and by
// franz-go's, from any position.
func TestBatchRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		codec := rapid.SampledFrom(codecs).Draw(rt, "codec")
		size := rapid.IntRange(0, 500).Draw(rt, "size")
		base := rapid.Int64Range(0, 1<<40).Draw(rt, "base")
		var data []byte
		next := base
		for range rapid.IntRange(1, 3).Draw(rt, "batches") {
			vs := rapid.SliceOfN(rapid.Int64Min(0), 1, 150).Draw(rt, "values")
			data = append(data, makeBatch(t, codec, next, size, vs...)...)
			next += int64(len(vs))
		}
		position := rapid.Int64Range(base, next-1).Draw(rt, "position")
		op, after, err := decodeAll(position, "", data)
		if err != nil || after != next || len(op.Bad) > 0 {
			rt.Fatalf("next %d, want %d; %v %v", after, next, err, op.Bad)
		}
		fp, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: position},
			&kmsg.FetchResponseTopicPartition{RecordBatches: data}, kgo.DefaultDecompressor(), nil)
		if fp.Err != nil || len(fp.Records) != len(op.Recs) {
			rt.Fatalf("franz-go reads %d records (%v), we %d", len(fp.Records), fp.Err, len(op.Recs))
		}
		for i, r := range fp.Records {
			p, why, _ := DecodePayload(r.Value, testRun, 1)
			if got := (histories.Rec{Offset: r.Offset, Value: p.Value}); why != "" || got != op.Recs[i] {
				rt.Fatalf("record %d: franz-go reads %v %q, we %v", i, got, why, op.Recs[i])
			}
		}
	})
}

// TestDecodeAsReturned: repeated and unordered batches are reported as they
// came; only what lies below the position is left out.
func TestDecodeAsReturned(t *testing.T) {
	var data []byte
	data = append(data, makeBatch(t, "none", 4, 64, 40, 41, 42)...)
	data = append(data, makeBatch(t, "none", 9, 64, 90)...)
	data = append(data, makeBatch(t, "none", 6, 64, 60, 61)...)
	data = append(data, makeBatch(t, "none", 9, 64, 90)...)
	data = append(data, makeBatch(t, "none", 1, 64, 10)...)
	op, next, err := decodeAll(5, "", data)
	if want := recs(5, 41, 6, 42, 9, 90, 6, 60, 7, 61, 9, 90); err != nil || next != 10 || !reflect.DeepEqual(op.Recs, want) {
		t.Errorf("read %v to %d (%v), want %v to 10", op.Recs, next, err, want)
	}
}

// TestDecodeCut: the last batch may be cut by the limit of bytes; a fetch that
// holds nothing whole, or nothing from the position on, says so.
func TestDecodeCut(t *testing.T) {
	one, two := makeBatch(t, "none", 0, 64, 1), makeBatch(t, "none", 1, 64, 2)
	both := append(append([]byte(nil), one...), two...)
	for cut := len(one); cut < len(both); cut++ {
		op, next, err := decodeAll(0, "", both[:cut])
		if err != nil || next != 1 || len(op.Recs) != 1 || len(op.Bad) != 0 {
			t.Fatalf("cut at %d: %v to %d, %v, bad %v", cut, op.Recs, next, err, op.Bad)
		}
	}
	for cut := 1; cut < len(one); cut++ {
		if op, next, err := decodeAll(0, "", one[:cut]); err != errTruncated || next != 0 || len(op.Recs) != 0 {
			t.Fatalf("cut at %d: %v to %d, %v", cut, op.Recs, next, err)
		}
	}
	if _, next, err := decodeAll(5, "", both); err != errNoProgress || next != 5 {
		t.Errorf("a stale fetch leads to %d, %v", next, err)
	}
	if _, next, err := decodeAll(5, "", nil); err != nil || next != 5 {
		t.Errorf("an empty fetch leads to %d, %v", next, err)
	}
}

// TestDecodeDamage: damage is reported where it is and the reader gets past it.
func TestDecodeDamage(t *testing.T) {
	record := func(b []byte, i int) []byte { // the payload of the i-th record of 64 bytes
		step := (len(b) - batchHeaderLen) / 3
		return b[batchHeaderLen+i*step+step-1-64:][:64]
	}
	for _, tc := range []struct {
		name   string
		change func([]byte) []byte
		want   []histories.Rec
		bad    []int64
	}{
		{"padding, checksum kept", func(b []byte) []byte { record(b, 1)[50]++; return b }, recs(5, 10, 6, 11, 7, 12), []int64{6}},
		{"padding, checksum renewed", func(b []byte) []byte { record(b, 1)[50]++; return seal(b) }, recs(5, 10, 6, 11, 7, 12), []int64{6}},
		{"value, checksum renewed", func(b []byte) []byte { record(b, 2)[27]++; return seal(b) }, recs(5, 10, 6, 11, 7, -1), []int64{7}},
		{"checksum itself", func(b []byte) []byte { b[batchCRCAt]++; return b }, recs(5, 10, 6, 11, 7, 12), []int64{5}},
		{"magic", func(b []byte) []byte { b[batchMagicAt] = 1; return b }, recs(5, -1), []int64{5}},
		{"codec", func(b []byte) []byte { b[batchAttrsAt+1] = 4; return seal(b) }, recs(5, -1), []int64{5}},
		{"a record more", func(b []byte) []byte { b[batchNumRecordsAt+3] = 4; return seal(b) }, recs(5, 10, 6, 11, 7, 12, 8, -1), []int64{8}},
		{"record length", func(b []byte) []byte { b[batchHeaderLen] = 0x7f; return seal(b) }, nil, nil},
	} {
		op, next, _ := decodeAll(5, "", tc.change(makeBatch(t, "none", 5, 64, 10, 11, 12)))
		var bad []int64
		for _, x := range op.Bad {
			bad = append(bad, x.Offset)
			if x.Why != histories.BadChecksum || x.Detail == "" || x.Key != 1 {
				t.Errorf("%s: %+v", tc.name, x)
			}
		}
		if tc.name == "record length" { // what follows a wrong length is anything
			if len(bad) == 0 || next <= 5 {
				t.Errorf("%s: nothing reported, next %d", tc.name, next)
			}
			continue
		}
		if !reflect.DeepEqual(op.Recs, tc.want) || !reflect.DeepEqual(bad, tc.bad) || next <= 5 {
			t.Errorf("%s: read %v bad at %v to %d, want %v bad at %v", tc.name, op.Recs, bad, next, tc.want, tc.bad)
		}
	}
}

// FuzzDecode: any fetched bytes are read without a panic, the position never
// moves back, nothing below it is reported, and damage never invents an intact
// record.
func FuzzDecode(f *testing.F) {
	for _, codec := range codecs {
		f.Add(makeBatch(f, codec, 3, 64, 1, 2, 3), int64(4))
	}
	f.Add(append(makeBatch(f, "none", 0, 0, 1), makeBatch(f, "none", 1, 0, 2)...), int64(0))
	f.Fuzz(func(t *testing.T, data []byte, position int64) {
		if position < 0 || len(data) > 1<<16 {
			return
		}
		op, next, err := decodeAll(position, "read_committed", data)
		if next < position {
			t.Errorf("the position moved back from %d to %d", position, next)
		}
		if err == nil && next == position && len(data) > 0 {
			t.Error("no progress and no error")
		}
		bad := 0
		for _, r := range op.Recs {
			if r.Offset < position {
				t.Errorf("offset %d is below the position %d", r.Offset, position)
			}
			if r.Value == histories.NoValue {
				bad++
			}
		}
		if bad > len(op.Bad) {
			t.Errorf("%d records without a value, %d reasons", bad, len(op.Bad))
		}
	})
}
