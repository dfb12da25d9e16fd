package target

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// stampLate is how old a batch may be that keeps the times of its producer.
const stampLate = 500 * time.Millisecond

// keepStamps gives batches that come late the time of their arrival. kfake's
// retention lets everything go up to the last batch that is old enough, so that
// one which a fault had held up would take the newer ones before it along. In
// Kafka they keep each other: a segment stays until its newest record is old
// (LogSegment.largestTimestamp).
func keepStamps(c *kfake.Cluster) {
	c.ControlKey(kmsg.Produce.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		now := time.Now()
		for _, t := range req.(*kmsg.ProduceRequest).Topics {
			for _, p := range t.Partitions {
				stamp(p.Records, now)
			}
		}
		return nil, nil, false
	})
}

// Where a record batch holds what is stamped (KIP-98).
const (
	batchCRC       = 17
	batchAttrs     = 21
	batchFirstTime = 27
	batchMaxTime   = 35
)

// stamp sets the times of a batch whose newest record is too old. The records'
// own times count from the batch's first one. A damaged batch stays as it is.
func stamp(batch []byte, now time.Time) {
	if len(batch) < batchHeader {
		return
	}
	newest := int64(binary.BigEndian.Uint64(batch[batchMaxTime:]))
	late := now.UnixMilli() - newest
	if late < stampLate.Milliseconds() {
		return
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	if binary.BigEndian.Uint32(batch[batchCRC:]) != crc32.Checksum(batch[batchAttrs:], table) {
		return
	}
	first := int64(binary.BigEndian.Uint64(batch[batchFirstTime:]))
	binary.BigEndian.PutUint64(batch[batchFirstTime:], uint64(first+late))
	binary.BigEndian.PutUint64(batch[batchMaxTime:], uint64(newest+late))
	binary.BigEndian.PutUint32(batch[batchCRC:], crc32.Checksum(batch[batchAttrs:], table))
}
