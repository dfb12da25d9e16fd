package linear

import "slices"

// Window is a part of a log's operations that porcupine can decide by itself:
// those that need the length to be in [Start, End). It begins at length Start.
//
// Two sentinels (Kind bound) stand for all operations outside: one reads
// L ≤ Start and was called with the last operation of the windows before, one
// reads L ≥ End and returned with the first operation of the windows after.
// Reads that straddle a cut are split. All windows of a log are linearizable
// exactly when the log is.
type Window struct {
	Log        int64
	Start, End int64
	Atomic     bool
	// Session says that the operations are those of one session: they follow each
	// other, so that one order is enough to try before porcupine searches.
	Session bool
	Ops     []Op
	// Closed is how many operations belong to the window, with those that
	// were left out because others imply them.
	Closed int
	// Left is how many operations were not put into any window: they came
	// after theirs had been closed, or were dropped as witnesses.
	Left int
}

// How long a window may wait. A hole in it may still be filled by an unknown
// write that is seen late, an operation in flight may still belong to it; but
// neither may hold it for ever.
const (
	patienceHoles  = 6  // windows' worth of later produces to wait for holes
	patienceFlight = 32 // and for operations in flight
	crowded        = 1 << 13
)

// cutter collects returned operations and cuts them into windows at the bases
// of produces.
type cutter struct {
	cfg      *Config
	start    int64
	ops      []Op
	produces int // in ops
	maxCall  int64
	left     int

	cutAt   int64 // the cut to be made, -1: not chosen
	passed  int64 // when the log was first known to be as long
	covered int64 // offsets below it that a produce is known to hold
	closed  int   // operations dropped as implied since the last window
	crowd   int   // condense at that many operations
	usual   int   // operations in the last window
}

// add takes an operation that returned.
func (c *cutter) add(op Op) {
	if op.Hi < c.start {
		// Its window is closed: the sweep alone has judged it.
		c.left++
		return
	}
	c.ops = append(c.ops, op)
	if op.writes() {
		c.produces++
		if op.Hi < c.cutAt {
			c.covered += op.Lo - op.Hi
		}
	}
}

// try closes the windows that can be closed now: enough has returned beyond
// the cut, nothing in flight was called before the cut was passed, and every
// offset below it is known or has been waited for.
func (c *cutter) try(now, oldest int64, proven *stair) {
	size := c.cfg.Size
	for c.produces >= 2*size {
		if c.cutAt < 0 && !c.choose(proven) {
			break
		}
		if min(now, oldest) <= c.passed && c.produces < patienceFlight*size {
			break
		}
		if c.covered < c.cutAt-c.start && c.produces < patienceHoles*size {
			break
		}
		c.close(c.cutAt)
	}
	if len(c.ops) >= max(c.crowd, crowded) {
		c.condense()
	}
}

// choose picks the cut: the base of a produce with Size produces below it. An
// operation that was called after the cut was passed belongs beyond it.
func (c *cutter) choose(proven *stair) bool {
	bases := make([]int64, 0, c.produces)
	for i := range c.ops {
		if c.ops[i].writes() {
			bases = append(bases, c.ops[i].Hi)
		}
	}
	slices.Sort(bases)
	bases = bases[min(c.cfg.Size, len(bases)):]
	i := slices.IndexFunc(bases, func(b int64) bool { return b > c.start })
	if i < 0 {
		return false
	}
	step := proven.above(bases[i] - 1)
	if step == nil {
		return false // whoever proved it is no longer believed
	}
	c.cutAt, c.passed, c.covered = bases[i], step.at, 0
	for i := range c.ops {
		if o := &c.ops[i]; o.writes() && o.Hi < c.cutAt {
			c.covered += o.Lo - o.Hi
		}
	}
	return true
}

// close gives away the window below the cut and keeps what lies beyond.
func (c *cutter) close(cut int64) {
	w := Window{Log: c.cfg.Log, Start: c.start, End: cut, Atomic: c.cfg.Atomic, Left: c.left, Closed: c.closed,
		Ops: make([]Op, 0, c.usual+c.usual/4)}
	if c.maxCall >= 0 {
		w.Ops = append(w.Ops, sentinel(Op{Call: c.maxCall, Ret: Inf, Hi: c.start}))
	}
	later := Inf // the first return beyond the cut
	rest := c.ops[:0]
	produces := 0
	for i := range c.ops {
		o := c.ops[i]
		switch {
		case o.Hi < cut:
			w.Ops = append(w.Ops, o)
			w.Closed++
			c.maxCall = max(c.maxCall, o.Call)
			continue
		case o.writes():
			produces++
			later = min(later, o.Ret)
		case o.Lo > cut:
			later = min(later, o.Ret)
		case o.Lo <= c.start && o.Hi >= Inf:
			w.Closed++ // by now it says nothing more
			continue
		case o.Lo > c.start:
			low := o
			low.Hi = Inf
			w.Ops = append(w.Ops, low)
			o.Lo = 0
			if o.Hi == Inf {
				w.Closed++
				continue
			}
		}
		rest = append(rest, o)
	}
	if later < Inf {
		w.Ops = append(w.Ops, sentinel(Op{Call: -1, Ret: later, Lo: cut, Hi: Inf}))
	}
	clear(c.ops[len(rest):])
	c.ops, c.produces, c.usual = rest, produces, len(w.Ops)
	c.start, c.cutAt, c.covered, c.left, c.closed, c.crowd = cut, -1, 0, 0, 0, 0
	c.cfg.Window(w)
}

func sentinel(o Op) Op {
	o.Kind, o.Process, o.Invoked, o.Index, o.Value = bound, -1, -1, -1, -1
	return o
}

// finish closes what is left, the last window to the end of the log.
func (c *cutter) finish(proven *stair) {
	for c.produces >= 2*c.cfg.Size && c.choose(proven) {
		c.close(c.cutAt)
	}
	if len(c.ops) > 0 || c.left > 0 {
		c.close(Inf)
	}
}

// drop takes operations out that are no longer believed.
func (c *cutter) drop(gone func(*Op) bool) {
	before := len(c.ops)
	c.ops = slices.DeleteFunc(c.ops, func(o Op) bool { return gone(&o) })
	c.left += before - len(c.ops)
	c.produces, c.cutAt = 0, -1
	for i := range c.ops {
		if c.ops[i].writes() {
			c.produces++
		}
	}
}

// condense leaves out reads that others imply: of the reads with the same
// bounds, the first to return proves as much as all of them, and the last to
// be called allows as little. An idle log is read for ever without a produce
// at which to cut.
func (c *cutter) condense() {
	type bounds struct{ lo, hi int64 }
	type pair struct{ firstRet, lastCall int }
	groups := make(map[bounds]pair)
	for i := range c.ops {
		o := &c.ops[i]
		if o.writes() {
			continue
		}
		k := bounds{o.Lo, o.Hi}
		g, ok := groups[k]
		switch {
		case !ok:
			g = pair{i, i}
		case o.Ret < c.ops[g.firstRet].Ret:
			g.firstRet = i
		}
		if o.Call > c.ops[g.lastCall].Call {
			g.lastCall = i
		}
		groups[k] = g
	}
	rest := c.ops[:0]
	for i := range c.ops {
		o := c.ops[i]
		if !o.writes() {
			if g := groups[bounds{o.Lo, o.Hi}]; i != g.firstRet && i != g.lastCall {
				c.closed++
				continue
			}
		}
		rest = append(rest, o)
	}
	clear(c.ops[len(rest):])
	c.ops = rest
	c.crowd = 2 * len(rest)
}
