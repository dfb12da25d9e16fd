package client

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/ackproof/ackproof/histories"
)

// A payload is the value of every record: who wrote it, in which run, for
// which log. Big endian:
//
//	 0  magic "AKP1"
//	 4  run id            8 bytes
//	12  log key           8 bytes
//	20  value             8 bytes
//	28  process           8 bytes
//	36  CRC32C of 0…36    the identity
//	40  CRC32C of 44…     the padding
//	44  padding           the value repeated, up to the record's size
//
// The identity has its own checksum, so that a record damaged in its padding
// still says which value it was.
const (
	payloadMagic = "AKP1"
	identityLen  = 36

	// MinRecordSize is the size of a payload without padding, in bytes; a
	// smaller Config.RecordSize means this one.
	MinRecordSize = 44
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Payload is what a record's value carries.
type Payload struct {
	Run     uint64 // run id
	Key     int64  // the log it was sent to
	Value   int64
	Process int64 // who sent it
}

// AppendPayload appends the payload, padded to size bytes, to dst.
func AppendPayload(dst []byte, p Payload, size int) []byte {
	start := len(dst)
	dst = append(dst, payloadMagic...)
	dst = binary.BigEndian.AppendUint64(dst, p.Run)
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Key))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Value))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Process))
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	dst = binary.BigEndian.AppendUint32(dst, 0)

	pad := len(dst)
	for n := size - MinRecordSize; n > 0; n -= 8 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(p.Value))
	}
	dst = dst[:start+payloadLen(size)]
	binary.BigEndian.PutUint32(dst[pad-4:], crc32.Checksum(dst[pad:], castagnoli))
	return dst
}

// payloadLen is the size of a payload for a configured record size, in bytes.
func payloadLen(size int) int { return max(size, MinRecordSize) }

// DecodePayload reads what AppendPayload wrote. why is empty where the record
// belongs to this run and this log and is intact, else one of
// histories.BadChecksum, BadForeign and BadLog with a detail for people.
// Payload.Value is histories.NoValue where no value of this run can be told.
func DecodePayload(b []byte, run uint64, key int64) (p Payload, why, detail string) {
	none := Payload{Value: histories.NoValue}
	if len(b) < MinRecordSize {
		if isOurs(b, run) {
			return none, histories.BadChecksum, fmt.Sprintf("%d bytes, shorter than any payload", len(b))
		}
		return none, histories.BadForeign, fmt.Sprintf("%d bytes that are no payload of ours", len(b))
	}
	p = Payload{
		Run:     binary.BigEndian.Uint64(b[4:]),
		Key:     int64(binary.BigEndian.Uint64(b[12:])),
		Value:   int64(binary.BigEndian.Uint64(b[20:])),
		Process: int64(binary.BigEndian.Uint64(b[28:])),
	}
	if got, want := crc32.Checksum(b[:identityLen], castagnoli), binary.BigEndian.Uint32(b[identityLen:]); got != want || string(b[:4]) != payloadMagic {
		if isOurs(b, run) {
			return none, histories.BadChecksum, fmt.Sprintf("identity has checksum %08x, computed %08x", want, got)
		}
		return none, histories.BadForeign, "no payload of ours"
	}
	if p.Run != run {
		return none, histories.BadForeign, fmt.Sprintf("belongs to run %x", p.Run)
	}
	if got, want := crc32.Checksum(b[MinRecordSize:], castagnoli), binary.BigEndian.Uint32(b[identityLen+4:]); got != want {
		return p, histories.BadChecksum, fmt.Sprintf("padding has checksum %08x, computed %08x", want, got)
	}
	if p.Key != key {
		return p, histories.BadLog, fmt.Sprintf("was sent to log %d by process %d", p.Key, p.Process)
	}
	return p, "", ""
}

// isOurs tells whether damaged bytes look like a payload of this run: its
// magic or its run id is still there.
func isOurs(b []byte, run uint64) bool {
	if len(b) >= 4 && string(b[:4]) == payloadMagic {
		return true
	}
	return len(b) >= 12 && binary.BigEndian.Uint64(b[4:]) == run
}
