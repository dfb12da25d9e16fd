package checker

import "github.com/ackproof/ackproof/histories"

// processes keeps something for each process of a history. Process numbers are
// small and dense as a rule; others are kept as well.
type processes[T any] struct {
	near []*T
	far  map[int64]*T
}

// maxNear bounds the processes that are found without a map.
const maxNear = 1 << 20

// at returns what is kept for the process, made if need be.
func (p *processes[T]) at(process int64) *T {
	if process < 0 || process >= maxNear {
		t := p.far[process]
		if t == nil {
			if p.far == nil {
				p.far = map[int64]*T{}
			}
			t = new(T)
			p.far[process] = t
		}
		return t
	}
	for int64(len(p.near)) <= process {
		p.near = append(p.near, nil)
	}
	if p.near[process] == nil {
		p.near[process] = new(T)
	}
	return p.near[process]
}

// drop forgets the process.
func (p *processes[T]) drop(process int64) {
	if process >= 0 && process < int64(len(p.near)) {
		p.near[process] = nil
		return
	}
	delete(p.far, process)
}

// retires tells whether a completion is the last entry of its process. Only
// histories with our header promise that; Jepsen's checker does not rely on it.
func (e *Env) retires(op *histories.Op) bool { return e.HasHeader && op.Type == histories.Info }
