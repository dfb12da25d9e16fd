package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/keep"
	"github.com/ackproof/ackproof/internal/metrics"
	"github.com/ackproof/ackproof/internal/report"
	"github.com/ackproof/ackproof/internal/run"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// defaultStore is where run directories go, below the working directory.
const defaultStore = "store"

// runFlags are the flags of run that are not fields of the Spec.
type runFlags struct {
	store, plan string
	metrics     string // address to serve /metrics on
	budget      byteSize
	json, quiet bool
}

func (a *app) runCmd() *cobra.Command {
	spec := run.Default()
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run clients and faults against a cluster, record, and judge",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := finishSpec(&spec, cmd.Flags()); err != nil {
				return usage(err)
			}
			if spec.Netns && f.metrics != "" {
				return usage(errors.New("metrics-addr with netns: nobody could reach it in a network namespace of the run's own; leave out one of them"))
			}
			return a.inNetns(spec, func() error { return a.run(spec, f) })
		},
	}
	specFlags(cmd.Flags(), &spec)
	cmd.Flags().StringVar(&f.store, "store", defaultStore, "directory for run directories")
	cmd.Flags().StringVar(&f.plan, "plan", "", "walk this plan file as it is instead of drawing one from the seed")
	cmd.Flags().StringVar(&f.metrics, "metrics-addr", "", "serve the run's own metrics for Prometheus on this address, such as 127.0.0.1:9999")
	cmd.Flags().Var(&f.budget, "disk-budget", "most that the run directory may hold, such as 20GB: the main phase ends in time")
	cmd.Flags().BoolVar(&f.json, "json", false, "print verdict.json instead of the summary")
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "no status line")
	return cmd
}

// specFlags binds the flags to the Spec; their defaults are the Spec's.
func specFlags(fs *pflag.FlagSet, s *run.Spec) {
	fs.StringVar(&s.Target, "target", s.Target, "where the broker comes from: embedded, kafka[:VERSION], process:FILE, external:HOST:PORT,… (see list targets)")
	fs.StringVar(&s.Cluster, "cluster", "", "use this kept cluster (see cluster up) instead of starting one")
	fs.StringVar(&s.Workload, "workload", s.Workload, "what the clients do (see list workloads)")
	fs.StringVar(&s.Name, "name", "", "name of the run directory (default: target-workload)")
	fs.Uint64Var(&s.Seed, "seed", 0, "repeats plan and operations (default: drawn)")
	fs.StringSliceVar(&s.Nemesis, "nemesis", s.Nemesis, "faults, by name, comma separated; all; none (see list faults); default none on an external target")
	durationFlag(fs, &s.Interval, "nemesis-interval", "mean time from one fault to the next")
	durationFlag(fs, &s.TimeLimit, "time-limit", "length of the main phase")
	durationFlag(fs, &s.Calm, "calm", "length of the fault-free phase at its start")
	durationFlag(fs, &s.Recovery, "recovery", "how long operations go on after the last heal")
	durationFlag(fs, &s.WholeLimit, "whole-limit", "how long the cluster may take to be whole again after the heal")
	durationFlag(fs, &s.Quiet, "quiet-time", "how long late writes may take before the final reads")
	durationFlag(fs, &s.FinalLimit, "final-limit", "limit of the final reads")
	durationFlag(fs, &s.OpTimeout, "op-timeout", "deadline of an operation")
	durationFlag(fs, &s.PollWait, "poll-wait", "how long a poll waits for records")
	durationFlag(fs, &s.SessionTimeout, "session-timeout", "how long a consumer group waits for a member that says nothing")
	fs.Float64Var(&s.Rate, "rate", s.Rate, "operations per second of all clients together; 0: as fast as they can")
	fs.StringVar(&s.Concurrency, "concurrency", s.Concurrency, "number of clients, or 3n for three a node")
	fs.IntVar(&s.Nodes, "nodes", s.Nodes, "brokers, where ackproof starts them (default: the target's)")
	fs.IntVar(&s.Topics, "topics", s.Topics, "topics")
	fs.IntVar(&s.Partitions, "partitions", s.Partitions, "partitions of each topic")
	fs.IntVar(&s.Replication, "replication", s.Replication, "replication factor (default: the target's)")
	fs.IntVar(&s.Batch, "batch", s.Batch, "most records in a batch")
	fs.IntVar(&s.RecordSize, "record-size", s.RecordSize, "bytes of a record's value")
	fs.StringVar(&s.Compression, "compression", s.Compression, "none, gzip, snappy, lz4 or zstd")
	fs.StringVar(&s.Acks, "acks", s.Acks, "all, 1 or 0")
	fs.BoolVar(&s.Idempotence, "idempotence", s.Idempotence, "idempotent producers, where the workload uses the high-level producer")
	fs.StringToStringVar(&s.TopicConfig, "topic-config", nil, "configuration of the run's topics: min.insync.replicas=1,unclean.leader.election.enable=true")
	fs.StringVar(&s.Durability, "durability", "", "what the contract says of an acknowledged record: replicated (a crash of every in-sync replica at once may lose it) or synced (default: the target's)")
	durationFlag(fs, &s.Staleness, "staleness", "how old a read may be where reads are Kafka's; 0: the contract does not say")
	fs.BoolVar(&s.Safe, "safe", false, "acks=all, replication 3 with min.insync.replicas 2, idempotent; other flags override")
	fs.StringVar(&s.Model, "model", "", "strict, kafka or session (default: the target's)")
	fs.StringVar(&s.Toxiproxy, "toxiproxy", "", "URL of a running Toxiproxy server to use instead of the embedded one")
	fs.StringVar(&s.Proxies, "proxies", "", "use the proxies of this topology (guide, or a YAML file), which stand on the --toxiproxy server already")
	fs.BoolVar(&s.Reset, "reset", false, "remove toxics left over on the proxies that are to be used")
	fs.BoolVar(&s.Netns, "netns", false, "run in a network namespace of its own, where packets between nodes can be dropped by nftables (packet-loss, packet-drop)")
	fs.StringVar(&s.Mutant, "mutant", "", "run a deliberately broken broker (see list mutants)")
	fs.StringSliceVar(&s.Metrics, "metrics", nil, "the nodes' Prometheus metrics, NODE=URL,…")
	fs.StringArrayVar(&s.MetricNames, "metric", nil, "an interesting metric, NAME=SERIES such as 'produce_errors=produce_total{result=\"error\"}'; may be repeated")
	fs.StringVar(&s.CommandConfig, "command-config", "", "properties file with TLS and SASL, as Kafka's own tools take it (PEM; PLAIN, SCRAM)")
	fs.BoolVar(&s.KeepGoing, "keep-going", false, "let the main phase last although a violation was found while it lasted")
	fs.BoolVar(&s.KeepTopics, "keep-topics", false, "do not delete the run's topics after a valid verdict")
	fs.BoolVar(&s.Disk, "disk", false, "embedded: keep the brokers' data on disk (always for runs over 10m)")
	fs.BoolVar(&s.Compress, "compress", false, "write history.jsonl.zst")
	fs.IntVar(&s.MinAcked, "min-acked", 0, "acknowledged records that each log needs for valid (default 50)")
}

func durationFlag(fs *pflag.FlagSet, d *run.Duration, name, usage string) {
	fs.DurationVar((*time.Duration)(d), name, time.Duration(*d), usage)
}

// finishSpec applies the defaults that depend on other flags.
func finishSpec(s *run.Spec, fs *pflag.FlagSet) error {
	if s.Safe {
		for _, safe := range []struct {
			flag string
			set  func()
		}{
			{"acks", func() { s.Acks = "all" }},
			{"idempotence", func() { s.Idempotence = true }},
			{"replication", func() { s.Replication = 3 }},
		} {
			if !fs.Changed(safe.flag) {
				safe.set()
			}
		}
	}
	if s.Cluster != "" {
		info, err := keep.Find(context.Background(), s.Cluster)
		if err != nil {
			return err
		}
		if !fs.Changed("target") {
			s.Target = info.Target
		}
		if !fs.Changed("nodes") {
			s.Nodes = len(info.Nodes)
		}
	} else if n := target.DefaultNodesOf(s.Target); n > 0 && !fs.Changed("nodes") {
		s.Nodes = n
	}
	if external(*s) && !fs.Changed("nemesis") {
		s.Nemesis = []string{"none"}
	}
	if len(s.Nemesis) == 0 {
		s.Nemesis = []string{"none"}
	}
	if !fs.Changed("seed") {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return fmt.Errorf("draw a seed: %w", err)
		}
		s.Seed = binary.BigEndian.Uint64(b[:]) >> 11 // exact in every JSON reader
	}
	if s.Name == "" {
		s.Name = defaultName(*s)
	}
	return s.Validate()
}

// external tells whether the run's brokers are somebody else's, where nothing is
// broken unless that is asked for.
func external(s run.Spec) bool { return strings.HasPrefix(s.Target, "external") }

// defaultName names a run after its target and its workload.
func defaultName(s run.Spec) string {
	target, _, _ := strings.Cut(s.Target, ":")
	return target + "-" + s.Workload
}

// run makes the run and says what came of it.
func (a *app) run(spec run.Spec, f runFlags) error {
	o := run.Options{Store: f.store, Tool: tool(), Repeat: repeatCommand(spec, f), DiskBudget: int64(f.budget)}
	o.Summary = summary(o.Repeat)
	if f.plan != "" {
		b, err := os.ReadFile(f.plan)
		if err != nil {
			return usage(fmt.Errorf("read plan: %w", err))
		}
		if o.Plan, err = nemesis.ParsePlan(f.plan, b, spec.NodeNames()); err != nil {
			return usage(err)
		}
		if o.Plan == nil {
			o.Plan = nemesis.Plan{}
		}
	}
	if f.metrics != "" {
		o.Metrics = metrics.NewRun()
		url, end, err := o.Metrics.Serve(f.metrics)
		if err != nil {
			return usage(err)
		}
		defer end()
		fmt.Fprintf(a.err, "metrics: %s\n", url)
	}
	stop, release := onInterrupt(a.err)
	defer release()
	res, err := a.supervised(spec, o, stop, f.quiet || f.json)
	return a.conclude(res, err, f.json)
}

// summary renders summary.txt; repeat is its last line.
func summary(repeat string) func(io.Writer, run.Result) {
	return func(w io.Writer, r run.Result) {
		report.Summary(w, report.Run{Header: r.Header, Verdict: r.Verdict, Dir: r.Dir, Mutant: r.Spec.Mutant, Repeat: repeat})
	}
}

// progress says what takes long before anything can be shown.
func (a *app) progress(line string) { fmt.Fprintf(a.err, "ackproof: %s\n", line) }

// supervised runs with the status line; stop ends its main phase.
func (a *app) supervised(spec run.Spec, o run.Options, stop <-chan struct{}, quiet bool) (run.Result, error) {
	o.Stop = stop
	o.Progress = a.progress
	let, err := a.guard(spec)
	if err != nil {
		return run.Result{}, err
	}
	defer let()
	if !quiet {
		line := newStatusLine(a.err)
		o.Status = line.show
		defer line.clear()
	}
	return run.Run(context.Background(), spec, o)
}

// conclude prints the summary or the verdict and chooses the exit code. A
// violation stands whatever else went wrong; a verdict that says valid does not
// make up for a harness that failed.
func (a *app) conclude(res run.Result, err error, asJSON bool) error {
	judged := res.Verdict.Format != 0
	if judged {
		a.printResult(res, asJSON)
	}
	var refused *run.Refused
	switch {
	case err == nil:
		return verdictCode(res.Verdict.Valid)
	case errors.As(err, new(*exitError)):
		return err
	case errors.As(err, &refused):
		return usage(err)
	case errors.Is(err, run.ErrStopped):
		return &exitError{exitStopped, err}
	case judged && res.Verdict.Valid == checker.Invalid:
		return &exitError{exitInvalid, err}
	case judged && res.Verdict.Valid == checker.Unknown:
		return &exitError{exitUnknown, err}
	}
	return internal(err)
}

// printResult prints what the run's directory says. Where it could not be
// written there, it is rendered again.
func (a *app) printResult(res run.Result, asJSON bool) {
	if asJSON {
		_, _ = a.out.Write(run.EncodeVerdict(res.Verdict))
		return
	}
	b, err := os.ReadFile(filepath.Join(res.Dir, histories.SummaryFile))
	if err != nil || len(b) == 0 {
		report.Summary(a.out, report.Run{Header: res.Header, Verdict: res.Verdict, Dir: res.Dir, Mutant: res.Spec.Mutant})
		return
	}
	_, _ = a.out.Write(b)
}
