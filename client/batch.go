package client

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ackproof/ackproof/histories"
)

// Where the fields of a record batch of magic 2 stand (KIP-98), in bytes.
const (
	batchLengthAt     = 8
	batchEpochAt      = 12
	batchMagicAt      = 16
	batchCRCAt        = 17
	batchAttrsAt      = 21
	batchLastDeltaAt  = 23
	batchProducerAt   = 43
	batchNumRecordsAt = 57
	batchHeaderLen    = 61
)

// Bits of a record batch's attributes.
const (
	attrCodec         = 0x07
	attrTransactional = 0x10
	attrControl       = 0x20
)

// codecOf returns the compression of a name.
func codecOf(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "", "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	}
	return kgo.NoCompression(), fmt.Errorf("compression %q: want none, gzip, snappy, lz4 or zstd", name)
}

// newCompressor returns the compressor of a name; nil for none.
func newCompressor(name string) (kgo.Compressor, error) {
	codec, err := codecOf(name)
	if err != nil {
		return nil, err
	}
	return kgo.DefaultCompressor(codec)
}

// batchWriter builds one record batch after another in the same memory.
type batchWriter struct {
	codec   kgo.Compressor // nil: not compressed
	buf     []byte
	payload []byte
	record  []byte
	zip     bytes.Buffer
	records int32
}

// begin starts a batch.
func (w *batchWriter) begin() {
	if w.buf == nil {
		w.buf = make([]byte, batchHeaderLen, 1024)
	}
	w.buf = w.buf[:batchHeaderLen]
	w.records = 0
}

// tombstoneHeader is the record header that holds the payload of a tombstone,
// which has no value.
const tombstoneHeader = "ackproof"

// add appends a record with the payload, padded to size bytes.
func (w *batchWriter) add(p Payload, size int) {
	w.payload = AppendPayload(w.payload[:0], p, size)
	// attributes, timestamp delta 0, offset delta, no key, value, no headers
	n := 1 + 1 + kbin.VarintLen(w.records) + 1 + kbin.VarintLen(int32(len(w.payload))) + len(w.payload) + 1
	w.buf = kbin.AppendVarint(w.buf, int32(n))
	w.buf = append(w.buf, 0, 0)
	w.buf = kbin.AppendVarint(w.buf, w.records)
	w.buf = kbin.AppendVarint(w.buf, -1)
	w.buf = kbin.AppendVarintBytes(w.buf, w.payload)
	w.buf = append(w.buf, 0)
	w.records++
}

// addKeyed is add for a record with a key; a tombstone's payload is in a header.
func (w *batchWriter) addKeyed(p Payload, size int, key histories.RecordKey) {
	w.payload = AppendPayload(w.payload[:0], p, size)
	r := append(w.record[:0], 0, 0) // attributes, timestamp delta
	r = kbin.AppendVarint(r, w.records)
	r = kbin.AppendVarintBytes(r, binary.BigEndian.AppendUint64(nil, uint64(key.Key)))
	if key.Tombstone {
		r = kbin.AppendVarint(r, -1)
		r = kbin.AppendVarint(r, 1)
		r = kbin.AppendVarintString(r, tombstoneHeader)
		r = kbin.AppendVarintBytes(r, w.payload)
	} else {
		r = kbin.AppendVarintBytes(r, w.payload)
		r = kbin.AppendVarint(r, 0)
	}
	w.record = r
	w.buf = append(kbin.AppendVarint(w.buf, int32(len(r))), r...)
	w.records++
}

// end seals the batch with the create time in milliseconds and returns it; it
// is valid until the next begin.
func (w *batchWriter) end(millis int64) ([]byte, error) {
	var attrs uint16
	if w.codec != nil {
		w.zip.Reset()
		out, codec := w.codec.Compress(&w.zip, w.buf[batchHeaderLen:])
		if codec == kgo.CodecError {
			return nil, fmt.Errorf("compress a batch of %d records failed", w.records)
		}
		attrs = uint16(codec)
		w.buf = append(w.buf[:batchHeaderLen], out...)
	}
	b, be := w.buf, binary.BigEndian
	be.PutUint64(b, 0)                                      // base offset
	be.PutUint32(b[batchLengthAt:], uint32(len(b)-12))      // length of what follows
	be.PutUint32(b[12:], ^uint32(0))                        // partition leader epoch: unknown
	b[batchMagicAt] = 2                                     //
	be.PutUint16(b[batchAttrsAt:], attrs)                   //
	be.PutUint32(b[batchLastDeltaAt:], uint32(w.records-1)) //
	be.PutUint64(b[27:], uint64(millis))                    // first timestamp
	be.PutUint64(b[35:], uint64(millis))                    // max timestamp
	be.PutUint64(b[batchProducerAt:], ^uint64(0))           // no producer id
	be.PutUint16(b[51:], ^uint16(0))                        // no producer epoch
	be.PutUint32(b[53:], ^uint32(0))                        // no sequence
	be.PutUint32(b[batchNumRecordsAt:], uint32(w.records))
	be.PutUint32(b[batchCRCAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
	return b, nil
}
