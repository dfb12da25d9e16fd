package checker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/histtest"
)

// This file judges transactions a second time: naively, from the definitions,
// by comparing everything with everything. TestTransactionsAgainstTheDefinitions
// compares the two on small histories of brokers that do as they like.

// plainOp is an operation with both of its entries.
type plainOp struct {
	histories.Op
	invoked int64 // its invocation; Index is its completion
	at      time.Duration
	all     bool   // it reads everything
	group   string // at whose positions its process began
	final   bool
}

// ok tells whether the operation is an acknowledged one.
func (o *plainOp) ok() bool { return o.Type == histories.OK }

// polled tells whether the operation got a value.
func (o *plainOp) polled(value int64) bool {
	return slices.ContainsFunc(o.Recs, func(r histories.Rec) bool { return r.Value == value })
}

func (o *plainOp) sends() []histories.Mop {
	return slices.DeleteFunc(slices.Clone(o.Mops), func(m histories.Mop) bool { return !m.Send })
}

// plainTxns judges a history of unique values, each with its one offset.
type plainTxns struct {
	ops    []plainOp // in the order of their completions
	offset map[int64]int64
	log    map[int64]int64
}

func newPlainTxns(h histtest.History, offset, log map[int64]int64) *plainTxns {
	n := &plainTxns{offset: offset, log: log}
	open := map[int64]*histories.Op{}
	all, group := map[int64]bool{}, map[int64]string{}
	final := false
	for i := range h.Ops {
		op := &h.Ops[i]
		switch {
		case op.F == histories.Phase:
			final = op.Event.Phase == histories.PhaseFinal
			continue
		case op.Type == histories.Invoke:
			open[op.Process] = op
			continue
		}
		if op.F == histories.Assign && op.Type == histories.OK {
			all[op.Process] = op.Isolation == histories.ReadUncommitted
			if group[op.Process] = ""; op.Seek.To == histories.SeekCommitted {
				group[op.Process] = op.Group
			}
		}
		in := open[op.Process]
		n.ops = append(n.ops, plainOp{*op, in.Index, in.Time, all[op.Process], group[op.Process], final})
	}
	return n
}

// committed tells whether a transaction is certain: it was acknowledged, or read
// where readers of committed records do not get those of aborted ones.
func (n *plainTxns) committed(t *plainOp) bool {
	if t.F != histories.Txn || t.Type == histories.Fail {
		return false
	}
	return t.ok() || n.read(t) && !slices.ContainsFunc(n.ops, func(o plainOp) bool { return o.F == histories.Txn && o.Type == histories.Fail && n.read(&o) })
}

// read tells whether a reader of committed records got one of a transaction's.
func (n *plainTxns) read(t *plainOp) bool {
	for _, m := range t.sends() {
		for i := range n.ops {
			if r := &n.ops[i]; r.ok() && !r.all && r.polled(m.Value) {
				return true
			}
		}
	}
	return false
}

// count counts the anomalies by kind.
func (n *plainTxns) count() map[Kind]int64 {
	c := map[Kind]int64{}
	for i := range n.ops {
		o := &n.ops[i]
		if o.F == histories.Txn && !o.all && slices.ContainsFunc(o.sends(), func(m histories.Mop) bool { return o.polled(m.Value) }) {
			c[PrecommittedRead]++
		}
		if n.committed(o) {
			c[TornTransaction] += n.torn(o)
			if len(o.sends()) > 0 && n.fencedBefore(o) {
				c[FencedProducerCommitted]++
			}
		}
		if o.F == histories.StableOffsets && o.ok() {
			switch a := o.Offsets[0]; {
			case n.decidedAbove(a, o.invoked):
				c[LSORegression]++
			case n.seenElsewhere(a, o.invoked):
				c[FracturedRead]++
			}
		}
	}
	c[EOSDuplicateEffect] = n.takenTwice()
	c[StuckLSO] = n.stuck()
	if n.cyclic() {
		c[G1c] = 1
	}
	return c
}

func (n *plainTxns) torn(t *plainOp) int64 {
	missing, there := int64(0), false
	for _, m := range t.sends() {
		found := slices.ContainsFunc(n.ops, func(o plainOp) bool { return o.final && o.ok() && o.polled(m.Value) })
		if there = there || found; !found {
			missing++
		}
	}
	if !there {
		return 0
	}
	return missing
}

// fencedBefore tells whether a transaction's producer was fenced before it was
// called: walking through the completions, an instance that shows itself to be
// the last one fences all that were known before its first operation.
func (n *plainTxns) fencedBefore(t *plainOp) bool {
	type id struct{ txn, instance int64 }
	since, known, fenced := map[id]int64{}, map[id]int64{}, map[id]int64{}
	for i := range n.ops {
		o := &n.ops[i]
		x := id{o.Producer.Txn, o.Producer.Instance}
		if x.txn == 0 || o.Index > t.Index {
			continue
		}
		if _, ok := known[x]; !ok {
			since[x], known[x] = o.invoked, o.Index
		}
		if fenced[x] > 0 || !o.ok() || o.F == histories.Txn && len(o.sends()) == 0 && o.Op.Group == "" {
			continue
		}
		for y := range known {
			if y.txn == x.txn && y != x && fenced[y] == 0 && known[y] < since[x] {
				fenced[y] = o.Index
			}
		}
	}
	f := fenced[id{t.Producer.Txn, t.Producer.Instance}]
	return f > 0 && f < t.invoked
}

// decidedAbove tells whether something above an answer was known to be decided
// before it was asked for.
func (n *plainTxns) decidedAbove(a histories.KeyOffset, asked int64) bool {
	for i := range n.ops {
		o := &n.ops[i]
		if !o.ok() || o.Index >= asked {
			continue
		}
		if o.F == histories.StableOffsets && o.Offsets[0].Key == a.Key && o.Offsets[0].Offset > a.Offset {
			return true
		}
		for _, r := range o.Recs {
			if !o.all && n.log[r.Value] == a.Key && r.Offset >= a.Offset {
				return true
			}
		}
	}
	return false
}

// seenElsewhere tells whether an answer is the first record of a transaction
// that somebody had read in another log before it was asked for.
func (n *plainTxns) seenElsewhere(a histories.KeyOffset, asked int64) bool {
	for i := range n.ops {
		t := &n.ops[i]
		if t.F != histories.Txn || !t.ok() {
			continue
		}
		first := int64(-1)
		for _, m := range t.sends() {
			if m.Key == a.Key && (first < 0 || n.offset[m.Value] < first) {
				first = n.offset[m.Value]
			}
		}
		if first != a.Offset {
			continue
		}
		for j := range n.ops {
			r := &n.ops[j]
			if r.ok() && !r.all && r.Index > t.Index && r.Index < asked && slices.ContainsFunc(t.sends(), func(m histories.Mop) bool { return m.Key != a.Key && r.polled(m.Value) }) {
				return true
			}
		}
	}
	return false
}

func (n *plainTxns) takenTwice() int64 {
	taken, more := map[string]bool{}, int64(0)
	for i := range n.ops {
		o := &n.ops[i]
		if o.Op.Group == "" || o.Op.Group != o.group || !n.committed(o) {
			continue
		}
		for _, r := range o.Recs {
			k := fmt.Sprint(o.group, n.log[r.Value], r.Offset)
			if taken[k] {
				more++
			}
			taken[k] = true
		}
	}
	return more
}

func (n *plainTxns) stuck() int64 {
	last := map[int64]*plainOp{} // by transactional id: its fence in the end
	var fence, end, answer *plainOp
	for i := range n.ops {
		o := &n.ops[i]
		if id := o.Producer.Txn; id > 0 && last[id] == nil {
			last[id] = nil
		}
		if o.final && o.ok() {
			switch o.F {
			case histories.Fence:
				last[o.Keys[0]], fence = o, o
			case histories.EndOffsets:
				end = o
			case histories.StableOffsets:
				answer = o
			}
		}
	}
	for _, f := range last {
		if f == nil {
			return 0
		}
	}
	if fence == nil || end == nil || answer == nil || answer.invoked < end.Index || answer.invoked < fence.Index || answer.at-fence.Time < settleTime {
		return 0
	}
	for _, e := range end.Offsets {
		if e.Key == answer.Offsets[0].Key && answer.Offsets[0].Offset < e.Offset {
			return 1
		}
	}
	return 0
}

// cyclic tells whether reads of what others sent and real time make a cycle.
func (n *plainTxns) cyclic() bool {
	size := len(n.ops)
	reach := make([][]bool, size)
	data := func(o *plainOp) bool {
		return o.F == histories.Txn || o.F == histories.Send || o.F == histories.Poll
	}
	for i := range reach {
		reach[i] = make([]bool, size)
		a := &n.ops[i]
		for j := range n.ops {
			b := &n.ops[j]
			if i == j || !data(a) || !data(b) {
				continue
			}
			wr := !b.all && slices.ContainsFunc(a.sends(), func(m histories.Mop) bool { return b.polled(m.Value) })
			rt := (a.ok() || len(a.sends()) == 0) && a.Index < b.invoked
			reach[i][j] = wr || rt
		}
	}
	for k := range reach {
		for i := range reach {
			for j := range reach {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	for i := range reach {
		if reach[i][i] {
			return true
		}
	}
	return false
}

// sloppy draws histories of a broker that does as it likes.
type sloppy struct {
	t      *rapid.T
	h      histtest.History
	now    time.Duration
	offset map[int64]int64 // by value
	log    map[int64]int64
	ends   [2]int64
	sent   []int64 // values whose sends have been called
	open   map[int64]histories.Op
	dead   map[int64]int64 // how often a process was retired
}

func (s *sloppy) put(op histories.Op) {
	s.now += time.Millisecond
	op.Time, op.Index = s.now, int64(len(s.h.Ops))
	s.h.Ops = append(s.h.Ops, op)
}

func (s *sloppy) phase(name string) {
	s.put(histories.Op{Process: histories.Nemesis, Type: histories.Info, F: histories.Phase, Event: &histories.Event{ID: -1, Phase: name}})
}

// begin has two of the processes begin where their group has committed.
func (s *sloppy) begin() {
	for process := range int64(2) {
		op := histories.Op{Process: process, F: histories.Assign, Keys: []int64{0, 1}, Group: "g", Seek: histories.Seek{To: histories.SeekCommitted}, Isolation: histories.ReadCommitted}
		s.put(op)
		op.Type, op.Offsets = histories.OK, []histories.KeyOffset{{Key: 0, Offset: 0}, {Key: 1, Offset: 0}}
		s.put(op)
	}
}

// step calls or completes an operation of a process.
func (s *sloppy) step(worker int64) {
	process := worker + 3*s.dead[worker]
	op, busy := s.open[process]
	if !busy {
		op = s.draw(process)
		s.open[process] = op
		op.Type = histories.Invoke
		s.put(op)
		return
	}
	delete(s.open, process)
	op.Type = rapid.SampledFrom([]histories.Type{histories.OK, histories.OK, histories.OK, histories.Fail, histories.Info}).Draw(s.t, "type")
	if op.F != histories.Txn && op.Type == histories.Info {
		op.Type = histories.OK
	}
	s.complete(&op)
	s.put(op)
	if op.Type == histories.Info {
		s.dead[worker]++
	}
}

func (s *sloppy) draw(process int64) histories.Op {
	op := histories.Op{Process: process}
	log := func() int64 { return rapid.Int64Range(0, 1).Draw(s.t, "log") }
	switch rapid.SampledFrom([]string{"txn", "txn", "txn", "poll", "stable", "fence", "assign"}).Draw(s.t, "f") {
	case "txn":
		op.F = histories.Txn
		for range rapid.IntRange(1, 3).Draw(s.t, "mops") {
			if rapid.Bool().Draw(s.t, "poll") {
				op.Mops = append(op.Mops, histories.Mop{})
				continue
			}
			v, l := int64(len(s.offset)+1), log()
			s.offset[v], s.log[v] = s.ends[l], l
			s.ends[l]++
			s.sent = append(s.sent, v)
			op.Mops = append(op.Mops, histories.Mop{Send: true, Key: l, Value: v, Offset: histories.OffsetUnknown})
		}
		op.Group = rapid.SampledFrom([]string{"", "g"}).Draw(s.t, "group")
	case "poll":
		op.F, op.Mops = histories.Poll, []histories.Mop{{}}
	case "stable":
		op.F, op.Keys = histories.StableOffsets, []int64{log()}
	case "fence":
		op.F, op.Keys = histories.Fence, []int64{rapid.Int64Range(1, 2).Draw(s.t, "id")}
	case "assign":
		op.F, op.Keys = histories.Assign, []int64{0, 1}
		op.Isolation = rapid.SampledFrom([]histories.Isolation{histories.ReadCommitted, histories.ReadCommitted, histories.ReadUncommitted}).Draw(s.t, "isolation")
		if rapid.Bool().Draw(s.t, "committed") {
			op.Seek.To, op.Group = histories.SeekCommitted, "g"
		} else {
			op.Seek.To = histories.SeekBeginning
		}
	}
	return op
}

func (s *sloppy) complete(op *histories.Op) {
	switch op.F {
	case histories.Txn, histories.Poll:
		op.Mops = slices.Clone(op.Mops)
		for i := range op.Mops {
			m := &op.Mops[i]
			if m.Send {
				if op.Type == histories.OK {
					m.Offset = s.offset[m.Value]
				}
				continue
			}
			s.poll(op, m)
		}
		if op.F == histories.Txn {
			op.Producer = histories.Producer{Txn: rapid.Int64Range(1, 2).Draw(s.t, "id"), Instance: rapid.Int64Range(1, 3).Draw(s.t, "instance")}
		}
	case histories.StableOffsets:
		if op.Type == histories.OK {
			offset := rapid.Int64Range(0, s.ends[op.Keys[0]]).Draw(s.t, "stable")
			if len(s.sent) > 0 && rapid.Bool().Draw(s.t, "at a record") {
				if v := rapid.SampledFrom(s.sent).Draw(s.t, "record"); s.log[v] == op.Keys[0] {
					offset = s.offset[v]
				}
			}
			op.Offsets = []histories.KeyOffset{{Key: op.Keys[0], Offset: offset}}
		}
	case histories.Fence:
		if op.Type == histories.OK {
			op.Producer = histories.Producer{Txn: op.Keys[0], Instance: int64(100 + len(s.h.Ops))}
		}
	case histories.Assign:
		if op.Type == histories.OK {
			op.Offsets = []histories.KeyOffset{{Key: 0, Offset: 0}, {Key: 1, Offset: 0}}
		}
	}
}

// poll returns some of what was sent, in the order of offsets.
func (s *sloppy) poll(op *histories.Op, m *histories.Mop) {
	m.Polled, m.From = true, int32(len(op.Runs))
	for l := range int64(2) {
		from := int32(len(op.Recs))
		for _, v := range s.sent {
			if s.log[v] == l && rapid.IntRange(0, 2).Draw(s.t, "gets") == 0 && !slices.ContainsFunc(op.Recs, func(r histories.Rec) bool { return r.Value == v }) {
				op.Recs = append(op.Recs, histories.Rec{Offset: s.offset[v], Value: v})
			}
		}
		if to := int32(len(op.Recs)); to > from {
			op.Runs = append(op.Runs, histories.Run{Key: l, From: from, To: to})
		}
	}
	m.To = int32(len(op.Runs))
}

// end makes the final reads by process 9.
func (s *sloppy) end() {
	for process := range s.open {
		op := s.open[process]
		op.Type = histories.Fail
		if op.F == histories.Txn {
			op.Type = histories.Info
		}
		s.put(op)
	}
	s.phase(histories.PhaseFinal)
	do := func(op histories.Op) {
		op.Process, op.Type = 1000, histories.Invoke
		done := op
		op.Offsets, op.Recs, op.Runs, op.Fetched, op.Producer = nil, nil, nil, nil, histories.Producer{}
		op.Mops = slices.Clone(op.Mops)
		for i := range op.Mops {
			op.Mops[i] = histories.Mop{}
		}
		s.put(op)
		done.Type = histories.OK
		s.put(done)
	}
	for id := range int64(2) {
		if rapid.IntRange(0, 3).Draw(s.t, "fenced") > 0 {
			do(histories.Op{F: histories.Fence, Keys: []int64{id + 1}, Producer: histories.Producer{Txn: id + 1, Instance: 1000 + id}})
		}
	}
	do(histories.Op{F: histories.EndOffsets, Keys: []int64{0, 1}, Offsets: []histories.KeyOffset{{Key: 0, Offset: s.ends[0]}, {Key: 1, Offset: s.ends[1]}}})
	s.now += time.Duration(rapid.IntRange(1, 3).Draw(s.t, "later")) * time.Second
	l := rapid.Int64Range(0, 1).Draw(s.t, "log")
	do(histories.Op{F: histories.StableOffsets, Keys: []int64{l}, Offsets: []histories.KeyOffset{{Key: l, Offset: rapid.Int64Range(0, s.ends[l]).Draw(s.t, "stable")}}})
	do(histories.Op{F: histories.Assign, Keys: []int64{0, 1}, Seek: histories.Seek{To: histories.SeekBeginning}, Isolation: histories.ReadCommitted,
		Offsets: []histories.KeyOffset{{Key: 0, Offset: 0}, {Key: 1, Offset: 0}}})
	poll := histories.Op{F: histories.Poll, Mops: []histories.Mop{{}}}
	s.poll(&poll, &poll.Mops[0])
	poll.Fetched = []histories.Fetched{{Key: 0, Position: 0, HighWatermark: s.ends[0], Epoch: -1}, {Key: 1, Position: 0, HighWatermark: s.ends[1], Epoch: -1}}
	do(poll)
	last := histories.Op{F: histories.Poll, Mops: []histories.Mop{{Polled: true}}}
	last.Fetched = []histories.Fetched{{Key: 0, Position: s.ends[0], HighWatermark: s.ends[0], Epoch: -1}, {Key: 1, Position: s.ends[1], HighWatermark: s.ends[1], Epoch: -1}}
	do(last)
	s.phase(histories.PhaseEnd)
}

// TestTransactionsAgainstTheDefinitions compares the counts of every kind about
// transactions, headlines and what follows together; of cycles only whether
// there is one.
func TestTransactionsAgainstTheDefinitions(t *testing.T) {
	met := map[Kind]int{}
	property := func(t *rapid.T) {
		s := &sloppy{t: t, offset: map[int64]int64{}, log: map[int64]int64{}, open: map[int64]histories.Op{}, dead: map[int64]int64{}}
		s.h.Header = promised(true)
		s.h.Header.Contract.Isolation = "read_committed"
		s.begin()
		for range rapid.IntRange(4, 24).Draw(t, "steps") {
			s.step(rapid.Int64Range(0, 2).Draw(t, "worker"))
		}
		s.end()
		v := judge(s.h, Options{Model: Strict, MinAcked: -1, MinOpsPerFault: -1})
		got, follows := map[Kind]int64{}, false
		for _, a := range v.Anomalies {
			if a.AllowedBy == "" {
				got[a.Kind] += a.Count
			}
			for _, f := range a.Follows {
				if f.Kind == G1c { // it may be one that needs the order of writes
					follows = true
					continue
				}
				got[f.Kind] += f.Count
			}
		}
		for kind, want := range newPlainTxns(s.h, s.offset, s.log).count() {
			have := got[kind]
			if kind == G1c {
				if have = min(have, 1); follows {
					have = want
				}
			}
			if want > 0 {
				met[kind]++
			}
			if have != want {
				t.Fatalf("%s: %d found, %d by definition: %s\n%s", kind, have, want, headlinesOf(v), spelled(s.h))
			}
		}
	}
	for range 5 { // a hundred histories each
		rapid.Check(t, property)
	}
	t.Logf("guilty: %v", met)
	// A fractured read is drawn too rarely to be asked for.
	for _, kind := range []Kind{PrecommittedRead, TornTransaction, FencedProducerCommitted, EOSDuplicateEffect, G1c, LSORegression, StuckLSO} {
		if met[kind] == 0 {
			t.Errorf("no history drawn is guilty of %s", kind)
		}
	}
}

// spelled is a history as people read it.
func spelled(h histtest.History) string {
	var b strings.Builder
	f, err := histories.FormatOf("h.txt")
	if err != nil {
		return err.Error()
	}
	if err := h.Save(&b, f); err != nil {
		return err.Error()
	}
	return b.String()
}
