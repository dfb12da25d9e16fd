package run

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/nemesis"
)

// prepare makes the run directory, the plan, the cluster, the links and the topics.
func (r *runner) prepare(ctx context.Context) error {
	var err error
	if r.work, err = r.spec.workload(); err != nil {
		return err
	}
	if r.kind, err = ByName("client", r.work.Client, client.Kinds, func(k client.Kind) string { return k.Name }); err != nil {
		return err
	}
	if r.dir, err = histories.NewRunDir(r.opts.Store, r.spec.Name, r.began); err != nil {
		return &Refused{fmt.Errorf("store %s: %w; name another with --store", r.opts.Store, err)}
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("draw a run id: %w", err)
	}
	r.runID = binary.BigEndian.Uint64(id[:])
	if err := r.openLogs(); err != nil {
		return err
	}
	if err := r.save(histories.SpecFile, r.spec.Encode()); err != nil {
		return err
	}
	if err := r.startBed(ctx); err != nil {
		return err
	}
	if err := r.makePlan(); err != nil {
		return err
	}
	return r.createTopics(ctx)
}

func (r *runner) openLogs() (err error) {
	if r.log, err = os.Create(filepath.Join(r.dir, histories.LogFile)); err != nil {
		return fmt.Errorf("create the run's log: %w", err)
	}
	if r.toxiLog, err = os.Create(filepath.Join(r.dir, histories.ToxiproxyLogFile)); err != nil {
		return fmt.Errorf("create Toxiproxy's log: %w", err)
	}
	return nil
}

// save writes a file of the run directory. What could not be written whole is
// removed again.
func (r *runner) save(name string, b []byte) error {
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

func (r *runner) logf(format string, args ...any) {
	fmt.Fprintf(r.log, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

// makePlan draws the plan, saves it, and reads back what is to be walked.
func (r *runner) makePlan() error {
	names := r.bed.nodeNames()
	plan := r.opts.Plan
	if plan == nil && r.spec.Faulty() {
		var err error
		plan, err = nemesis.Draw(r.spec.seed().Stream("nemesis"), nemesis.DrawConfig{
			Faults: r.spec.Nemesis, Nodes: names,
			Length:   time.Duration(r.spec.TimeLimit - r.spec.Calm),
			Interval: time.Duration(r.spec.Interval), Offer: r.offer(),
		})
		if err != nil {
			return &Refused{fmt.Errorf("draw the plan: %w", err)}
		}
	}
	b := plan.Encode()
	if err := r.save(histories.PlanFile, b); err != nil {
		return err
	}
	var err error
	if r.plan, err = nemesis.ParsePlan(histories.PlanFile, b, names); err != nil {
		return &Refused{fmt.Errorf("the plan cannot be walked here: %w", err)}
	}
	if err := r.plan.Check(r.offer()); err != nil {
		return &Refused{fmt.Errorf("the plan cannot be walked here: %w", err)}
	}
	if err := r.checkStepsHere(names); err != nil {
		return &Refused{fmt.Errorf("the steps cannot be walked here: %w", err)}
	}
	for _, u := range r.plan.Unusual() {
		r.logf("plan: %s", u)
	}
	return nil
}

// offer is what the started cluster has for faults to act upon.
func (r *runner) offer() nemesis.Offer {
	w := r.bed.world()
	return w.Offer()
}

// createTopics creates the run's own topics and composes the header.
func (r *runner) createTopics(ctx context.Context) error {
	clients, err := r.spec.Workers(len(r.bed.cluster.Nodes()))
	if err != nil {
		return err
	}
	topics, logs := r.layOut()
	if err := r.bed.cluster.CreateTopics(ctx, topics); err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	if err := r.bed.cluster.Whole(ctx, r.topics); err != nil {
		return fmt.Errorf("the cluster is not whole: %w", err)
	}
	groups := slices.Clone(r.work.Groups)
	for i := range groups {
		groups[i].Name = fmt.Sprintf("ackproof-%016x-%s", r.runID, groups[i].Name)
	}
	r.genCfg = generator.Config{Seed: r.spec.Seed, Concurrency: clients, Logs: logs, Groups: groups, Batch: r.spec.Batch}
	contract := r.bed.cluster.Contract()
	contract.Acks = r.spec.Acks
	idem := r.spec.Idempotence
	contract.Idempotence = &idem
	if r.spec.Replication > 0 {
		contract.ReplicationFactor = r.spec.Replication
	}
	r.spec.state(&contract)
	if r.spec.Model != "" { // so that a copy of the history is judged as the run was
		contract.Reads = r.spec.Model
	}
	tailed := r.work.Contract(&contract)
	r.header = histories.Header{
		Format: histories.FormatVersion, Tool: r.opts.Tool, Name: r.spec.Name,
		Run: fmt.Sprintf("%016x", r.runID), Seed: r.spec.Seed,
		Started: r.began.UTC().Format(time.RFC3339), Target: r.spec.Target, Workload: r.spec.Workload,
		Workers: r.work.Workers(r.genCfg), Tailed: tailed, FinalReads: true,
		Contract: contract, Logs: logs, Groups: groups, Expect: r.spec.Expect,
	}
	return nil
}

// open opens the client of one process, routed through the links.
func (r *runner) open(process int64) (client.Conn, error) { return r.openAs(r.kind, process) }

// openMain is open for the main phase.
func (r *runner) openMain(process int64) (client.Conn, error) {
	conn, err := r.open(process)
	if err != nil || r.opts.Client == nil {
		return conn, err
	}
	return r.opts.Client(conn), nil
}

// openAs is open for a way to ask that is not the workload's.
func (r *runner) openAs(kind client.Kind, process int64) (client.Conn, error) {
	seeds := make([]string, 0, 3)
	for _, n := range r.bed.cluster.Nodes() {
		seeds = append(seeds, n.Addr)
	}
	return kind.Open(client.Config{
		Process: process, Txn: process%int64(r.header.Workers) + 1, Seeds: seeds,
		Dial: r.bed.secure.Dial(r.bed.links.Dial), Opts: r.bed.secure.Opts(), Logs: r.header.Logs, Run: r.runID,
		Contract: r.header.Contract, OpTimeout: time.Duration(r.spec.OpTimeout),
		PollWait: time.Duration(r.spec.PollWait), RecordSize: r.spec.RecordSize, Compression: r.spec.Compression,
		Groups: r.header.Groups, Lives: &r.lives, SessionTimeout: time.Duration(r.spec.SessionTimeout),
	})
}
