package run

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

	"golang.org/x/sync/errgroup"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/target"
	"github.com/ackproof/ackproof/nemesis"
)

// Options are what a run needs that is not part of what it does.
type Options struct {
	Store  string          // the store directory
	Tool   string          // name and version, for the header
	Plan   nemesis.Plan    // walks this plan instead of drawing one; nil: draw
	Stop   <-chan struct{} // closed: end the main phase, heal, read back, judge
	Status func(Status)    // called a few times a second; may be nil
	// Summary writes summary.txt; nil: there is none.
	Summary func(io.Writer, Result)
}

// Result is what a run left behind.
type Result struct {
	Dir     string
	Spec    Spec
	Plan    nemesis.Plan
	Header  histories.Header
	Verdict checker.Verdict
}

// Run makes one run. An error is a harness error: what was recorded by then is
// in Result.Dir and can be checked. The verdict, whatever it says, is no error.
func Run(ctx context.Context, spec Spec, o Options) (res Result, err error) {
	if err := spec.Validate(); err != nil {
		return res, err
	}
	r := &runner{spec: spec, opts: o, began: time.Now()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.prepare(ctx); err != nil {
		return r.result(), err
	}
	if err := r.record(ctx); err != nil {
		return r.result(), r.salvage(err)
	}
	if err := r.judge(); err != nil {
		return r.result(), err
	}
	return r.result(), r.cleanUp(ctx)
}

// runner holds the parts of one run between their start and their end.
type runner struct {
	spec  Spec
	opts  Options
	began time.Time

	dir     string
	log     *os.File
	toxiLog *os.File
	plan    nemesis.Plan
	work    generator.Workload
	genCfg  generator.Config
	kind    client.Kind
	runID   uint64
	header  histories.Header
	topics  []string

	cluster target.Cluster
	links   *nemesis.Links
	rec     *histories.Recorder
	nem     *nemesis.Nemesis
	counts  Counts
	live    *liveJudge
	status  *ticker
	phase   string

	verdict checker.Verdict
}

func (r *runner) result() Result {
	return Result{Dir: r.dir, Spec: r.spec, Plan: r.plan, Header: r.header, Verdict: r.verdict}
}

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
		return err
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
	if err := r.startCluster(ctx); err != nil {
		return err
	}
	if err := r.openLinks(ctx); err != nil {
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

func (r *runner) save(name string, b []byte) error {
	if err := os.WriteFile(filepath.Join(r.dir, name), b, 0o644); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

func (r *runner) logf(format string, args ...any) {
	fmt.Fprintf(r.log, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

func (r *runner) startCluster(ctx context.Context) error {
	cfg := target.Config{
		Seed: r.spec.seed(), Nodes: r.spec.Nodes, Mutant: r.spec.Mutant,
		Timeout: 30 * time.Second, Log: r.log, Value: r.valueOf,
	}
	if r.spec.Disk || time.Duration(r.spec.TimeLimit) > 10*time.Minute {
		cfg.DataDir = filepath.Join(r.dir, "data")
	}
	var err error
	if r.cluster, err = target.Start(ctx, r.spec.Target, cfg); err != nil {
		return fmt.Errorf("start target %s: %w", r.spec.Target, err)
	}
	for _, n := range r.cluster.Nodes() {
		r.logf("node %s id %d at %s", n.Name, n.ID, n.Addr)
	}
	return nil
}

// valueOf reads the value out of a record's payload, for a broken broker's ledger.
func (r *runner) valueOf(payload []byte) int64 {
	p, _, _ := client.DecodePayload(payload, r.runID, 0)
	return p.Value
}

func (r *runner) openLinks(ctx context.Context) error {
	cfg := nemesis.LinkConfig{
		Toxiproxy: r.spec.Toxiproxy, Seed: r.spec.seed(), Log: r.toxiLog,
		Reset: r.spec.Reset, Prefix: "ackproof",
	}
	for _, n := range r.cluster.Nodes() {
		cfg.Nodes = append(cfg.Nodes, nemesis.Node{Name: n.Name, Addr: n.Addr})
	}
	var err error
	if r.links, err = nemesis.OpenLinks(ctx, cfg); err != nil {
		return fmt.Errorf("open the links: %w", err)
	}
	return nil
}

// makePlan draws the plan, saves it, and walks what it reads back.
func (r *runner) makePlan() error {
	var names []string
	for _, n := range r.cluster.Nodes() {
		names = append(names, n.Name)
	}
	plan := r.opts.Plan
	if plan == nil && r.spec.Faulty() {
		var err error
		plan, err = nemesis.Draw(r.spec.seed().Stream("nemesis"), nemesis.DrawConfig{
			Faults: r.spec.Nemesis, Nodes: names,
			Length:   time.Duration(r.spec.TimeLimit - r.spec.Calm),
			Interval: time.Duration(r.spec.Interval), Embedded: r.spec.Toxiproxy == "",
		})
		if err != nil {
			return fmt.Errorf("draw the plan: %w", err)
		}
	}
	b := plan.Encode()
	if err := r.save(histories.PlanFile, b); err != nil {
		return err
	}
	var err error
	if r.plan, err = nemesis.ParsePlan(histories.PlanFile, b, names); err != nil {
		return fmt.Errorf("the plan cannot be walked: %w", err)
	}
	return nil
}

// createTopics creates the run's own topics and composes the header.
func (r *runner) createTopics(ctx context.Context) error {
	clients, err := r.spec.Workers(len(r.cluster.Nodes()))
	if err != nil {
		return err
	}
	var topics []target.Topic
	var logs []histories.Log
	for t := range r.spec.Topics {
		name := fmt.Sprintf("ackproof-%016x-t%d", r.runID, t)
		topics = append(topics, target.Topic{Name: name, Partitions: int32(r.spec.Partitions), RF: r.spec.Replication})
		r.topics = append(r.topics, name)
		for p := range r.spec.Partitions {
			logs = append(logs, histories.Log{Key: int64(len(logs)), Topic: name, Partition: int32(p)})
		}
	}
	if err := r.cluster.CreateTopics(ctx, topics); err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	if err := r.cluster.Whole(ctx, r.topics); err != nil {
		return fmt.Errorf("the cluster is not whole: %w", err)
	}
	r.genCfg = generator.Config{Seed: r.spec.seed(), Concurrency: clients, Logs: logs, Batch: r.spec.Batch}
	contract := r.cluster.Contract()
	contract.Acks = r.spec.Acks
	idem := r.spec.Idempotence
	contract.Idempotence = &idem
	if r.spec.Replication > 0 {
		contract.ReplicationFactor = r.spec.Replication
	}
	tailed := r.work.Contract(&contract)
	r.header = histories.Header{
		Format: histories.FormatVersion, Tool: r.opts.Tool, Name: r.spec.Name,
		Run: fmt.Sprintf("%016x", r.runID), Seed: r.spec.Seed,
		Started: r.began.UTC().Format(time.RFC3339), Target: r.spec.Target, Workload: r.spec.Workload,
		Workers: r.work.Workers(r.genCfg), Tailed: tailed, FinalReads: true,
		Contract: contract, Logs: logs,
	}
	return nil
}

// open opens the client of one process, routed through the links.
func (r *runner) open(process int64) (client.Conn, error) {
	seeds := make([]string, 0, 3)
	for _, n := range r.cluster.Nodes() {
		seeds = append(seeds, n.Addr)
	}
	return r.kind.Open(client.Config{
		Process: process, Seeds: seeds, Dial: r.links.Dial, Logs: r.header.Logs, Run: r.runID,
		Contract: r.header.Contract, OpTimeout: time.Duration(r.spec.OpTimeout),
		PollWait: time.Duration(r.spec.PollWait), RecordSize: r.spec.RecordSize, Compression: r.spec.Compression,
	})
}

// record makes the history.
func (r *runner) record(ctx context.Context) error {
	name := histories.HistoryFile
	if r.spec.Compress {
		name += ".zst"
	}
	path := filepath.Join(r.dir, name)
	var err error
	if r.rec, err = histories.Create(path, r.header, histories.RecorderOptions{}); err != nil {
		return err
	}
	r.live = startLiveJudge(r.rec, r.header, r.checkOptions())
	r.nem = nemesis.New(nemesis.Config{Links: r.links, Plan: r.plan, Record: r.note, Log: r.log})
	r.status = startTicker(r.opts.Status, r.snapshot)
	defer r.status.stop()
	err = r.phases(ctx)
	if cerr := r.rec.Close(); err == nil {
		err = cerr
	}
	r.live.wait()
	return err
}

// note records a nemesis entry. The recorder remembers its first error, and
// the scheduler meets it with its next operation.
func (r *runner) note(op *histories.Op) {
	op.Process, op.Type = histories.Nemesis, histories.Info
	_ = r.rec.Record(op)
}

func (r *runner) enter(phase string) {
	r.phase = phase
	r.status.setPhase(phase)
	r.logf("phase %s", phase)
	r.note(&histories.Op{F: histories.Phase, Event: &histories.Event{ID: -1, Phase: phase}})
}

// remark writes a sentence for people into the history and the log.
func (r *runner) remark(why string) {
	r.logf("%s", why)
	r.note(&histories.Op{F: histories.Note, Event: &histories.Event{ID: -1, Why: why}})
}

// phases walks the run: calm, faults, heal, quiet, final reads, end. Whatever
// happens, the links are healed.
func (r *runner) phases(ctx context.Context) error {
	r.enter(histories.PhaseCalm)
	last, err := r.mainPhase(ctx)
	if err != nil {
		hctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return errors.Join(err, r.nem.Heal(hctx))
	}
	r.enter(histories.PhaseQuiet)
	if err := sleep(ctx, time.Duration(r.spec.Quiet)); err != nil {
		return err
	}
	if left, err := r.links.Leftovers(ctx); err != nil || len(left) > 0 {
		r.remark(fmt.Sprintf("the links are not clean before the final reads: %s %v", strings.Join(left, ", "), err))
	}
	r.enter(histories.PhaseFinal)
	complete, err := r.finalReads(ctx, last)
	if err != nil {
		return err
	}
	if complete {
		r.enter(histories.PhaseEnd)
	}
	return nil
}

// mainPhase runs clients and nemesis side by side; the first harness error
// ends both. It returns the highest process used.
func (r *runner) mainPhase(ctx context.Context) (last int64, err error) {
	g, ctx := errgroup.WithContext(ctx)
	stopClients := make(chan struct{})
	s := &scheduler{
		gen: r.work.New(r.genCfg), rec: r.rec, open: r.open, clients: r.genCfg.Concurrency,
		workers: r.header.Workers, stride: int64(r.header.Workers), rate: r.spec.Rate, counts: &r.counts,
	}
	g.Go(func() (err error) {
		last, err = s.run(ctx, stopClients)
		return err
	})
	g.Go(func() error {
		defer close(stopClients)
		return r.walkPlan(ctx)
	})
	return last, g.Wait()
}

// walkPlan keeps time: calm, then the plan, then the heal, then the recovery,
// during which the clients go on.
func (r *runner) walkPlan(ctx context.Context) error {
	walk, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // the user's wish to stop ends the main phase early
		select {
		case <-r.opts.Stop:
			cancel()
		case <-walk.Done():
		}
	}()
	end := time.Now().Add(time.Duration(r.spec.TimeLimit))
	if sleep(walk, time.Duration(r.spec.Calm)) == nil && len(r.plan) > 0 {
		r.enter(histories.PhaseFaults)
		// A fault whose proof takes long makes the phase longer, not the proof worse.
		if err := r.nem.Run(walk); err != nil {
			return fmt.Errorf("nemesis: %w", err)
		}
	}
	_ = sleep(walk, time.Until(end)) // ends early where the user stops
	if err := ctx.Err(); err != nil {
		return err
	}
	r.enter(histories.PhaseHeal)
	hctx, cancelHeal := context.WithTimeout(ctx, 60*time.Second)
	defer cancelHeal()
	if err := r.nem.Heal(hctx); err != nil {
		r.remark("heal-did-not-hold: " + err.Error())
	}
	return sleep(ctx, time.Duration(r.spec.Recovery))
}

// finalReads reads every log from its start to its listed end with fresh
// processes, and tells whether all of them got there.
func (r *runner) finalReads(ctx context.Context, last int64) (complete bool, err error) {
	stride := int64(r.header.Workers)
	s := &scheduler{
		gen: r.work.Final(r.genCfg), rec: r.rec, open: r.open,
		workers: len(r.header.Logs), stride: stride, firstProc: (last/stride + 1) * stride, counts: &r.counts,
	}
	stop := make(chan struct{})
	limit := time.AfterFunc(time.Duration(r.spec.FinalLimit), func() { close(stop) })
	if _, err := s.run(ctx, stop); err != nil {
		return false, err
	}
	if !limit.Stop() {
		r.remark(fmt.Sprintf("the final reads did not reach the end of every log within %s", time.Duration(r.spec.FinalLimit)))
		return false, nil
	}
	return true, nil
}

// cleanUp deletes the run's topics after a valid verdict; after any other they
// are evidence.
func (r *runner) cleanUp(ctx context.Context) error {
	if r.spec.KeepTopics || r.verdict.Valid != checker.Valid {
		return nil
	}
	if err := r.cluster.DeleteTopics(ctx, r.topics); err != nil {
		return fmt.Errorf("delete the run's topics %s: %w", strings.Join(r.topics, ", "), err)
	}
	return nil
}

func (r *runner) close() error {
	var errs []error
	if r.links != nil {
		errs = append(errs, r.links.Close())
	}
	if r.cluster != nil {
		errs = append(errs, r.cluster.Close())
	}
	for _, c := range []io.Closer{r.log, r.toxiLog} {
		if c != (*os.File)(nil) {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
