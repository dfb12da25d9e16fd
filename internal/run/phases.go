package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/page"
	"github.com/ackproof/ackproof/nemesis"
)

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
	gather := page.NewGather(r.header)
	o := r.checkOptions()
	o.Also = append(append(o.Also, gather), r.opts.alsoLive...)
	r.live = startLiveJudge(r.rec, r.header, o)
	world := r.bed.world()
	world.Topics = r.topics
	r.nem = nemesis.New(nemesis.Config{World: world, Plan: r.plan, Record: r.noteFault, Log: r.log})
	r.status = startTicker(r.report(), r.snapshot)
	defer r.status.stop()
	r.liveFile = r.startLiveFile(gather)
	if r.sampler, err = r.startSampler(ctx); err != nil {
		return errors.Join(err, r.rec.Close())
	}
	unwatch := r.watchNodes()
	err = r.phases(ctx)
	unwatch()
	err = errors.Join(err, r.stopSampler(ctx))
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

// noteFault is note for what the nemesis says of faults, which steps wait for.
func (r *runner) noteFault(op *histories.Op) {
	r.note(op)
	r.bites.saw(op)
}

func (r *runner) enter(phase string) {
	r.phaseMu.Lock()
	defer r.phaseMu.Unlock()
	r.begin(phase, "")
}

// enterWithin is enter for what is only done until ctx ends: where a violation
// ends the main phase, no phase of it begins any more. It tells whether it did.
func (r *runner) enterWithin(ctx context.Context, phase string) bool {
	r.phaseMu.Lock()
	defer r.phaseMu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	r.begin(phase, "")
	return true
}

// begin is enter for whoever holds phaseMu; why is for phases that need a reason.
func (r *runner) begin(phase, why string) {
	r.phase = phase
	r.status.setPhase(phase)
	r.logf("phase %s", phase)
	r.note(&histories.Op{F: histories.Phase, Event: &histories.Event{ID: -1, Phase: phase, Why: why}})
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
	if err := r.stopSampler(ctx); err != nil { // the last look is from after the heal
		return err
	}
	r.enter(histories.PhaseQuiet)
	if err := sleep(ctx, time.Duration(r.spec.Quiet)); err != nil {
		return err
	}
	r.lookForLeftovers(ctx)
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

// lookForLeftovers remarks on links that are not clean before the final reads.
// The checker takes such a remark by its first word: the heal did not hold.
func (r *runner) lookForLeftovers(ctx context.Context) {
	left, err := r.bed.links.Leftovers(ctx)
	if err != nil {
		r.remark(fmt.Sprintf("%s: before the final reads: %v", checker.HealDidNotHold, err))
	}
	if len(left) > 0 {
		r.remark(fmt.Sprintf("%s: not ours, and there before the final reads: %s", checker.HealDidNotHold, strings.Join(left, ", ")))
	}
	if lost := r.bed.links.Unmapped(); len(lost) > 0 {
		r.remark(fmt.Sprintf("clients were sent to %s, where no link leads: a broker that was not there when the run began", strings.Join(lost, ", ")))
	}
}

// mainPhase runs clients and nemesis side by side; the first harness error
// ends both. It returns the highest process used.
func (r *runner) mainPhase(ctx context.Context) (last int64, err error) {
	g, ctx := errgroup.WithContext(ctx)
	c := &crowd{stop: make(chan struct{}), gone: make(chan struct{})}
	s := &scheduler{
		gen: r.work.New(r.genCfg), rec: r.rec, open: r.openMain, clients: r.genCfg.Concurrency,
		workers: r.header.Workers, stride: int64(r.header.Workers), rate: r.spec.Rate, counts: &r.counts, metrics: r.opts.Metrics,
		hold: r.live.hold,
	}
	g.Go(func() (err error) {
		defer close(c.gone)
		c.last, err = s.run(ctx, c.stop)
		return err
	})
	g.Go(func() error {
		defer c.end()
		return r.walkPlan(ctx, c)
	})
	err = g.Wait()
	if waited := r.live.slowed(); waited > 0 && err == nil {
		r.note(&histories.Op{F: histories.Note, Event: &histories.Event{
			ID: -1, Why: fmt.Sprintf("%s by %v in all", checker.ClientsSlowed, waited.Round(time.Millisecond)),
			Args: map[string]float64{"waited_ms": float64(waited.Milliseconds())},
		}})
	}
	return c.last, err
}

// crowd are the clients of the main phase, as who ends them knows them.
type crowd struct {
	once sync.Once
	stop chan struct{} // closed: no new operations
	gone chan struct{} // closed: the last one has completed
	last int64         // the highest process used; read it once gone is closed
}

// end lets the clients begin nothing more.
func (c *crowd) end() { c.once.Do(func() { close(c.stop) }) }

// walkPlan keeps time: calm, then the plan, then the heal, then the recovery,
// during which the clients go on. The user's wish to stop ends the main phase
// early, a disk budget that is used up, and a violation, unless the run is to
// keep going: then the brokers are asked before anything is healed.
func (r *runner) walkPlan(ctx context.Context, c *crowd) error {
	walk, cancel := context.WithCancel(ctx)
	defer cancel()
	full := r.usedUp(walk)
	watched := make(chan error, 1)
	go func() {
		var err error
		select {
		case <-r.opts.Stop:
		case <-full:
		case <-r.guilty():
			err = r.gatherEvidence(ctx, walk, cancel, c)
		case <-walk.Done():
		}
		cancel()
		watched <- err
	}()
	err := r.mishaps(walk)
	cancel()
	if err = errors.Join(err, <-watched); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.phase != histories.PhaseHeal { // the last step's faults may have begun it
		r.enter(histories.PhaseHeal)
	}
	hctx, cancelHeal := context.WithTimeout(ctx, 60*time.Second)
	defer cancelHeal()
	if err := r.nem.Heal(hctx); err != nil {
		r.remark(fmt.Sprintf("%s: %v", checker.HealDidNotHold, err))
	}
	r.awaitWhole(ctx)
	select {
	case <-c.stop: // nobody goes on after a violation
		return nil
	default:
		return sleep(ctx, time.Duration(r.spec.Recovery))
	}
}

// mishaps lets happen what the run is about: the steps of a scenario, or the
// plan and then the rest of the time. It ends early where the user stops.
func (r *runner) mishaps(ctx context.Context) error {
	end := time.Now().Add(time.Duration(r.spec.TimeLimit))
	calm := sleep(ctx, time.Duration(r.spec.Calm)) == nil
	if len(r.spec.Steps) > 0 {
		return r.walkSteps(ctx)
	}
	if calm && len(r.plan) > 0 && r.enterWithin(ctx, histories.PhaseFaults) {
		// A fault whose proof takes long makes the phase longer, not the proof worse.
		if err := r.nem.Run(ctx); err != nil {
			return fmt.Errorf("nemesis: %w", err)
		}
	}
	_ = sleep(ctx, time.Until(end))
	return nil
}

// awaitWhole records whether the cluster became whole again after the heal,
// while the clients go on.
func (r *runner) awaitWhole(ctx context.Context) {
	begin := time.Now()
	err := r.bed.cluster.Whole(ctx, r.topics)
	held := err == nil
	e := &histories.Event{ID: -1, Held: &held, Args: map[string]float64{
		"waited_ms": float64(time.Since(begin).Milliseconds()), "limit_ms": float64(time.Duration(r.spec.WholeLimit).Milliseconds()),
	}}
	if err != nil {
		e.Why = err.Error()
		r.logf("not whole: %v", err)
	}
	r.note(&histories.Op{F: histories.Whole, Event: e})
}

// finalReads reads every log from its start to its listed end with fresh
// processes, and tells whether all of them got there.
func (r *runner) finalReads(ctx context.Context, last int64) (complete bool, err error) {
	stride := int64(r.header.Workers)
	s := &scheduler{
		gen: r.work.Final(r.genCfg), rec: r.rec, open: r.open,
		workers: len(r.header.Logs), stride: stride, firstProc: (last/stride + 1) * stride, counts: &r.counts, metrics: r.opts.Metrics,
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
