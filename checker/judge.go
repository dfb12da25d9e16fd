package checker

import (
	"sync"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// Judge runs every checker over a history that is given entry by entry, live
// or from a file. Observe and Finish are for one goroutine; Found is for any.
type Judge struct {
	env    *Env
	live   *liveCounts
	passes []*pass
	lanes  []*lane
	free   chan *batch
	fill   *batch // the batch being filled
	since  time.Duration
	done   sync.WaitGroup
	form   *form
	broken []Reason // why the history could not be judged to its end
}

// batches under way, for each judge.
const batchesUnderWay = 6

// linger is the time, in the history's own clock, that an entry waits for a
// batch to fill.
const linger = 100 * time.Millisecond

// NewJudge returns a judge of the history with this header.
func NewJudge(h histories.Header, hasHeader bool, o Options) *Judge {
	j := &Judge{env: newEnv(h, hasHeader, o), live: newLiveCounts(), free: make(chan *batch, batchesUnderWay)}
	j.env.Facts.live = j.live
	if forgiving(j.env) {
		j.live.mayAllow()
	}
	shared := &lane{}
	j.lanes = []*lane{shared}
	for _, c := range Checkers {
		r := newReport(c.Name, j.live)
		p := &pass{Pass: c.New(j.env, r), name: c.Name, report: r}
		if f, ok := p.Pass.(*form); ok {
			j.form = f
		}
		_, p.idle = p.Pass.(interface{ observesNothing() })
		j.passes = append(j.passes, p)
		if c.Alone {
			j.lanes = append(j.lanes, &lane{passes: []*pass{p}})
		} else {
			shared.passes = append(shared.passes, p)
		}
	}
	for _, also := range j.env.Options.Also {
		p := &pass{Pass: also}
		j.passes = append(j.passes, p)
		j.lanes = append(j.lanes, &lane{passes: []*pass{p}})
	}
	for range batchesUnderWay {
		j.free <- &batch{}
	}
	for _, l := range j.lanes {
		l.in = make(chan *batch, batchesUnderWay)
		j.done.Add(1)
		go l.run(j.free, &j.done)
	}
	return j
}

// Found returns what was found so far, safe to call at any time. What is a
// consequence of something else is only told apart by Finish.
func (j *Judge) Found() []Finding { return j.live.found() }

// Guilty is closed once a violation was found that stands whatever comes later:
// no clause of the contract allows it, nor can what is allowed explain it. Many
// violations are only seen by Finish; in doubt it stays open.
func (j *Judge) Guilty() <-chan struct{} { return j.live.guilty }

// Conviction is the kind that Guilty was closed for; empty before.
func (j *Judge) Conviction() Kind {
	select {
	case <-j.live.guilty:
		return j.live.first
	default:
		return ""
	}
}

// Observe takes the next entry; it is lent.
func (j *Judge) Observe(op *histories.Op) {
	if j.fill == nil {
		j.fill = <-j.free
		j.fill.reset()
		j.since = op.Time
	}
	j.fill.add(op)
	if j.fill.full() || op.Time-j.since > linger {
		j.flush()
	}
}

// flush hands the batch to the lanes. The passes get what stands before the
// first entry that no run can have recorded there: where an entry is missing or
// displaced, what follows would convict the innocent.
func (j *Judge) flush() {
	if j.fill == nil {
		return
	}
	b := j.fill
	j.fill = nil
	b.ops = b.ops[:j.form.sound(b.ops)]
	b.readers.Store(int32(len(j.lanes)))
	for _, l := range j.lanes {
		l.in <- b
	}
}

// Finish waits for the passes and says what they add up to. The judge is of no
// use afterwards.
func (j *Judge) Finish() Verdict {
	j.flush()
	for _, l := range j.lanes {
		close(l.in)
	}
	j.done.Wait()
	// A long search goes on beside the passes that finish after it.
	for _, p := range j.passes {
		if a, ok := p.Pass.(interface{ apart(*Facts) }); ok {
			a.apart(j.env.Facts.reader())
			j.done.Go(p.finish)
			continue
		}
		p.finish()
	}
	j.done.Wait()
	v := j.verdict()
	j.env.Facts.arena.close()
	return v
}

// Cut says that the history could not be read on. What was read is judged as
// far as it is sound: violations stand, but nothing is called valid.
func (j *Judge) Cut(why string) {
	j.broken = append(j.broken, Reason{Checker: "history", Kind: IncompleteRun, Why: why})
}
