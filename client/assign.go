package client

import (
	"context"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// position is where an assigned log is read next.
type position struct {
	key  int64
	next int64 // -1: not resolved yet; resolved by seek at the next poll
	seek histories.Seek
	from int64 // the position that seek counts back from, -1 for none
}

// assign replaces the assignment and resolves where to begin. Where no log can
// be resolved the assignment stays as it was and the operation fails; a log
// that cannot be resolved beside others has the offset -1 and is resolved by
// the next poll.
func (c *rawConn) assign(ctx context.Context, op *histories.Op) {
	next := make([]position, 0, len(op.Keys))
	for _, key := range op.Keys {
		if !slices.ContainsFunc(next, func(p position) bool { return p.key == key }) {
			next = append(next, c.begin(key, op.Seek))
		}
	}
	var errs keyErrors
	c.resolve(ctx, next, &errs)
	op.Offsets = op.Offsets[:0]
	for _, p := range next {
		op.Offsets = append(op.Offsets, histories.KeyOffset{Key: p.key, Offset: p.next})
	}
	some := len(errs) < len(next)
	if some || len(next) == 0 {
		c.assigned = next
	}
	c.finishRead(op, some || len(next) == 0, errs)
}

// begin is a log's position under a seek, resolved where nobody has to be asked.
func (c *rawConn) begin(key int64, seek histories.Seek) position {
	p := position{key: key, next: -1, seek: seek, from: -1}
	i := slices.IndexFunc(c.assigned, func(a position) bool { return a.key == key })
	if i < 0 {
		return p
	}
	switch old := c.assigned[i]; seek.To {
	case histories.SeekResume:
		return old
	case histories.SeekBack:
		if old.next < 0 {
			return old
		}
		p.from = old.next
	}
	return p
}

// resolve asks for the positions that are not known yet. What cannot be
// resolved stays at -1 and is told in errs.
func (c *rawConn) resolve(ctx context.Context, ps []position, errs *keyErrors) {
	var starts, ends []int64
	for i := range ps {
		switch p := &ps[i]; {
		case p.next >= 0:
		case p.seek.To == histories.SeekBeginning:
			starts = append(starts, p.key)
		case p.seek.To == histories.SeekBack:
			starts = append(starts, p.key)
			if p.from < 0 {
				ends = append(ends, p.key)
			}
		default:
			ends = append(ends, p.key)
		}
	}
	if len(starts)+len(ends) == 0 {
		return
	}
	start := c.lookup(ctx, starts, timestampStart, errs)
	end := c.lookup(ctx, ends, timestampEnd, errs)
	for i := range ps {
		if p := &ps[i]; p.next < 0 {
			p.settle(start, end)
		}
	}
}

// lookup is list as a map without the offsets that could not be had.
func (c *rawConn) lookup(ctx context.Context, keys []int64, timestamp int64, errs *keyErrors) map[int64]int64 {
	if len(keys) == 0 {
		return nil
	}
	var own keyErrors
	found := make(map[int64]int64, len(keys))
	for _, o := range c.list(ctx, keys, timestamp, nil, &own) {
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

// settle computes the position from the log's start and end, where known.
func (p *position) settle(start, end map[int64]int64) {
	s, haveStart := start[p.key]
	e, haveEnd := end[p.key]
	switch p.seek.To {
	case histories.SeekBeginning:
		if haveStart {
			p.next = s
		}
	case histories.SeekBack:
		from := p.from
		if from < 0 && haveEnd {
			from = e
		}
		if haveStart && from >= 0 {
			p.next = max(s, from-p.seek.Back)
		}
	default:
		if haveEnd {
			p.next = e
		}
	}
}
