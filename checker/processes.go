package checker

import "github.com/ackproof/ackproof/histories"

// processes keeps something for each process of a history that has not retired.
// Process numbers are small and dense as a rule; others are kept as well.
type processes[T any] struct {
	near []*T
	far  map[int64]*T
	// cache holds the far ones used last: those alive at a time are few, and
	// their numbers near each other.
	cache [256]struct {
		process int64
		is      *T
	}
}

// maxNear bounds the processes that are found without a map. In runs of hours
// most numbers beyond are those of processes that retired long ago.
const maxNear = 1 << 16

// at returns what is kept for the process, made if need be.
func (p *processes[T]) at(process int64) *T {
	if process < 0 || process >= maxNear {
		return p.farOff(process)
	}
	for int64(len(p.near)) <= process {
		p.near = append(p.near, nil)
	}
	if p.near[process] == nil {
		p.near[process] = new(T)
	}
	return p.near[process]
}

func (p *processes[T]) farOff(process int64) *T {
	c := &p.cache[process&255]
	if c.is != nil && c.process == process {
		return c.is
	}
	t := p.far[process]
	if t == nil {
		if p.far == nil {
			p.far = map[int64]*T{}
		}
		t = new(T)
		p.far[process] = t
	}
	c.process, c.is = process, t
	return t
}

// drop forgets the process.
func (p *processes[T]) drop(process int64) {
	if process >= 0 && process < maxNear {
		if process < int64(len(p.near)) {
			p.near[process] = nil
		}
		return
	}
	if c := &p.cache[process&255]; c.process == process {
		c.is = nil
	}
	delete(p.far, process)
}

// retires tells whether a completion is the last entry of its process. Only
// histories with our header promise that; Jepsen's checker does not rely on it.
func (e *Env) retires(op *histories.Op) bool { return e.HasHeader && op.Type == histories.Info }
