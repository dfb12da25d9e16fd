package checker

import (
	"math"
	"slices"

	"github.com/ackproof/ackproof/histories"
)

// naiveJepsen transcribes the rules of jepsen.tests.kafka in the plainest way:
// maps, dense indexes, explicit edges and reachability. It shares no code with
// the passes and counts cases by error type, *-cycle-exists and G0 for cycles;
// "cycles" is the sum of the other types of cycles, whose labels drift.
type naiveJepsen struct {
	ops    []histories.Op
	call   []int                       // by entry: its invocation
	log    map[int64]map[int64][]int64 // key, offset: the values, in the order shown
	index  map[int64]map[int64]int     // key, value: its index (byValue)
	order  map[int64][]int64           // key: byIndex
	writer map[[2]int64]int            // key and value: the last completion that sent it
	counts map[string]int64
}

func naiveByJepsen(ops []histories.Op, noWW bool) map[string]int64 {
	n := &naiveJepsen{ops: ops, call: make([]int, len(ops)), log: map[int64]map[int64][]int64{}, index: map[int64]map[int64]int{},
		order: map[int64][]int64{}, writer: map[[2]int64]int{}, counts: map[string]int64{}}
	open := map[int64]int{}
	for i, op := range ops {
		if op.Type == histories.Invoke {
			open[op.Process] = i
			continue
		}
		n.call[i] = open[op.Process]
		for _, m := range op.Mops {
			if m.Send {
				n.writer[[2]int64{m.Key, m.Value}] = i
			}
		}
	}
	n.versions()
	n.content()
	n.seen()
	n.internal()
	n.external()
	n.cycles(noWW)
	for k, v := range n.counts {
		if v == 0 {
			delete(n.counts, k)
		}
	}
	return n.counts
}

func (n *naiveJepsen) each(f func(i int, op *histories.Op)) {
	for i := range n.ops {
		op := &n.ops[i]
		if op.Type != histories.Invoke && (op.F == histories.Send || op.F == histories.Poll || op.F == histories.Txn) {
			f(i, op)
		}
	}
}

func reads(op *histories.Op) (keys []int64, all map[int64][]histories.Rec) {
	all = map[int64][]histories.Rec{}
	for _, run := range op.Runs {
		if _, had := all[run.Key]; !had {
			keys = append(keys, run.Key)
			all[run.Key] = nil
		}
		all[run.Key] = append(all[run.Key], op.Recs[run.From:run.To]...)
	}
	return keys, all
}

func writes(op *histories.Op) map[int64][]histories.Mop {
	all := map[int64][]histories.Mop{}
	for _, m := range op.Mops {
		if m.Send {
			all[m.Key] = append(all[m.Key], m)
		}
	}
	return all
}

// readBy tells whether an ok operation polled the value.
func (n *naiveJepsen) readBy(key, value int64, t histories.Type) bool {
	found := false
	n.each(func(_ int, op *histories.Op) {
		_, all := reads(op)
		for _, r := range all[key] {
			found = found || op.Type == t && r.Value == value
		}
	})
	return found
}

func (n *naiveJepsen) wrote(key, value int64, t histories.Type) bool {
	found := false
	n.each(func(_ int, op *histories.Op) {
		for _, m := range writes(op)[key] {
			found = found || op.Type == t && m.Value == value
		}
	})
	return found
}

func (n *naiveJepsen) committed(op *histories.Op) bool {
	if op.Type != histories.Info {
		return op.Type == histories.OK
	}
	for _, m := range op.Mops {
		if m.Send && n.readBy(m.Key, m.Value, histories.OK) {
			return true
		}
	}
	return false
}

func (n *naiveJepsen) show(key, offset, value int64) {
	if n.log[key] == nil {
		n.log[key] = map[int64][]int64{}
	}
	if !slices.Contains(n.log[key][offset], value) {
		n.log[key][offset] = append(n.log[key][offset], value)
	}
}

func (n *naiveJepsen) versions() {
	for _, late := range []bool{false, true} { // what has to be proven is shown last
		n.each(func(_ int, op *histories.Op) {
			for _, m := range op.Mops {
				if m.Send && m.Offset >= 0 && late == (op.Type == histories.Info) && n.committed(op) {
					n.show(m.Key, m.Offset, m.Value)
				}
				for _, run := range op.Runs[m.From:m.To] {
					for _, r := range op.Recs[run.From:run.To] {
						if r.Offset >= 0 && !late {
							n.show(run.Key, r.Offset, r.Value)
						}
					}
				}
			}
		})
	}
	for key, slots := range n.log {
		offsets := make([]int64, 0, len(slots))
		for o := range slots {
			offsets = append(offsets, o)
		}
		slices.Sort(offsets)
		n.index[key] = map[int64]int{}
		for i, o := range offsets {
			n.order[key] = append(n.order[key], slots[o][0])
			n.index[key][slots[o][0]] = i
		}
	}
}

// delta is the distance of two values in the log, 1 where it is not known.
func (n *naiveJepsen) delta(key, a, b int64) int {
	i, ok := n.index[key][a]
	j, ok2 := n.index[key][b]
	if !ok || !ok2 {
		return 1
	}
	return j - i
}

func (n *naiveJepsen) content() {
	for key, slots := range n.log {
		offsets := map[int64][]int64{}
		for o, values := range slots {
			if len(values) > 1 {
				n.counts["inconsistent-offsets"]++
			}
			for _, v := range values {
				offsets[v] = append(offsets[v], o)
			}
		}
		for _, o := range offsets {
			if len(o) > 1 {
				n.counts["duplicate"]++
			}
		}
		bound := int64(-1)
		for v, o := range offsets {
			if n.readBy(key, v, histories.OK) {
				bound = max(bound, slices.Min(o))
			}
		}
		for v, o := range offsets {
			if w, ok := n.writer[[2]int64{key, v}]; ok && slices.Max(o) <= bound && !n.readBy(key, v, histories.OK) && n.committed(&n.ops[w]) {
				n.counts["lost-write"]++
			}
		}
	}
	n.each(func(_ int, op *histories.Op) {
		keys, all := reads(op)
		own := false
		for _, key := range keys {
			for _, r := range all[key] {
				if op.Type == histories.OK && n.wrote(key, r.Value, histories.Fail) {
					n.counts["G1a"]++
				}
				own = own || slices.ContainsFunc(writes(op)[key], func(m histories.Mop) bool { return m.Value == r.Value })
			}
		}
		if own {
			n.counts["precommitted-read"]++
		}
	})
}

// seen counts unseen records, without the false ones of the original.
func (n *naiveJepsen) seen() {
	sent := map[[2]int64]bool{}
	n.each(func(_ int, op *histories.Op) {
		for key, mops := range writes(op) {
			for _, m := range mops {
				if op.Type == histories.OK && !sent[[2]int64{key, m.Value}] && !n.readBy(key, m.Value, histories.OK) {
					sent[[2]int64{key, m.Value}] = true
					n.counts["unseen"]++
				}
			}
		}
	})
}

func (n *naiveJepsen) compare(delta int, skip, back string) {
	switch {
	case delta > 1 && skip != "":
		n.counts[skip]++
	case delta < 1:
		n.counts[back]++
	}
}

func (n *naiveJepsen) internal() {
	n.each(func(_ int, op *histories.Op) {
		var moved []int64
		for _, r := range op.Rebalances {
			moved = append(moved, r.Keys...)
		}
		_, all := reads(op)
		for key, recs := range all {
			for i := 1; i < len(recs) && !slices.Contains(moved, key); i++ {
				n.compare(n.delta(key, recs[i-1].Value, recs[i].Value), "int-poll-skip", "int-nonmonotonic-poll")
			}
		}
		for key, mops := range writes(op) {
			for i := 1; i < len(mops); i++ {
				n.compare(n.delta(key, mops[i-1].Value, mops[i].Value), "int-send-skip", "int-nonmonotonic-send")
			}
		}
	})
}

func (n *naiveJepsen) external() {
	type place struct{ process, key int64 }
	const unknown = math.MinInt64
	lastRead, lastSend := map[place]int64{}, map[place]int64{}
	for i := range n.ops {
		op := &n.ops[i]
		if op.Type == histories.Invoke {
			continue
		}
		if (op.F == histories.Assign || op.F == histories.Subscribe) && op.Type != histories.Fail {
			for p := range lastRead {
				if p.process == op.Process && !slices.Contains(op.Keys, p.key) {
					delete(lastRead, p)
				}
			}
		}
		_, all := reads(op)
		for key, recs := range all {
			p := place{op.Process, key}
			if last, had := lastRead[p]; had && len(recs) > 0 {
				n.compare(n.delta(key, last, recs[0].Value), "poll-skip", "nonmonotonic-poll")
			}
			if op.Type == histories.OK {
				lastRead[p] = unknown
				if len(recs) > 0 {
					lastRead[p] = recs[len(recs)-1].Value
				}
			}
		}
		for key, mops := range writes(op) {
			p := place{op.Process, key}
			if op.Type == histories.Fail {
				continue
			}
			if last, had := lastSend[p]; had {
				n.compare(n.delta(key, last, mops[0].Value), "", "nonmonotonic-send")
			}
			lastSend[p] = mops[len(mops)-1].Value
		}
	}
}

func (n *naiveJepsen) cycles(noWW bool) {
	var vs []int
	n.each(func(i int, _ *histories.Op) { vs = append(vs, i) })
	number := map[int]int{}
	for v, i := range vs {
		number[i] = v
	}
	ww, wr, rt := edges(len(vs)), edges(len(vs)), edges(len(vs))
	n.each(func(i int, op *histories.Op) {
		_, all := reads(op)
		for key, recs := range all {
			for _, r := range recs {
				if w, ok := n.writer[[2]int64{key, r.Value}]; ok && w != i {
					wr[number[w]][number[i]] = true
				}
			}
		}
		n.each(func(j int, _ *histories.Op) {
			if op.Type == histories.OK && n.call[j] > i {
				rt[number[i]][number[j]] = true
			}
		})
	})
	for kv, w := range n.writer {
		if at, ok := n.index[kv[0]][kv[1]]; ok && at > 0 && !noWW {
			if u, ok := n.writer[[2]int64{kv[0], n.order[kv[0]][at-1]}]; ok && u != w {
				ww[number[u]][number[w]] = true
			}
		}
	}
	all := union(ww, wr, rt)
	if !slices.ContainsFunc(all, func(row []bool) bool { return slices.Contains(row, true) }) {
		n.counts["empty-transaction-graph"]++
		return
	}
	told := make([]bool, len(vs))
	reach := closure(all)
	for v := range vs {
		if told[v] || !reach[v][v] {
			continue
		}
		inside := make([]bool, len(vs))
		for u := range vs {
			inside[u] = reach[v][u] && reach[u][v]
			told[u] = told[u] || inside[u]
		}
		cyclic := func(e [][]bool) bool {
			r := closure(inComponent(e, inside))
			for u := range r {
				if r[u][u] {
					return true
				}
			}
			return false
		}
		a, b, s := cyclic(ww), cyclic(union(ww, wr)), cyclic(union(ww, rt))
		switch {
		case a:
			n.counts["PL-1-cycle-exists"]++
			n.counts["G0"]++
		case b:
			n.counts["PL-2-cycle-exists"]++
			n.counts["cycles"]++
		}
		switch {
		case a:
		case s:
			n.counts["strong-PL-1-cycle-exists"]++
			n.counts["cycles"]++
		case !b:
			n.counts["strong-PL-2-cycle-exists"]++
			n.counts["cycles"]++
		}
	}
}

func edges(n int) [][]bool {
	e := make([][]bool, n)
	for i := range e {
		e[i] = make([]bool, n)
	}
	return e
}

func union(all ...[][]bool) [][]bool {
	u := edges(len(all[0]))
	for _, e := range all {
		for i := range e {
			for j := range e[i] {
				u[i][j] = u[i][j] || e[i][j]
			}
		}
	}
	return u
}

func inComponent(e [][]bool, inside []bool) [][]bool {
	w := edges(len(e))
	for i := range e {
		for j := range e[i] {
			w[i][j] = e[i][j] && inside[i] && inside[j]
		}
	}
	return w
}

func closure(e [][]bool) [][]bool {
	r := union(e)
	for k := range r {
		for i := range r {
			for j := range r {
				r[i][j] = r[i][j] || r[i][k] && r[k][j]
			}
		}
	}
	return r
}
