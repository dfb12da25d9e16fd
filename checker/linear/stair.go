package linear

import "sort"

// stair is the greatest length that returned operations have proven, as a
// function of time: a staircase of steps, each with the operation that proved
// it. Both times and lengths rise.
type stair struct {
	steps []step
	limit int  // compact when there are that many
	floor step // stands where nothing has been proven: length 0
}

type step struct {
	at     int64 // the return that proved it
	length int64
	by     Op
}

// How many steps are kept beyond those that an operation in flight may ask
// for: the newest, to say exactly how old a read's state is, and a thinned
// sample of the older ones, to say about how old.
const (
	stairNewest = 1024
	stairSample = 256
)

// last is the highest step.
func (s *stair) last() *step {
	if n := len(s.steps); n > 0 {
		return &s.steps[n-1]
	}
	return &s.floor
}

// before returns the length proven by operations that returned before t.
func (s *stair) before(t int64) *step {
	n := len(s.steps)
	if n > 0 && s.steps[n-1].at < t {
		return &s.steps[n-1]
	}
	i := sort.Search(n, func(i int) bool { return s.steps[i].at >= t })
	if i == 0 {
		return &s.floor
	}
	return &s.steps[i-1]
}

// above returns the first step that is longer than a length, nil where none is.
func (s *stair) above(length int64) *step {
	i := sort.Search(len(s.steps), func(i int) bool { return s.steps[i].length > length })
	if i == len(s.steps) {
		return nil
	}
	return &s.steps[i]
}

// prove adds what an operation proves by its return at t. Returns come in the
// order of time.
func (s *stair) prove(t, length int64, by *Op, f *Flight) {
	last := s.last()
	if length <= last.length {
		return
	}
	s.steps = append(s.steps, step{max(t, last.at), length, *by})
	if len(s.steps) >= max(s.limit, 2*stairNewest) {
		s.compact(f)
	}
}

// compact drops steps that no operation in flight can ask for. The answers to
// before for every call in flight, and for every later one, stay what they were.
func (s *stair) compact(f *Flight) {
	n := len(s.steps)
	keep := make([]bool, n)
	for i := n - stairNewest; i < n; i++ {
		keep[i] = true
	}
	i := 0
	f.each(func(call int64) {
		for i < n && s.steps[i].at < call {
			i++
		}
		if i > 0 {
			keep[i-1] = true
		}
	})
	old := n - stairNewest
	for k := 0; k < stairSample; k++ {
		keep[k*old/stairSample] = true
	}
	out := s.steps[:0]
	for i := range s.steps {
		if keep[i] {
			out = append(out, s.steps[i])
		}
	}
	clear(s.steps[len(out):])
	s.steps = out
	s.limit = 2 * len(out)
}
