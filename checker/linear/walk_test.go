package linear

import (
	"math/rand/v2"
	"testing"
)

// walked tells whether a window can be judged at all, and by its walk.
func walked(w Window, tight bool) (judged, legal bool) {
	r := new(ranked)
	r.refine(&w)
	if len(r.torn) > 0 || len(r.excluded) > 0 || !r.rank(tight) {
		return false, false
	}
	return true, r.walk()
}

// TestWalkIsAProof: whatever the history, also one that is no session's, an
// order that the walk found is an order that a search which knows nothing finds.
func TestWalkIsAProof(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	yes, refused := 0, 0
	for range rounds(20_000) {
		ops := smallHistory(r, 2)
		want := naive(ops)
		for _, tight := range []bool{true, false} {
			judged, legal := walked(Window{End: Inf, Atomic: true, Ops: ops}, tight)
			if !judged {
				continue
			}
			switch {
			case legal && !want:
				t.Fatalf("tightened %v: the walk found an order, the search finds none:\n%s", tight, show(ops))
			case legal:
				yes++
			case !want:
				refused++
			}
		}
	}
	if yes < 1000 || refused < 1000 {
		t.Errorf("%d orders found, %d histories without one refused: one of them is hardly tested", yes, refused)
	}
}

// TestSessionsAreWalked: the windows of sessions over a perfect log, late unknown
// writes among them, need no search.
func TestSessionsAreWalked(t *testing.T) {
	windows, without := 0, 0
	f := newFeeder(Config{Model: Session, Atomic: true, Window: func(w Window) {
		windows++
		if _, legal := walked(w, true); !legal || !w.Session {
			without++
		}
	}})
	simulate(rand.New(rand.NewPCG(4, 5)), 20_000, 20, 0.05, f.take)
	f.log.Finish()
	if windows < 50 || without*20 > windows {
		t.Errorf("of %d windows %d were not walked", windows, without)
	}
}
