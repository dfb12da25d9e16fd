package linear

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// RegisterOp is an operation on a register whose written values are unique.
type RegisterOp struct {
	Write bool
	Value int64 // what was written or read; below 0: what the register held at the beginning
	// Call and Ret are when it began and ended, ns; a write without an outcome
	// has Ret = Forever.
	Call, Ret int64
	Entry     int64 // the entry of its completion, for evidence
}

// Forever is the return of what never returned.
const Forever = math.MaxInt64

// RegisterViolation is a value that was shown again after another one had been
// current in the meantime.
type RegisterViolation struct {
	Again   RegisterOp // the last operation that shows the old value
	Between RegisterOp // the first one that shows the latest value between
	// Read says that somebody was told the value between. Where several values
	// were current between, those that somebody was told go first.
	Read bool
}

// zone is what the operations of one value say: between the first return and
// the last call among them the value was current all the time (forward), or it
// was current at some moment between the last call and the first return
// (backward). Gibbons and Korach, Testing Shared Memories (1997), theorem 4.1.
type zone struct {
	value        int64
	first, last  RegisterOp // with the least return, with the greatest call
	written      bool
	unknown      bool // a write without an outcome that nobody has read
	reads        int
	minRet, call int64
}

// Zones judges the operations on one register in O(n log n), and in the number
// of values between for each one that is shown again. Reads of a value that
// nobody wrote, or before it was written, are for the caller to find.
func Zones(ops []RegisterOp) []RegisterViolation {
	var forward, backward []*zone
	for _, z := range zonesOf(ops) {
		switch {
		case z.unknown && z.reads == 0:
		case z.minRet < z.call:
			forward = append(forward, z)
		default:
			backward = append(backward, z)
		}
	}
	slices.SortFunc(forward, func(a, b *zone) int { return cmp.Or(cmp.Compare(a.minRet, b.minRet), cmp.Compare(a.value, b.value)) })
	slices.SortFunc(backward, func(a, b *zone) int { return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.value, b.value)) })
	var out []RegisterViolation
	for i, z := range forward {
		var between *zone
		for _, o := range forward[i+1:] { // they begin later
			if o.minRet >= z.call {
				break
			}
			between = later(between, o)
		}
		first, _ := slices.BinarySearchFunc(backward, z.minRet, func(b *zone, t int64) int {
			if b.call <= t {
				return -1
			}
			return 1
		})
		for _, o := range backward[first:] { // they lie behind its beginning
			if o.call >= z.call {
				break
			}
			if o.minRet < z.call {
				between = later(between, o)
			}
		}
		if between != nil {
			out = append(out, RegisterViolation{z.last, between.first, between.reads > 0})
		}
	}
	return out
}

// later chooses between two values that were current: one that was read, else
// the one that was current later.
func later(a, b *zone) *zone {
	if a == nil || a.reads == 0 && b.reads > 0 {
		return b
	}
	if b.reads == 0 && a.reads > 0 || b.minRet < a.minRet {
		return a
	}
	return b
}

// zonesOf sums the operations up by value. The value at the beginning counts as
// written before everything.
func zonesOf(ops []RegisterOp) map[int64]*zone {
	zones := map[int64]*zone{}
	for _, o := range ops {
		z := zones[o.Value]
		if z == nil {
			z = &zone{value: o.Value, minRet: Forever, call: math.MinInt64}
			if o.Value < 0 {
				z.minRet, z.written = math.MinInt64, true
				z.first = RegisterOp{Write: true, Value: o.Value, Call: math.MinInt64, Ret: math.MinInt64, Entry: -1}
			}
			zones[o.Value] = z
		}
		if o.Write {
			z.written, z.unknown = true, o.Ret == Forever
		} else {
			z.reads++
		}
		if o.Ret < z.minRet {
			z.minRet, z.first = o.Ret, o
		}
		if o.Call > z.call {
			z.call, z.last = o.Call, o
		}
	}
	return zones
}

// RegisterWindow is a part of a register's operations that can be judged by
// itself: nothing was under way at its beginning, and what the register held
// then is known.
type RegisterWindow struct {
	Init int64
	Ops  []RegisterOp
}

// RegisterWindows cuts the operations of one register at quiescent moments,
// into windows of at least most/2 operations where there are such moments. What
// is longer than most has none and cannot be decided by porcupine in time.
// Writes without an outcome that nobody read are dropped; those that were read
// end with their first read.
func RegisterWindows(ops []RegisterOp, most int) []RegisterWindow {
	ops = settled(ops)
	slices.SortFunc(ops, func(a, b RegisterOp) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Ret, b.Ret), cmp.Compare(a.Entry, b.Entry))
	})
	var out []RegisterWindow
	w := RegisterWindow{Init: -1}
	latest := int64(math.MinInt64) // return of what was called so far
	for i, o := range ops {
		w.Ops = append(w.Ops, o)
		alone := o.Call > latest && (i+1 == len(ops) || ops[i+1].Call > o.Ret)
		latest = max(latest, o.Ret)
		if alone && len(w.Ops) >= most/2 {
			out = append(out, w)
			w = RegisterWindow{Init: o.Value}
		}
	}
	if len(w.Ops) > 0 {
		out = append(out, w)
	}
	return out
}

// settled gives writes without an outcome the end that their reads prove.
func settled(ops []RegisterOp) []RegisterOp {
	read := map[int64]int64{}
	for _, o := range ops {
		if t, ok := read[o.Value]; !o.Write && (!ok || o.Ret < t) {
			read[o.Value] = o.Ret
		}
	}
	out := make([]RegisterOp, 0, len(ops))
	for _, o := range ops {
		if o.Write && o.Ret == Forever {
			t, ok := read[o.Value]
			if !ok {
				continue
			}
			o.Ret = max(t, o.Call)
		}
		out = append(out, o)
	}
	return out
}

// Check asks porcupine about the window; ok is meaningless where it did not
// decide within the limit.
func (w RegisterWindow) Check(ctx context.Context, limit time.Duration) (ok, decided bool) {
	history := make([]porcupine.Operation, 0, len(w.Ops))
	for i := range w.Ops {
		o := &w.Ops[i]
		history = append(history, porcupine.Operation{ClientId: i, Input: o, Call: o.Call, Return: o.Ret})
	}
	if ctx.Err() != nil {
		return false, false
	}
	switch porcupine.CheckOperationsTimeout(registerModel(w.Init), history, limit) {
	case porcupine.Ok:
		return true, true
	case porcupine.Illegal:
		return false, true
	}
	return false, false
}

func registerModel(init int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return init },
		Step: func(state, input, _ any) (bool, any) {
			o := input.(*RegisterOp)
			if o.Write {
				return true, o.Value
			}
			return state.(int64) == o.Value, state
		},
		DescribeOperation: func(input, _ any) string {
			o := input.(*RegisterOp)
			if o.Write {
				return fmt.Sprintf("commit %d", o.Value)
			}
			return fmt.Sprintf("fetch %d", o.Value)
		},
	}
}
