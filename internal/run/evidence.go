package run

import (
	"context"
	"time"

	"github.com/ackproof/ackproof/client"
	"github.com/ackproof/ackproof/generator"
	"github.com/ackproof/ackproof/histories"
)

// evidenceLimit bounds the questions that are asked once a violation was found:
// the cluster may still be broken, and what is asked again later is more.
const evidenceLimit = 5 * time.Second

// guilty is closed once the live passes found a violation that ends the main
// phase; nil, which is never closed, where the run is to keep going.
func (r *runner) guilty() <-chan struct{} {
	if r.spec.KeepGoing {
		return nil
	}
	return r.live.judge.Guilty()
}

// gatherEvidence ends the clients' work and, with the cluster as it is, asks the
// brokers what only they can tell; the answers are operations of the history.
// Then it ends the walk: no phase begins in between.
func (r *runner) gatherEvidence(ctx, walk context.Context, endWalk context.CancelFunc, c *crowd) error {
	r.phaseMu.Lock()
	defer r.phaseMu.Unlock()
	defer endWalk()
	if walk.Err() != nil { // the main phase was over anyway
		return nil
	}
	r.begin(histories.PhaseEvidence, string(r.live.judge.Conviction()))
	c.end()
	<-c.gone
	kind, err := ByName("client", "raw", client.Kinds, func(k client.Kind) string { return k.Name })
	if err != nil {
		return err
	}
	stride := int64(r.header.Workers)
	s := &scheduler{
		gen: generator.NewEvidence(r.genCfg), rec: r.rec, counts: &r.counts, metrics: r.opts.Metrics,
		open:    func(process int64) (client.Conn, error) { return r.openAs(kind, process) },
		workers: len(r.header.Logs), stride: stride, firstProc: (c.last/stride + 1) * stride,
	}
	stop := make(chan struct{})
	limit := time.AfterFunc(evidenceLimit, func() { close(stop) })
	defer limit.Stop()
	c.last, err = s.run(ctx, stop)
	return err
}
