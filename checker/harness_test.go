package checker

import (
	"slices"
	"testing"

	"github.com/ackproof/ackproof/checker/linear"
	"github.com/ackproof/ackproof/internal/histtest"
)

// TestDisagreementIsUnknown breaks one of the two judges of linearizability: it
// says the opposite of what porcupine found. Nobody is convicted for that, and
// nothing is called valid.
func TestDisagreementIsUnknown(t *testing.T) {
	h := histtest.Valid(histtest.Options{Seed: 1, Ops: 600, Logs: 2, Clients: 4})
	for _, lies := range []bool{false, true} {
		j := NewJudge(h.Header, true, Options{MinAcked: -1, MinOpsPerFault: -1, WindowDir: t.TempDir()})
		i := slices.IndexFunc(j.passes, func(p *pass) bool { _, ok := p.Pass.(*linearizable); return ok })
		c := j.passes[i].Pass.(*linearizable)
		if lies {
			honest := c.pool
			c.pool = linear.NewPool(1, 0, func(r linear.Result) {
				r.Legal, r.Disagree = !r.Legal, r.Decided
				c.windows.take(r)
			})
			honest.Wait()
		}
		for i := range h.Ops {
			j.Observe(&h.Ops[i])
		}
		v := j.Finish()
		disagree := slices.ContainsFunc(v.Unknown, func(r Reason) bool { return r.Kind == CheckerDisagreement })
		want := Valid
		if lies {
			want = Unknown
		}
		if v.Valid != want || disagree != lies || len(v.Anomalies) > 0 {
			t.Errorf("a judge that lies: %v: %s", lies, text(v))
		}
	}
}
