package checker

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ackproof/ackproof/histories"
)

// Finding is how often a kind has been found so far.
type Finding struct {
	Kind  Kind
	Count int64
}

// liveCounts counts findings while the run lasts, and says when the first of
// them is certain to stand as a violation; safe for concurrent use.
type liveCounts struct {
	n       []atomic.Int64
	lenient atomic.Bool // something that the contract allows may explain what is found
	once    sync.Once
	first   Kind          // what convicted; set before guilty is closed
	guilty  chan struct{} // closed by the first certain violation
}

func newLiveCounts() *liveCounts {
	return &liveCounts{n: make([]atomic.Int64, len(Kinds)), guilty: make(chan struct{})}
}

func (l *liveCounts) add(k Kind, n int64) {
	if i, ok := rank[k]; ok {
		l.n[i].Add(n)
	}
}

// sees counts n findings of a kind, which convict unless a clause of the
// contract allows them, or may turn out to.
func (l *liveCounts) sees(k Kind, n int64, allowedBy string) {
	l.add(k, n)
	if allowedBy != "" && allowedBy != informational {
		l.mayAllow() // what follows from it is allowed as well
	}
	if allowedBy == "" && l.certain(k) {
		l.once.Do(func() {
			l.first = k
			close(l.guilty)
		})
	}
}

// certain tells whether a finding that no clause allows stands whatever comes
// later. Where the contract lets records be lost, doubled or deleted, findings
// about their order may be consequences of that, which only the whole history
// tells.
func (l *liveCounts) certain(k Kind) bool {
	i, known := rank[k]
	if !known || Kinds[i].Group == GroupHarness {
		return false
	}
	switch k {
	case CorruptRecord, MisroutedRecord, PhantomRead, FutureRead, AbortedRead:
		return true
	}
	return !l.lenient.Load()
}

// forgiving tells whether the contract lets records be lost, doubled or deleted,
// or does not say that they stay.
func forgiving(e *Env) bool {
	if c := &e.Contract; e.LossAllowed() != "" || e.DuplicateAllowed() != "" || c.Retention != "none" || c.Cleanup == "compact" {
		return true
	}
	return slices.ContainsFunc(e.Header.Logs, func(l histories.Log) bool {
		return l.Retention != "" && l.Retention != "none" || l.Cleanup == "compact"
	})
}

// mayAllow says that the contract, or what happened, lets records be lost, doubled or
// deleted.
func (l *liveCounts) mayAllow() { l.lenient.Store(true) }

func (l *liveCounts) found() []Finding {
	var out []Finding
	for i := range l.n {
		if n := l.n[i].Load(); n > 0 {
			out = append(out, Finding{Kinds[i].Name, n})
		}
	}
	return out
}
