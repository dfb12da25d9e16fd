package histtest

import (
	"github.com/ackproof/ackproof/histories"
)

// nemesisEntry finds the last entry of the nemesis of this kind, -1 where there
// is none.
func (v *view) nemesisEntry(f histories.F) int {
	at := -1
	for i := range v.Ops {
		if op := &v.Ops[i]; op.Process == histories.Nemesis && op.F == f {
			at = i
		}
	}
	return at
}

// unwhole is the event of a cluster that is not whole.
func unwhole(e *histories.Event) *histories.Event {
	not := *e
	held := false
	not.Held, not.Why = &held, "t0/0 has in-sync replicas [n1 n2] of [n1 n2 n3]"
	not.Args = map[string]float64{"waited_ms": 30_000, "limit_ms": 30_000}
	return &not
}

// stayBroken lets the cluster stay short of a replica after the heal.
func stayBroken(v *view) (Evidence, bool) {
	whole, healed := v.nemesisEntry(histories.Whole), v.nemesisEntry(histories.Healed)
	if whole < 0 || healed < 0 || healed > whole {
		return Evidence{}, false
	}
	v.Ops[whole].Event = unwhole(v.Ops[whole].Event)
	return Evidence{-1, -1, -1, []int64{v.index(healed), v.index(whole)}}, true
}

// stayUnhealed asks once while a fault acts.
func stayUnhealed(v *view) (Evidence, bool) {
	whole := v.nemesisEntry(histories.Whole)
	inject := v.nemesisEntry(histories.Inject)
	if whole < 0 || inject < 0 {
		return Evidence{}, false
	}
	asked := v.Ops[whole]
	asked.Event, asked.Index, asked.Time = unwhole(asked.Event), v.nextID, v.Ops[inject].Time
	v.Ops = append(v.Ops[:inject+1], append([]histories.Op{asked}, v.Ops[inject+1:]...)...)
	return Evidence{-1, -1, -1, []int64{v.index(inject), v.index(inject + 1)}}, true
}
