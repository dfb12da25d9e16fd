package shrink

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ackproof/ackproof/histories"
)

// window is how far around the target's offset sends are gathered, in offsets.
const window = 256

// gatherer reads a history once and keeps what may belong to the proof.
type gatherer struct {
	t        *target
	evidence map[int64]bool // entries
	all      bool           // keep everything
	ops      []operation
	open     map[int64]*histories.Op // by process: its invocation, while that is open
	spare    []*histories.Op         // invocations that are no longer needed
	reads    map[int64]operation     // by process: the assignment that it reads by
	doubtful []operation             // sends of the log that name no offset
	polled   map[record]bool         // what kept polls returned near the target
	final    bool                    // the final reads have begun
	end      ending
	entries  int64
}

// ending is the last record of the target's log that the final reads returned.
// Where no fetch behind it stood at the log's end, it alone shows that they got
// there.
type ending struct{ offset, value int64 }

// noEnding is where none is known.
var noEnding = ending{-1, -1}

// maxWhole bounds, in entries, the histories that are shrunk from the whole.
const maxWhole = 400_000

// gather reads the history at path. With all it keeps every operation, and
// otherwise what is near the target, the send of end included; see the package's
// design for what that is. It returns the ending that it saw, too.
func gather(path string, t *target, all bool, end ending) ([]operation, ending, error) {
	r, err := histories.Open(path)
	if err != nil {
		return nil, noEnding, err
	}
	defer r.Close()
	g := &gatherer{
		t: t, all: all, evidence: map[int64]bool{}, open: map[int64]*histories.Op{},
		reads: map[int64]operation{}, polled: map[record]bool{}, end: end,
	}
	seen := noEnding
	for _, i := range t.example.Ops {
		g.evidence[i] = true
	}
	for {
		op, err := r.Next()
		var torn *histories.SyntaxError
		if err == io.EOF || errors.As(err, &torn) { // what follows was not judged either
			return g.finish(), seen, nil
		}
		if err != nil {
			return nil, noEnding, fmt.Errorf("gather the operations around the evidence: %w", err)
		}
		g.observe(op)
		if g.final && op.Type == histories.OK {
			seen.extend(op, t.log)
		}
		if g.entries++; all && g.entries > maxWhole {
			return nil, noEnding, fmt.Errorf("the operations around the evidence do not convict by themselves, and the history has more than %d entries: too many to try them all", maxWhole)
		}
	}
}

// extend takes what a final read returned of the log.
func (e *ending) extend(op *histories.Op, log int64) {
	for key, r := range op.Polled() {
		if key == log && r.Offset > e.offset {
			*e = ending{r.Offset, r.Value}
		}
	}
}

func (g *gatherer) observe(op *histories.Op) {
	switch {
	case op.Process == histories.Nemesis:
		g.nemesis(op)
	case op.Type == histories.Invoke:
		if call := g.open[op.Process]; call != nil { // never completed
			g.complete(operation{call: call})
		}
		g.open[op.Process] = g.copy(op)
	default:
		o := operation{call: g.open[op.Process], done: op}
		delete(g.open, op.Process)
		g.complete(o)
	}
}

// copy keeps an invocation in memory that is used again.
func (g *gatherer) copy(op *histories.Op) *histories.Op {
	if n := len(g.spare); n > 0 {
		c := g.spare[n-1]
		g.spare = g.spare[:n-1]
		op.CopyTo(c)
		return c
	}
	return op.Clone()
}

// nemesis keeps the phases, and where the cluster itself is the matter, or a
// crash is what the contract allows, everything that was done to it.
func (g *gatherer) nemesis(op *histories.Op) {
	if op.F == histories.Phase && op.Event != nil {
		g.final = op.Event.Phase == histories.PhaseFinal
	}
	if g.all || op.F == histories.Phase || g.evidence[op.Index] || g.t.log < 0 || strings.HasPrefix(g.t.allowed, "durability") {
		g.ops = append(g.ops, operation{call: op.Clone()})
	}
}

// complete takes an operation whose entries are lent.
func (g *gatherer) complete(o operation) {
	last := o.last()
	evidence := g.evidence[last.Index] || o.call != nil && g.evidence[o.call.Index]
	switch {
	case g.all || evidence || g.near(last):
		g.keepReads(last.Process)
		o = clone(o)
		g.ops = append(g.ops, o)
		if o.last().F == histories.Assign || o.last().F == histories.Subscribe {
			g.reads[last.Process] = operation{} // kept already
		}
		for key, r := range last.Polled() {
			if key == g.t.log && g.within(r.Offset) {
				g.polled[record{key, r.Value}] = true
			}
		}
		return
	case last.F == histories.Assign || last.F == histories.Subscribe:
		g.reads[last.Process] = clone(o)
	case g.unplaced(last):
		g.doubtful = append(g.doubtful, clone(o))
	}
	if o.call != nil {
		g.spare = append(g.spare, o.call)
	}
}

// keepReads keeps the assignment that a kept process reads by.
func (g *gatherer) keepReads(process int64) {
	if o := g.reads[process]; o.call != nil || o.done != nil {
		g.ops = append(g.ops, o)
		delete(g.reads, process)
	}
}

func clone(o operation) operation {
	if o.call != nil {
		o.call = o.call.Clone()
	}
	if o.done != nil {
		o.done = o.done.Clone()
	}
	return o
}

func (g *gatherer) within(offset int64) bool {
	c := g.t.example.Offset
	return c >= 0 && offset >= c-window && offset <= c+window
}

// near tells whether an operation says something about the log near the target.
func (g *gatherer) near(op *histories.Op) bool {
	switch {
	case op.F == histories.Fence:
		return true
	case op.F == histories.Assign || op.F == histories.Subscribe:
		return false // kept with what is read by it
	}
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send && (m.Value == g.t.example.Value || m.Key == g.t.log && (g.within(m.Offset) || m.Value == g.end.value)) {
			return true
		}
	}
	for _, run := range op.Runs {
		if run.Key != g.t.log {
			continue
		}
		if g.final {
			return true
		}
		for _, r := range op.Recs[run.From:run.To] {
			if g.within(r.Offset) || r.Value == g.t.example.Value {
				return true
			}
		}
	}
	for _, f := range op.Fetched {
		if f.Key == g.t.log && (g.final || g.within(f.Position)) {
			return true
		}
	}
	for _, o := range op.Offsets {
		if o.Key == g.t.log && (g.final || op.F != histories.EndOffsets && op.F != histories.StartOffsets && g.within(o.Offset)) {
			return true
		}
	}
	return false
}

// unplaced tells whether an operation sends to the log and no offset is known.
func (g *gatherer) unplaced(op *histories.Op) bool {
	for i := range op.Mops {
		if m := &op.Mops[i]; m.Send && m.Key == g.t.log && m.Offset < 0 {
			return true
		}
	}
	return false
}

// finish adds the sends whose records turned out to stand near the target.
func (g *gatherer) finish() []operation {
	for _, call := range g.open {
		g.complete(operation{call: call})
	}
	for _, o := range g.doubtful {
		for m := range o.last().Sends() {
			if g.polled[record{m.Key, m.Value}] {
				g.ops = append(g.ops, o)
				break
			}
		}
	}
	return g.ops
}
