package histtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ackproof/ackproof/histories"
)

// naive finds anomalies in the plainest way that is right for a whole history
// in memory. It shares no code with the checker, and holds the mutations to
// what they promise.
type naive struct {
	h      History
	found  map[string]bool
	send   map[int64]naiveSend                // by value
	values map[int64]map[int64]map[int64]bool // by log, by offset: the values shown
	places map[int64]map[int64]bool           // by value: the offsets it was shown at
	polled map[int64]int                      // by value: first poll
	last   map[int64]bool                     // values of the final reads
	ends   map[int64]int64                    // by log: the end listed last
	spans  map[int64][]span                   // by log
}

type naiveSend struct {
	key, offset  int64
	invoke, done int
	outcome      histories.Type
}

// span is an operation on one log in bound form.
type span struct {
	call, ret time.Duration
	lo, hi    int64
	what      histories.F
	process   int64
}

// kinds returns the anomalies of a history.
func kinds(h History) []string {
	n := &naive{
		h: h, found: map[string]bool{}, send: map[int64]naiveSend{}, values: map[int64]map[int64]map[int64]bool{},
		places: map[int64]map[int64]bool{}, polled: map[int64]int{}, last: map[int64]bool{},
		ends: map[int64]int64{}, spans: map[int64][]span{},
	}
	n.collect()
	n.content()
	n.order()
	n.batches()
	n.epochs()
	n.realTime()
	n.cluster()
	return slices.Sorted(maps.Keys(n.found))
}

// cluster looks for a cluster that is not whole although every fault is gone.
func (n *naive) cluster() {
	gone, healed := map[int]bool{}, false
	for i := range n.h.Ops {
		op := &n.h.Ops[i]
		switch op.F {
		case histories.Inject:
			gone[op.Event.ID] = false
		case histories.Healed:
			gone[op.Event.ID], healed = *op.Event.Held, true
		case histories.Whole:
			all := true
			for _, g := range gone {
				all = all && g
			}
			n.found["no-recovery"] = n.found["no-recovery"] || healed && all && !*op.Event.Held
		}
	}
	if !n.found["no-recovery"] {
		delete(n.found, "no-recovery")
	}
}

func (n *naive) collect() {
	open := map[int64]int{}
	final := false
	for i := range n.h.Ops {
		op := &n.h.Ops[i]
		switch {
		case op.Process < 0:
			final = final || op.F == histories.Phase && op.Event.Phase == histories.PhaseFinal
			continue
		case op.Type == histories.Invoke:
			open[op.Process] = i
			for _, m := range op.Mops {
				if m.Send {
					n.send[m.Value] = naiveSend{m.Key, -1, i, -1, histories.Info}
				}
			}
			continue
		}
		call := n.h.Ops[open[op.Process]].Time
		for _, m := range op.Mops {
			if m.Send {
				n.send[m.Value] = naiveSend{m.Key, m.Offset, open[op.Process], i, op.Type}
				if op.Type == histories.OK && m.Offset >= 0 {
					n.show(m.Key, m.Offset, m.Value)
					n.span(m.Key, span{call, op.Time, m.Offset + 1, m.Offset, op.F, op.Process})
				}
			}
		}
		if op.Type != histories.OK {
			continue
		}
		for k, rec := range op.Polled() {
			if _, ok := n.polled[rec.Value]; !ok {
				n.polled[rec.Value] = i
			}
			if rec.Value >= 0 {
				n.show(k, rec.Offset, rec.Value)
			}
			if final {
				n.last[rec.Value] = true
			}
		}
		for _, f := range op.Fetched {
			n.span(f.Key, span{call, op.Time, f.HighWatermark, f.HighWatermark, op.F, op.Process})
		}
		for _, o := range op.Offsets {
			if op.F == histories.EndOffsets {
				n.ends[o.Key] = o.Offset
				n.span(o.Key, span{call, op.Time, o.Offset, o.Offset, op.F, op.Process})
			}
			if op.F == histories.StartOffsets {
				n.span(^o.Key, span{call, op.Time, o.Offset, o.Offset, op.F, op.Process})
			}
		}
	}
}

func (n *naive) span(log int64, s span) { n.spans[log] = append(n.spans[log], s) }

func (n *naive) show(log, offset, value int64) {
	if n.values[log] == nil {
		n.values[log] = map[int64]map[int64]bool{}
	}
	if n.values[log][offset] == nil {
		n.values[log][offset] = map[int64]bool{}
	}
	n.values[log][offset][value] = true
	if n.send[value].key == log {
		if n.places[value] == nil {
			n.places[value] = map[int64]bool{}
		}
		n.places[value][offset] = true
	}
}

func (n *naive) content() {
	for i := range n.h.Ops {
		op := &n.h.Ops[i]
		for _, b := range op.Bad {
			n.found[map[string]string{histories.BadChecksum: "corrupt-record", histories.BadForeign: "phantom-read", histories.BadLog: "misrouted-record"}[b.Why]] = true
		}
		for k, rec := range op.Polled() {
			s, ok := n.send[rec.Value]
			switch {
			case rec.Value < 0:
			case !ok:
				n.found["phantom-read"] = true
			case s.key != k:
				n.found["misrouted-record"] = true
			case s.outcome == histories.Fail:
				n.found["aborted-read"] = true
			case i < s.invoke:
				n.found["future-read"] = true
			}
		}
	}
	for _, offsets := range n.values {
		for _, values := range offsets {
			if len(values) > 1 {
				n.found["inconsistent-offset"] = true
			}
		}
	}
	for value, s := range n.send {
		if len(n.places[value]) > 1 {
			n.found["duplicate"] = true
		}
		_, polled := n.polled[value]
		switch {
		case s.outcome != histories.OK:
		case s.offset < 0:
			n.found["invalid-ack"] = true
		case !n.last[value] && s.offset < n.start(s.key):
			if n.h.Header.Contract.Retention == "none" {
				n.found["deleted-early"] = true
			}
		case polled && !n.last[value]:
			n.found["truncated-ack"] = true
		case polled:
		case s.offset < n.ends[s.key]:
			n.found["lost-write"] = true
		default:
			n.found["unseen"] = true
		}
	}
}

// between tells whether a record is known to stand between two offsets.
func (n *naive) between(log, a, b int64) bool {
	for o := a + 1; o < b; o++ {
		if len(n.values[log][o]) > 0 {
			return true
		}
	}
	return false
}

func (n *naive) order() {
	type at struct{ process, log int64 }
	sends, polls := map[at]int64{}, map[at]int64{}
	for i := range n.h.Ops {
		op := &n.h.Ops[i]
		if op.Type != histories.OK {
			continue
		}
		if op.F == histories.Assign {
			for k := range n.h.Header.Logs {
				delete(polls, at{op.Process, int64(k)})
			}
		}
		prefix := ""
		for _, m := range op.Mops {
			p := at{op.Process, m.Key}
			if last, ok := sends[p]; m.Send && m.Offset >= 0 {
				if ok && m.Offset <= last {
					n.found[prefix+"nonmonotonic-send"] = true
				}
				sends[p], prefix = m.Offset, "int-"
			}
		}
		for _, run := range op.Runs {
			prefix, p := "", at{op.Process, run.Key}
			for _, rec := range op.Recs[run.From:run.To] {
				if last, ok := polls[p]; ok && rec.Offset <= last {
					n.found[prefix+"nonmonotonic-poll"] = true
				} else if ok && n.between(run.Key, last, rec.Offset) {
					n.found[prefix+"poll-skip"] = true
				}
				polls[p], prefix = rec.Offset, "int-"
			}
		}
	}
}

func (n *naive) realTime() {
	bound := time.Duration(n.h.Header.Contract.StalenessMillis) * time.Millisecond
	kafka := n.h.Header.Contract.Reads == "kafka"
	for _, all := range n.spans {
		slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.ret, b.ret) })
		most := map[histories.F][]int64{} // by operation, Other for any: the greatest lo up to a return
		for _, f := range []histories.F{histories.Other, histories.Send, histories.EndOffsets, histories.StartOffsets} {
			n := int64(-1)
			for _, s := range all {
				if f == histories.Other || s.what == f {
					n = max(n, s.lo)
				}
				most[f] = append(most[f], n)
			}
		}
		greatest := func(before time.Duration, f histories.F) int64 {
			i, _ := slices.BinarySearchFunc(all, before, func(s span, t time.Duration) int { return cmp.Compare(s.ret, t) })
			if i == 0 {
				return -1
			}
			return most[f][i-1]
		}
		for _, s := range all {
			switch stale := kafka && s.what == histories.Poll; {
			case stale && (bound == 0 || greatest(s.call-bound, histories.Other) <= s.hi):
			case stale:
				n.found["stale-read"] = true
			case greatest(s.call, histories.Other) <= s.hi:
			case s.what == histories.StartOffsets:
				n.found["log-start-regression"] = true
			case s.what == histories.Send && greatest(s.call, s.what) > s.hi:
				n.found["offset-regression"] = true
			case s.what == histories.EndOffsets && greatest(s.call, s.what) > s.hi:
				n.found["end-offset-regression"] = true
			default:
				n.found["nonlinearizable-log"] = true
			}
		}
	}
}

// start is the highest start that was listed.
func (n *naive) start(log int64) int64 {
	start := int64(0)
	for _, s := range n.spans[^log] {
		start = max(start, s.lo)
	}
	return start
}

func (n *naive) batches() {
	single := n.h.Header.Contract.Attempts == "single"
	for i := range n.h.Ops {
		op := &n.h.Ops[i]
		if op.F != histories.Send || op.Type == histories.Invoke || op.Type == histories.Fail || len(op.Mops) < 2 {
			continue
		}
		read := 0
		for j, m := range op.Mops {
			if n.last[m.Value] {
				read++
			}
			if j == 0 || op.Type != histories.OK {
				continue
			}
			if n.between(m.Key, op.Mops[j-1].Offset, m.Offset) {
				n.found["int-send-skip"] = true
			}
		}
		if single && op.Type == histories.Info && read > 0 && read < len(op.Mops) {
			n.found["torn-batch"] = true
		}
	}
}

func (n *naive) epochs() {
	type shown struct{ log, offset, epoch int64 }
	var all []shown
	for i := range n.h.Ops {
		op := &n.h.Ops[i]
		for _, f := range op.Fetched {
			if recs := runOf(op, f.Key); f.Epoch >= 0 && len(recs) > 0 {
				all = append(all, shown{f.Key, recs[len(recs)-1].Offset, f.Epoch})
			}
		}
	}
	slices.SortFunc(all, func(a, b shown) int {
		return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.offset, b.offset), cmp.Compare(a.epoch, b.epoch))
	})
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.log == b.log && (a.epoch > b.epoch || a.offset == b.offset && a.epoch != b.epoch) {
			n.found["leader-epoch-regression"] = true
		}
	}
}

func list(kinds []string) string { return strings.Join(kinds, ", ") }
