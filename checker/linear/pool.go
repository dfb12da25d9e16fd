package linear

import (
	"runtime"
	"sync"
	"time"
)

// Pool judges windows on goroutines of its own. It holds a bounded number of
// windows; Submit waits where that is reached.
type Pool struct {
	windows chan Window
	wg      sync.WaitGroup
	mu      sync.Mutex
	take    func(Result)
}

// NewPool starts a pool of workers; 0: as many as there are processors, but
// one, which is left for reading the history. take is called for every
// result, one at a time.
func NewPool(workers int, timeout time.Duration, take func(Result)) *Pool {
	if workers <= 0 {
		workers = max(1, runtime.GOMAXPROCS(0)-1)
	}
	p := &Pool{windows: make(chan Window, 4*workers), take: take}
	for range workers {
		p.wg.Go(func() {
			v := Verify{Timeout: timeout}
			for w := range p.windows {
				res := v.Window(w)
				p.mu.Lock()
				p.take(res)
				p.mu.Unlock()
			}
		})
	}
	return p
}

// Submit hands over a window.
func (p *Pool) Submit(w Window) { p.windows <- w }

// Wait ends the pool when every window has been judged.
func (p *Pool) Wait() {
	close(p.windows)
	p.wg.Wait()
}
