package run

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// BenchmarkLive compares, on the embedded target through the links and at full
// rate, a bare loop of clients with the same loop recorded and judged live:
// interleaved rounds, the median of each, and their ratio.
func BenchmarkLive(b *testing.B) {
	const rounds, length = 5, 2 * time.Second
	for b.Loop() {
		var bare, live []float64
		for i := range rounds {
			bare = append(bare, liveRound(b, false, uint64(i), length))
			live = append(live, liveRound(b, true, uint64(i), length))
		}
		slices.Sort(bare)
		slices.Sort(live)
		b.ReportMetric(bare[rounds/2], "bare-ops/s")
		b.ReportMetric(live[rounds/2], "live-ops/s")
		b.ReportMetric(live[rounds/2]/bare[rounds/2], "live/bare")
	}
}

// liveRound returns the operations per second of one round on a fresh cluster.
func liveRound(b *testing.B, record bool, seed uint64, length time.Duration) float64 {
	b.Helper()
	ctx := context.Background()
	cluster, err := target.Start(ctx, "embedded", target.Config{Nodes: 3, Log: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	defer cluster.Close()
	cfg := nemesis.LinkConfig{Log: io.Discard}
	var seeds []string
	for _, n := range cluster.Nodes() {
		cfg.Nodes = append(cfg.Nodes, nemesis.Node{Name: n.Name, Addr: n.Addr})
		seeds = append(seeds, n.Addr)
	}
	links, err := nemesis.OpenLinks(ctx, cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer links.Close()
	if err := cluster.CreateTopics(ctx, []target.Topic{{Name: "t", Partitions: 8}}); err != nil {
		b.Fatal(err)
	}
	gen := generator.Config{Concurrency: 32, Batch: 10}
	for p := range 8 {
		gen.Logs = append(gen.Logs, histories.Log{Key: int64(p), Topic: "t", Partition: int32(p)})
	}
	work := generator.Workloads[0]
	contract := cluster.Contract()
	contract.Acks = "all"
	tailed := work.Contract(&contract)
	open := func(process int64) client.Conn {
		c, err := client.Kinds[0].Open(client.Config{
			Process: process, Seeds: seeds, Dial: links.Dial, Logs: gen.Logs, Run: 1, Contract: contract,
			OpTimeout: time.Second, PollWait: time.Millisecond, RecordSize: 64, Compression: "none",
		})
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	var rec *histories.Recorder
	if record {
		h := histories.Header{Format: histories.FormatVersion, Run: "1", Seed: seed, Workers: work.Workers(gen), Tailed: tailed, Contract: contract, Logs: gen.Logs}
		if rec, err = histories.Create(filepath.Join(b.TempDir(), histories.HistoryFile), h, histories.RecorderOptions{}); err != nil {
			b.Fatal(err)
		}
		judge := startLiveJudge(rec, h, checker.Options{})
		defer judge.wait()
		defer rec.Close()
	}
	return loop(b, work, gen, open, rec, length)
}

// loop lets every worker go as fast as it can; rec may be nil.
func loop(b *testing.B, work generator.Workload, cfg generator.Config, open func(int64) client.Conn, rec *histories.Recorder, length time.Duration) float64 {
	g := work.New(cfg)
	var mu sync.Mutex // the generator has one owner at a time
	var done atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for w := range work.Workers(cfg) {
		wg.Go(func() {
			process, stride := int64(w), int64(work.Workers(cfg))
			conn := open(process)
			defer func() { conn.Close() }()
			var op histories.Op
			for time.Since(begin) < length {
				if w >= cfg.Concurrency {
					time.Sleep(tailEvery) // tailing readers are paced, here as in a run
				}
				op.Reset()
				mu.Lock()
				turn := g.Next(time.Since(begin), w, &op)
				mu.Unlock()
				if turn != generator.Go {
					time.Sleep(askAgain)
					continue
				}
				op.Process, op.Type = process, histories.Invoke
				if rec != nil {
					if err := rec.Record(&op); err != nil {
						b.Error(err)
						return
					}
				}
				conn.Do(context.Background(), &op)
				op.Process = process
				if rec != nil {
					if err := rec.Record(&op); err != nil {
						b.Error(err)
						return
					}
				}
				done.Add(1)
				mu.Lock()
				g.Saw(w, &op)
				mu.Unlock()
				if op.Type == histories.Info {
					conn.Close()
					process += stride
					conn = open(process)
				}
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}
