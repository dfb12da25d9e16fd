package client

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ackproof/ackproof/histories"
)

// dialDirect is a route map without links.
func dialDirect(ctx context.Context, network, host string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, host)
}

func fetched(data []byte) *kmsg.FetchResponseTopicPartition {
	return &kmsg.FetchResponseTopicPartition{RecordBatches: data}
}

// BenchmarkRawSend measures synchronous single-record sends of 32 clients on
// an embedded broker, beside a bare loop of franz-go requests without deadline,
// payload or outcome: the difference is what an operation costs.
func BenchmarkRawSend(b *testing.B) {
	l := newLab(b, 3)
	b.Run("ours", func(b *testing.B) {
		conns := make([]Conn, 32)
		for i := range conns {
			conns[i] = l.open("raw", func(cfg *Config) { cfg.Dial = dialDirect; cfg.Process = int64(i) })
			do(b, conns[i], sendOp(int64(i%3), 1), histories.OK)
		}
		each32(b, func(i int, next func() bool) {
			op := sendOp(int64(i%3), 1)
			for next() {
				if conns[i].Do(context.Background(), op); op.Type != histories.OK {
					b.Error(op.Error)
					return
				}
			}
		})
	})
	b.Run("bare", func(b *testing.B) {
		wires := make([]*wire, 32)
		var routes []*route
		for i := range wires {
			cfg := l.config()
			cfg.Dial = dialDirect
			w, err := newWire(cfg, cfg.Seeds)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(w.close)
			ls := newLeaders(cfg)
			if err := ls.fresh(b.Context(), w); err != nil {
				b.Fatal(err)
			}
			r, _, err := ls.of(w, int64(i%3))
			if err != nil {
				b.Fatal(err)
			}
			wires[i], routes = w, append(routes, r)
		}
		each32(b, func(i int, next func() bool) {
			w, r := wires[i], routes[i]
			batch := makeBatch(b, "none", 0, 64, 1)
			for next() {
				w.gate.open()
				resp, err := w.produce.set(r, batch, time.Second).RequestWith(context.Background(), w.brokers[r.addr])
				if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
					b.Error(err)
					return
				}
			}
		})
	})
}

// each32 runs 32 loops that share b.N.
func each32(b *testing.B, loop func(i int, next func() bool)) {
	b.ReportAllocs()
	b.ResetTimer()
	var n atomic.Int64
	next := func() bool { return n.Add(1) <= int64(b.N) }
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() { loop(i, next) })
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkEncode measures the record batch of one record and of a hundred.
func BenchmarkEncode(b *testing.B) {
	for name, n := range map[string]int{"1": 1, "100": 100} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var w batchWriter
			for range b.N {
				w.begin()
				for v := range n {
					w.add(Payload{Run: testRun, Key: 1, Value: int64(v)}, 100)
				}
				if _, err := w.end(1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode measures a fetch of 1,000 records of 100 bytes, beside
// franz-go's decoder without a look at the payloads.
func BenchmarkDecode(b *testing.B) {
	values := make([]int64, 1000)
	data := makeBatch(b, "none", 0, 100, values...)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		d := newDecoder(testRun, "")
		op := new(histories.Op)
		for range b.N {
			op.Recs = op.Recs[:0]
			if next, _, err := d.decode(op, 1, 0, fetched(data)); err != nil || next != 1000 {
				b.Fatal(next, err)
			}
		}
	})
	b.Run("franz-go", func(b *testing.B) {
		b.ReportAllocs()
		zip := kgo.DefaultDecompressor()
		for range b.N {
			if fp, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{}, fetched(data), zip, nil); len(fp.Records) != 1000 {
				b.Fatal(fp.Err)
			}
		}
	})
}
