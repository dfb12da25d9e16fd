package linear

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Mark is something that happened beside the operations: a fault.
type Mark struct {
	Name, Details string
	From, To      int64 // ns
}

// Draw writes porcupine's page of the operations around a violation, with the
// pair and the faults marked. It draws a few hundred operations at most, or
// the reader's browser suffers. timeout bounds the search for the partial
// orders that the page shows; without an answer it shows none.
func Draw(out io.Writer, v Violation, ops []Op, faults []Mark, timeout time.Duration) error {
	p := picture{pair: []Op{v.B, v.A}}
	p.collect(ops)
	p.ranked.refine(&p.window)
	if !p.ranked.rank(false) {
		return fmt.Errorf("draw the violation: %d operations are too many", len(p.window.Ops))
	}
	p.rows()
	model := p.ranked.model()
	model.DescribeOperationMetadata = func(info any) string { return info.(string) }
	_, info := porcupine.CheckOperationsVerbose(model, p.operations(), timeout)
	info.AddAnnotations(p.annotations(faults))
	if err := porcupine.Visualize(model, info, out); err != nil {
		return fmt.Errorf("draw the violation: %w", err)
	}
	return nil
}

// picture lays out a violation.
type picture struct {
	pair     []Op
	window   Window
	ranked   ranked
	row      map[int64]int // by process
	from, to int64         // the times drawn
}

// collect puts the pair among the operations around it.
func (p *picture) collect(ops []Op) {
	p.window = Window{Start: Inf, End: Inf}
	for i := range p.pair {
		if p.pair[i].Kind < filler {
			p.window.Ops = append(p.window.Ops, p.pair[i])
		}
	}
	for i := range ops {
		if !ops[i].same(&p.pair[0]) && ops[i].Index != p.pair[1].Index && !ops[i].Suspect {
			p.window.Ops = append(p.window.Ops, ops[i])
		}
	}
	p.from, p.to = Inf, 0
	for i := range p.window.Ops {
		o := &p.window.Ops[i]
		p.window.Start = min(p.window.Start, o.Hi)
		if o.Lo > 0 && !o.writes() {
			p.window.Start = min(p.window.Start, o.Lo)
		}
		p.from = min(p.from, o.Call)
		p.to = max(p.to, o.Call)
		if o.Ret < Inf {
			p.to = max(p.to, o.Ret)
		}
	}
	p.from, p.to = p.from-1, p.to+1
}

// rows gives every process a row, in the order of their numbers.
func (p *picture) rows() {
	processes := make([]int64, 0, len(p.window.Ops))
	for i := range p.window.Ops {
		processes = append(processes, p.window.Ops[i].Process)
	}
	slices.Sort(processes)
	p.row = make(map[int64]int)
	for i, id := range slices.Compact(processes) {
		p.row[id] = i
	}
}

// operations returns what porcupine draws; appends that nobody is known to
// have made stand in a row of their own below.
func (p *picture) operations() []porcupine.Operation {
	h := make([]porcupine.Operation, 0, len(p.ranked.moves))
	for i := range p.ranked.moves {
		m := &p.ranked.moves[i]
		o := porcupine.Operation{Input: m, Call: max(m.op.Call, p.from), Return: min(m.op.Ret, p.to), ClientId: len(p.row)}
		if m.op.Kind < filler {
			o.ClientId = p.row[m.op.Process]
			o.Metadata = fmt.Sprintf("process %d, entry %d", m.op.Process, m.op.Index)
		} else {
			o.Metadata = "nobody is known to have done it"
		}
		h = append(h, o)
	}
	slices.SortStableFunc(h, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return h
}

// annotations marks the pair and the faults.
func (p *picture) annotations(faults []Mark) []porcupine.Annotation {
	var all []porcupine.Annotation
	for i, text := range []string{"proves", "denies"} {
		o := &p.pair[i]
		if o.Kind >= filler {
			continue
		}
		length := o.Lo
		if i == 1 {
			length = o.Hi
		}
		all = append(all, porcupine.Annotation{
			Tag: "violation", Start: max(o.Call, p.from), End: min(o.Ret, p.to),
			Description:     fmt.Sprintf("entry %d %s", o.Index, text),
			Details:         fmt.Sprintf("process %d, called at %v, returned at %v: length %d", o.Process, time.Duration(o.Call), time.Duration(o.Ret), length),
			BackgroundColor: "#f7a8a8",
		})
	}
	for _, f := range faults {
		if f.From <= p.to && f.To >= p.from {
			all = append(all, porcupine.Annotation{
				Tag: "faults", Start: max(f.From, p.from), End: min(f.To, p.to),
				Description: f.Name, Details: f.Details, BackgroundColor: "#ffe9b3",
			})
		}
	}
	return all
}
