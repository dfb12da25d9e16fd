package mutants

import (
	"slices"
	"time"
)

// climb remembers when a number rose how high.
//
// What a client has got is known to the broker when the client goes on. What
// another client asks for later need not have been called later: its request may
// have been on its way. But a client that asks one thing after the other called
// this one after the answer to the last one; what was reached by then counts.
type climb []step

type step struct {
	at time.Time
	to int64
}

// climbFor is how long the steps are remembered.
const climbFor = 5 * time.Second

// reach notes a height, where it is one.
func (c *climb) reach(to int64) {
	if n := len(*c); n > 0 && (*c)[n-1].to >= to {
		return
	}
	now := time.Now()
	if len(*c) > 1 && now.Sub((*c)[0].at) > 2*climbFor {
		keep := slices.IndexFunc(*c, func(s step) bool { return now.Sub(s.at) < climbFor })
		if keep < 0 {
			keep = len(*c)
		}
		*c = slices.Delete(*c, 0, keep)
	}
	*c = append(*c, step{now, to})
}

// by returns how high it was at a time, 0 where that is not known.
func (c climb) by(at time.Time) int64 {
	for i := len(c) - 1; i >= 0; i-- {
		if !c[i].at.After(at) {
			return c[i].to
		}
	}
	return 0
}

// before returns the height that stood n steps before the one at a time, 0
// where that is not known.
func (c climb) before(at time.Time, n int) int64 {
	for i := len(c) - 1; i >= n; i-- {
		if !c[i].at.After(at) {
			return c[i-n].to
		}
	}
	return 0
}
