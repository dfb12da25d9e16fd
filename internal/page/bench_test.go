package page

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// BenchmarkPage makes the page of ten million operations on 200 logs and tells
// what that costs beside a check, in seconds of a processor: a page is gathered
// by the read that judges.
func BenchmarkPage(b *testing.B) {
	h := histories.Header{Format: 1, Workers: 50}
	for k := range int64(200) {
		h.Logs = append(h.Logs, histories.Log{Key: k, Topic: "topic", Partition: int32(k)})
	}
	for b.Loop() {
		begin := processorTime()
		g := NewGather(h)
		op := histories.Op{F: histories.Send}
		op.AddSend(0, 0)
		for i := range int64(10_000_000) {
			op.Process, op.Type, op.Index, op.Time = i%50, histories.Invoke, 2*i, time.Duration(i)*50*time.Microsecond
			op.Mops[0] = histories.Mop{Send: true, Key: i % 200, Offset: histories.OffsetUnknown, Value: i}
			g.Observe(&op)
			op.Type, op.Index, op.Time, op.Mops[0].Offset = histories.OK, 2*i+1, op.Time+time.Duration(i%7)*time.Millisecond/10, i/200
			g.Observe(&op)
		}
		gathered := processorTime()
		var page bytes.Buffer
		if err := Write(&page, Run{Header: h}, g.Snapshot()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((gathered - begin).Seconds(), "cpu-s-gather")
		b.ReportMetric((processorTime() - gathered).Seconds(), "cpu-s-write")
		b.ReportMetric(float64(page.Len())/1e6, "MB-page")
	}
}

// processorTime is what this process has used of the processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
