package checker

import (
	"fmt"
	"sync"
)

// pass is a pass at work.
type pass struct {
	Pass
	name   string
	report *Report // nil: it judges nothing
	idle   bool    // it looks at the facts only
	broken bool    // it panicked and takes no more part
}

// lane is a goroutine that takes batches through some passes.
type lane struct {
	passes []*pass
	in     chan *batch
}

// run takes batches until there are no more, and gives each one back through free.
func (l *lane) run(free chan<- *batch, done *sync.WaitGroup) {
	defer done.Done()
	for b := range l.in {
		for _, p := range l.passes {
			if !p.idle && !p.broken {
				p.take(b)
			}
		}
		if b.readers.Add(-1) == 0 {
			free <- b
		}
	}
}

func (p *pass) take(b *batch) {
	defer p.survive()
	for i := range b.ops {
		p.Observe(&b.ops[i])
	}
}

func (p *pass) finish() {
	if p.broken {
		return
	}
	defer p.survive()
	p.Finish()
}

// survive turns a panic of a pass into a reason: what the others find still
// stands, and nothing is called valid.
func (p *pass) survive() {
	if r := recover(); r != nil {
		p.broken = true
		if p.report == nil {
			return
		}
		p.report.Unknown(CheckerTimeout, fmt.Sprintf("the checker %s failed and proves nothing; please report it with the history: %v", p.name, r))
	}
}
