package cycles

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

// million is a million transactions of 20 processes on 8 logs: two records and
// a poll of four each, all in flight at once, with a cycle at the end.
func million(n int) *Graph {
	const processes, logs = 20, 8
	r := rand.New(rand.NewPCG(1, 2))
	g := &Graph{}
	offsets, writers := make([][]int64, logs), make([][]int32, logs)
	for l := range logs {
		offsets[l], writers[l] = make([]int64, 0, n/logs*5/2), make([]int32, 0, n/logs*5/2)
	}
	called := make([]Barrier, processes)
	type poll struct {
		log  int
		last int64
	}
	polls := make([]poll, n)
	for v := range n {
		p := r.IntN(processes)
		at := g.Add(int64(p), called[p], r.IntN(100) > 0)
		called[p] = g.Now()
		for range 2 {
			l := r.IntN(logs)
			offsets[l], writers[l] = append(offsets[l], int64(2*len(offsets[l]))), append(writers[l], at)
		}
		l := r.IntN(logs)
		polls[v] = poll{l, int64(2*len(offsets[l])) - 1 - 2*processes}
	}
	for l := range logs {
		g.AddLog(offsets[l], writers[l])
	}
	for v, p := range polls {
		if v%2 == 0 && p.last > 0 {
			g.Read(int32(v), p.log, p.last-8, p.last)
		}
	}
	return g
}

// BenchmarkMillionTransactions: the goal is 2 s and 512 MB.
func BenchmarkMillionTransactions(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		g := million(1_000_000)
		found := g.Judge(false)
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.Sys)/1e6, "MB-sys")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/1e6, "MB-allocated")
		b.ReportMetric(float64(len(found)), "components")
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "txns/s")
}
