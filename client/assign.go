package client

import (
	"context"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// lister asks for an offset of each key, appended to out in the order of the
// keys; -1 where there is none, with its reason in errs.
type lister func(ctx context.Context, keys []int64, timestamp int64, out []histories.KeyOffset, errs *keyErrors) []histories.KeyOffset

// position is where an assigned log is read next.
type position struct {
	key  int64
	next int64 // -1: not resolved yet; resolved by seek at the next poll
	seek histories.Seek
	from int64 // the position that seek counts back from, -1 for none
}

// assignment is what a process reads.
type assignment struct {
	list lister
	at   []position
}

// find returns the log's position, nil where it is not assigned.
func (a *assignment) find(key int64) *position {
	for i := range a.at {
		if a.at[i].key == key {
			return &a.at[i]
		}
	}
	return nil
}

// assign replaces the assignment and resolves where to begin. Where no log can
// be resolved the assignment stays as it was and the operation fails; a log
// that cannot be resolved beside others has the offset -1 and is resolved by
// the next poll.
func (a *assignment) assign(ctx context.Context, op *histories.Op) (changed bool, errs keyErrors) {
	next := make([]position, 0, len(op.Keys))
	for _, key := range op.Keys {
		if !slices.ContainsFunc(next, func(p position) bool { return p.key == key }) {
			p := a.begin(key, op.Seek)
			// A position that the invocation states goes before its seek.
			if off, ok := op.OffsetOf(key); ok && off >= 0 {
				p = position{key: key, next: off, seek: op.Seek, from: -1}
			}
			next = append(next, p)
		}
	}
	a.resolve(ctx, next, &errs)
	op.Offsets = op.Offsets[:0]
	for _, p := range next {
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: p.key, Offset: p.next})
	}
	changed = len(errs) < len(next) || len(next) == 0
	if changed {
		a.at = next
	}
	finishRead(op, changed, errs)
	return changed, errs
}

// begin is a log's position under a seek, resolved where nobody has to be asked.
func (a *assignment) begin(key int64, seek histories.Seek) position {
	p := position{key: key, next: -1, seek: seek, from: -1}
	old := a.find(key)
	if old == nil {
		return p
	}
	switch seek.To {
	case histories.SeekResume:
		return *old
	case histories.SeekBack:
		if old.next < 0 {
			return *old
		}
		p.from = old.next
	}
	return p
}

// resolve asks for the positions that are not known yet. What cannot be
// resolved stays at -1 and is told in errs, once for each log.
func (a *assignment) resolve(ctx context.Context, ps []position, errs *keyErrors) {
	var starts, ends []int64
	for i := range ps {
		p := &ps[i]
		if p.next < 0 && p.needsStart() {
			starts = append(starts, p.key)
		}
		if p.next < 0 && p.needsEnd() {
			ends = append(ends, p.key)
		}
	}
	start := a.lookup(ctx, starts, timestampStart, errs)
	end := a.lookup(ctx, ends, timestampEnd, errs)
	for i := range ps {
		if p := &ps[i]; p.next < 0 {
			p.settle(start, end)
		}
	}
}

// lookup is list as a map without the offsets that could not be had.
func (a *assignment) lookup(ctx context.Context, keys []int64, timestamp int64, errs *keyErrors) map[int64]int64 {
	if len(keys) == 0 {
		return nil
	}
	var own keyErrors
	found := make(map[int64]int64, len(keys))
	for _, o := range a.list(ctx, keys, timestamp, nil, &own) {
		if o.Offset >= 0 {
			found[o.Key] = o.Offset
		}
	}
	for _, e := range own {
		if !slices.ContainsFunc(*errs, func(k keyError) bool { return k.key == e.key }) {
			*errs = append(*errs, e)
		}
	}
	return found
}

func (p *position) needsStart() bool {
	return p.seek.To == histories.SeekBeginning || p.seek.To == histories.SeekBack
}

func (p *position) needsEnd() bool {
	return !p.needsStart() || p.seek.To == histories.SeekBack && p.from < 0
}

// settle computes the position from the log's start and end, where known.
func (p *position) settle(start, end map[int64]int64) {
	s, haveStart := start[p.key]
	e, haveEnd := end[p.key]
	if p.needsStart() && !haveStart || p.needsEnd() && !haveEnd {
		return
	}
	switch p.seek.To {
	case histories.SeekBeginning:
		p.next = s
	case histories.SeekBack:
		if p.from >= 0 {
			e = p.from
		}
		p.next = max(s, e-p.seek.Back)
	default:
		p.next = e
	}
}
