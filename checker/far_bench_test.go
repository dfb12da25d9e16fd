package checker

import (
	"runtime"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// BenchmarkFarOffsets judges records that stand far from each other, which
// share no page with any other: the most that a single record can cost,
// whatever its offset.
func BenchmarkFarOffsets(b *testing.B) {
	const records = 4096
	step := int64(1<<62) / records
	for b.Loop() {
		begin := time.Now()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		j := NewJudge(histories.Header{}, false, Options{})
		index := int64(0)
		entry := func(process int64, typ histories.Type, f histories.F, fill func(*histories.Op)) {
			op := histories.Op{Index: index, Process: process, Type: typ, F: f}
			fill(&op)
			j.Observe(&op)
			index++
		}
		entry(1, histories.Invoke, histories.Assign, func(op *histories.Op) { op.Keys = []int64{0} })
		entry(1, histories.OK, histories.Assign, func(op *histories.Op) { op.Keys = []int64{0} })
		for i := range int64(records) {
			entry(0, histories.Invoke, histories.Send, func(op *histories.Op) { op.AddSend(0, i*step) })
			entry(0, histories.OK, histories.Send, func(op *histories.Op) {
				op.AddSend(0, i*step)
				op.Mops[0].Offset = i * step
			})
			entry(1, histories.Invoke, histories.Poll, func(op *histories.Op) { op.AddPoll() })
			entry(1, histories.OK, histories.Poll, func(op *histories.Op) {
				op.AddPoll()
				op.AddRun(0, histories.Rec{Offset: i * step, Value: i * step})
			})
		}
		j.flush()
		runtime.GC()
		runtime.ReadMemStats(&after)
		v := j.Finish()
		if len(v.Anomalies) > 0 || v.Judged.Acked != records {
			b.Fatalf("%+v", v)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/records, "B/record")
		b.ReportMetric(float64(time.Since(begin).Nanoseconds())/records, "ns/record")
	}
}
