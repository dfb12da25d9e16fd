package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// maxDelta bounds the offsets that a damaged record batch may claim, so that
// one bad batch does not end a reader's way through the log.
const maxDelta = 1 << 20

var (
	errTruncated  = errors.New("the fetch holds no whole record batch")
	errNoProgress = errors.New("the fetch holds only record batches below its position")
)

// decoder turns fetched record batches into records. Unlike a consumer it
// hides nothing: what lies at or above the position is reported in the order
// the broker sent it, repeated and damaged records included.
type decoder struct {
	run       uint64
	committed bool // leave out aborted transactions
	zip       kgo.Decompressor
}

func newDecoder(run uint64, isolation string) decoder {
	return decoder{run: run, committed: isolation == "read_committed", zip: kgo.DefaultDecompressor()}
}

// decode appends the records of one fetched log to the operation and returns
// the position that follows, and the leader epoch of the last record; -1 where
// there is none. Damage is told in op.Bad; the error means that the fetch did
// not get anywhere.
func (d *decoder) decode(op *histories.Op, key, position int64, fp *kmsg.FetchResponseTopicPartition) (next, epoch int64, err error) {
	next, epoch = position, -1
	b := batchReader{decoder: d, op: op, key: key, position: position}
	if d.committed {
		b.aborted = abortedBy(fp.AbortedTransactions)
	}
	data := fp.RecordBatches
	for len(data) > batchMagicAt {
		length := int64(int32(binary.BigEndian.Uint32(data[batchLengthAt:]))) + 12
		if length <= batchMagicAt || length > int64(len(data)) {
			break // the broker cuts the last batch at the limit of bytes
		}
		had := len(op.Recs)
		next = max(next, b.read(data[:length]))
		if len(op.Recs) > had {
			epoch = int64(int32(binary.BigEndian.Uint32(data[batchEpochAt:])))
		}
		data = data[length:]
	}
	switch {
	case next > position || len(fp.RecordBatches) == 0:
		return next, epoch, nil
	case len(data) == len(fp.RecordBatches):
		return next, epoch, errTruncated
	}
	return next, epoch, errNoProgress
}

// batchReader reads the record batches of one log.
type batchReader struct {
	*decoder
	op       *histories.Op
	key      int64
	position int64 // records below it were not asked for
	aborted  map[int64][]int64
}

// read reports one batch and returns the offset that follows it.
func (b *batchReader) read(batch []byte) (next int64) {
	base := int64(binary.BigEndian.Uint64(batch))
	if magic := batch[batchMagicAt]; magic != 2 || len(batch) < batchHeaderLen {
		if base < b.position {
			return base + 1
		}
		b.bad(base, fmt.Sprintf("record batch of magic %d and %d bytes", magic, len(batch)))
		return base + 1
	}
	sum, want := crc32.Checksum(batch[batchAttrsAt:], castagnoli), binary.BigEndian.Uint32(batch[batchCRCAt:])
	attrs := binary.BigEndian.Uint16(batch[batchAttrsAt:])
	delta := int32(binary.BigEndian.Uint32(batch[batchLastDeltaAt:]))
	count := int32(binary.BigEndian.Uint32(batch[batchNumRecordsAt:]))
	if sum != want && (delta < 0 || delta > maxDelta) {
		delta = 0
	}
	next = base + int64(delta) + 1
	if next <= b.position {
		return next
	}
	records := batch[batchHeaderLen:]
	if codec := attrs & attrCodec; codec != 0 {
		var err error
		if records, err = b.zip.Decompress(records, kgo.CompressionCodecType(codec)); err != nil {
			b.bad(base, fmt.Sprintf("record batch cannot be decompressed: %v", err))
			return next
		}
	}
	if attrs&attrControl != 0 {
		b.control(batch, records)
		return next
	}
	if b.isAborted(batch, base, attrs) {
		return next
	}
	found := len(b.op.Bad)
	b.records(base, count, records)
	if sum != want && len(b.op.Bad) == found {
		b.damage(max(base, b.position), fmt.Sprintf("record batch has checksum %08x, computed %08x", want, sum))
	}
	return next
}

// records reports the records of a batch.
func (b *batchReader) records(base int64, count int32, in []byte) {
	last := base - 1
	for n := int32(0); n < count; n++ {
		length, used := kbin.Varint(in)
		if used <= 0 || length < 0 || int64(length) > int64(len(in)-used) {
			b.bad(last+1, fmt.Sprintf("record %d of %d in the batch at %d cannot be read", n+1, count, base))
			return
		}
		r := kbin.Reader{Src: in[used : used+int(length)]}
		in = in[used+int(length):]
		r.Int8()    // attributes
		r.Varlong() // timestamp delta
		delta := r.Varint()
		r.VarintBytes() // key
		value := r.VarintBytes()
		if value == nil && r.Ok() {
			value = tombstonePayload(&r)
		}
		if !r.Ok() {
			last++
			b.bad(last, fmt.Sprintf("record %d of %d in the batch at %d cannot be read", n+1, count, base))
			continue
		}
		last = base + int64(delta)
		b.record(last, value)
	}
}

// tombstonePayload finds the payload of a record without a value.
func tombstonePayload(r *kbin.Reader) []byte {
	for n := r.Varint(); n > 0 && r.Ok(); n-- {
		key, value := r.VarintString(), r.VarintBytes()
		if key == tombstoneHeader {
			return value
		}
	}
	return nil
}

// record reports one record at or above the position.
func (b *batchReader) record(offset int64, value []byte) {
	if offset < b.position {
		return
	}
	p, why, detail := DecodePayload(value, b.run, b.key)
	b.op.Recs = append(b.op.Recs, histories.Rec{Offset: offset, Value: p.Value})
	if why != "" {
		b.op.Bad = append(b.op.Bad, histories.BadRec{Key: b.key, Offset: offset, Why: why, Detail: detail})
	}
}

// bad reports a record that cannot be read at all, at its offset or where the
// fetch began.
func (b *batchReader) bad(offset int64, detail string) {
	offset = max(offset, b.position)
	b.op.Recs = append(b.op.Recs, histories.Rec{Offset: offset, Value: histories.NoValue})
	b.damage(offset, detail)
}

func (b *batchReader) damage(offset int64, detail string) {
	b.op.Bad = append(b.op.Bad, histories.BadRec{Key: b.key, Offset: offset, Why: histories.BadChecksum, Detail: detail})
}

// abortedBy lists the first offsets of aborted transactions by producer, in
// order: brokers do not have to send them so.
func abortedBy(txns []kmsg.FetchResponseTopicPartitionAbortedTransaction) map[int64][]int64 {
	if len(txns) == 0 {
		return nil
	}
	m := make(map[int64][]int64)
	for _, t := range txns {
		m[t.ProducerID] = append(m[t.ProducerID], t.FirstOffset)
	}
	for _, firsts := range m {
		slices.Sort(firsts)
	}
	return m
}

// isAborted tells whether a batch belongs to an aborted transaction.
func (b *batchReader) isAborted(batch []byte, base int64, attrs uint16) bool {
	if b.aborted == nil || attrs&attrTransactional == 0 {
		return false
	}
	firsts := b.aborted[int64(binary.BigEndian.Uint64(batch[batchProducerAt:]))]
	return len(firsts) > 0 && base >= firsts[0]
}

// control ends a producer's oldest aborted transaction where the batch is an
// abort marker: a record whose key is int16 version, int16 type 0.
func (b *batchReader) control(batch, records []byte) {
	if b.aborted == nil {
		return
	}
	length, used := kbin.Varint(records)
	if used <= 0 || length < 0 || int64(length) > int64(len(records)-used) {
		return
	}
	r := kbin.Reader{Src: records[used : used+int(length)]}
	r.Int8()
	r.Varlong()
	r.Varint()
	marker := r.VarintBytes()
	if !r.Ok() || len(marker) < 4 || binary.BigEndian.Uint16(marker[2:]) != 0 {
		return
	}
	pid := int64(binary.BigEndian.Uint64(batch[batchProducerAt:]))
	base := int64(binary.BigEndian.Uint64(batch))
	if firsts := b.aborted[pid]; len(firsts) > 0 && firsts[0] <= base {
		b.aborted[pid] = firsts[1:]
	}
}

// clampMillis turns a wait into the milliseconds of a request.
func clampMillis(ms int64) int32 { return int32(min(max(ms, 0), math.MaxInt32)) }
